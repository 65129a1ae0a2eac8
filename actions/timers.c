/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See timers.h. Each row of the table runs when the seconds of its setting have passed
 * since its last run. Those that wait for storages run in the background, once at a
 * time; the others change the store or submit jobs, which does not take long.
 */
#include "actions/timers.h"

#include <stdatomic.h>
#include <string.h>

#include "actions/account/session.h"
#include "actions/engine/config.h"
#include "actions/engine/job_stats.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/result.h"
#include "actions/engine/steps.h"
#include "actions/image/image.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage_refresh.h"
#include "actions/vm/console_access.h"
#include "actions/vm/console_log.h"
#include "actions/vm/ha.h"
#include "actions/vm/remove.h"
#include "actions/volume/remove.h"
#include "actions/volume/size_refresh.h"
#include "model/clock.h"
#include "model/key_list.h"
#include "model/log.h"
#include "model/states.h"

/* Jobs that have ended: those that failed are kept for longer, since somebody wants to know why. */
struct ended {
	int64_t period; /* ns */
	int64_t count;
};

static struct ended *ended_of(struct ended ended[2], const struct object *job)
{
	return &ended[object_str_is(job, JOB_STATE, JOB_STATE_FAILED)];
}

/* Which jobs ended too long ago (behaviour.md 1.5), or are the oldest of too many; @left at most. */
static int find_expired(const struct txn *t, size_t left, struct key_list *ids)
{
	const struct view *view = txn_view(t);
	int64_t most = config_int(view, "job.ended.maxNum");
	struct ended ended[2] = {{.period = config_int(view, "rest.completedApi.expiredPeriod") * NS_PER_S},
				 {.period = config_int(view, "job.failed.keepPeriod") * NS_PER_S}};
	const struct object *job;
	struct view_walk walk;
	int r = 0;

	view_walk_init(&walk, view, KIND_JOB, JOB_STATE);
	while ((job = view_walk_next(&walk)))
		ended_of(ended, job)->count += job_state_is_final(object_str(job, JOB_STATE));
	view_walk_init(&walk, view, KIND_JOB, JOB_STATE);
	while (r == 0 && ids->count < left && (job = view_walk_next(&walk))) {
		struct ended *its = ended_of(ended, job);

		if (!job_state_is_final(object_str(job, JOB_STATE)) ||
		    (object_int(job, JOB_FINISHED) + its->period > txn_now(t) && its->count <= most))
			continue;
		its->count--;
		r = key_list_add(ids, (uint64_t)job->id);
	}
	return r;
}

/* Removes some of them. */
static int expire_jobs_step(struct txn *t, void *arg, size_t *left, struct error *e)
{
	_cleanup_(key_list_done) struct key_list ids = {0};
	int r = find_expired(t, *left, &ids);

	(void)arg;
	if (r < 0)
		return error_oom(e);
	for (size_t i = 0; i < ids.count && r == 0; i++) {
		const struct object *job = view_get_id(txn_view(t), KIND_JOB, (int64_t)ids.keys[i]);

		r = job ? txn_remove(t, job, e) : error_oom(e);
	}
	*left -= ids.count;
	return r;
}

static int expire_jobs(struct pool *pool, struct error *e)
{
	pool->jobs_expired_at = job_stats_count(pool->job_stats);
	return pool_run_steps(pool, expire_jobs_step, NULL, e);
}

/* However many jobs there are in the time between two removals, there are not many more of them than are to be kept. */
static bool has_many_more_jobs(struct pool *pool, const struct view *view)
{
	uint64_t more = job_stats_count(pool->job_stats) - pool->jobs_expired_at;

	return more > (uint64_t)config_int(view, "job.ended.maxNum") / 8;
}

static const struct timer {
	const char *period; /* setting with the seconds between two runs */
	int (*run)(struct pool *pool, struct error *e);
	bool blocks; /* for as long as a storage does not answer */
	bool (*needed)(
		const struct view *view); /* whether it can have anything to do; NULL: that is not known */
	/* whether it is due already, after the pool has changed; NULL: never */
	bool (*early)(struct pool *pool, const struct view *view);
} timers[] = {
	{"identity.session.cleanup.interval", session_remove_ended},
	{"identity.session.cleanup.interval", console_access_remove_ended},
	{"rest.expiredApi.scanInterval", expire_jobs, .early = has_many_more_jobs},
	{"vm.expungeInterval", vm_expunge_due},
	{"ha.neverStopVm.scan.interval", ha_start_stopped, .needed = ha_has_vms},
	{"host.ping.interval", ha_check_hosts},
	{"image.expungeInterval", image_expunge_due},
	{"host.ping.interval", storage_refresh, .blocks = true},
	{"host.ping.interval", console_logs_trim, .blocks = true},
	{"volume.expungeInterval", volume_expunge_due},
	{"volume.refreshVolumeSizeInterval", volume_refresh_sizes, .blocks = true},
	{"volume.expungeInterval", orphan_files_collect, .blocks = true, .early = orphan_files_are_left},
};

static void run_now(struct pool *pool, const struct timer *timer)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (timer->run(pool, &e) < 0)
		log_error("timer", timer->period, "%s", error_sentence(&e));
}

/* Of the timers that block. A storage that hangs must not hold more and more threads. */
static struct run {
	atomic_flag busy;
	struct pool *pool; /* while busy */
} runs[ARRAY_SIZE(timers)];

static void run_in_background(void *arg)
{
	struct run *run = arg;

	run_now(run->pool, &timers[run - runs]);
	atomic_flag_clear(&run->busy);
}

static void run_timer(struct pool *pool, size_t i)
{
	int r;

	if (!timers[i].blocks) {
		run_now(pool, &timers[i]);
		return;
	}
	if (atomic_flag_test_and_set(&runs[i].busy))
		return;
	runs[i].pool = pool;
	r = pool_background(pool, run_in_background, &runs[i]);
	if (r < 0) {
		log_error("timer", timers[i].period, "cannot run: %s", strerror(-r));
		atomic_flag_clear(&runs[i].busy);
	}
}

static void run_due(struct pool *pool, int64_t last[])
{
	_cleanup_view_ struct view *view = store_view(pool->store);
	int64_t now = store_now();

	for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
		/* A clock that was set back must not stop the timers. */
		if (now >= last[i] && now < last[i] + config_int(view, timers[i].period) * NS_PER_S &&
		    !(timers[i].early && timers[i].early(pool, view)))
			continue;
		last[i] = now;
		run_timer(pool, i);
	}
}

/*
 * While anything can be due at any time, the thread looks once a second; otherwise it sleeps until the next timer is due,
 * or the pool changes. Not for longer than a minute: the clock may be set.
 */
#define TICK	   NS_PER_S
#define SLEEP_MOST (60 * NS_PER_S)

/* How long nothing is due unless the pool changes; at least a tick. */
static int64_t time_to_sleep(struct pool *pool, const int64_t last[])
{
	_cleanup_view_ struct view *view = store_view(pool->store);
	int64_t now = store_now(), least = executor_has_deadlines(pool->executor) ? TICK : SLEEP_MOST;

	for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
		int64_t left = last[i] + config_int(view, timers[i].period) * NS_PER_S - now;

		if (left < least && (!timers[i].needed || timers[i].needed(view)))
			least = left;
	}
	return least > TICK ? least : TICK;
}

/* In the store's writer thread, after each change. */
static void wake(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)view, (void)changes, (void)count;
	pool_wake_timer(ctx);
}

/* With the lock held. @lightly: it ends as soon as the pool changes. */
static void sleep_for(struct pool *pool, int64_t ns, bool lightly)
{
	const int64_t end = clock_monotonic() + ns;
	const struct timespec until = {end / NS_PER_S, end % NS_PER_S};
	int r = 0;

	while (r == 0 && !pool->stopping && (!lightly || atomic_load(&pool->timer_sleeps)))
		r = pthread_cond_timedwait(&pool->timer_cond, &pool->timer_lock, &until);
}

static void *timer_main(void *arg)
{
	struct pool *pool = arg;
	int64_t last[ARRAY_SIZE(timers)];

	pthread_setname_np(pthread_self(), "timer");
	store_set_cause(&(struct cause){.uid = -1, .source = "scheduler"});
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		last[i] = store_now();
	pthread_mutex_lock(&pool->timer_lock);
	while (!pool->stopping) {
		int64_t ns;

		pthread_mutex_unlock(&pool->timer_lock);
		executor_check_deadlines(pool->executor);
		run_due(pool, last);
		/* First the flag, then the view: a change is in the one, or ends the sleep. */
		atomic_store(&pool->timer_sleeps, true);
		ns = time_to_sleep(pool, last);
		pthread_mutex_lock(&pool->timer_lock);
		if (ns > TICK)
			sleep_for(pool, ns, true);
		/* Changes may come one after the other: it looks no more than once a second. */
		if (!atomic_exchange(&pool->timer_sleeps, false) || ns == TICK)
			sleep_for(pool, TICK, false);
	}
	pthread_mutex_unlock(&pool->timer_lock);
	return NULL;
}

void pool_timers_init(struct pool *pool)
{
	pthread_mutex_init(&pool->timer_lock, NULL);
	clock_cond_init(&pool->timer_cond);
}

int pool_timers_start(struct pool *pool, struct error *e)
{
	int r = pool_observe(pool, wake, pool, e);

	if (r < 0)
		return r;
	r = pthread_create(&pool->timer, NULL, timer_main, pool);
	pool->timer_runs = r == 0;
	return r ? error_set(e, r, "cannot start a thread: %s", strerror(r)) : 0;
}

void pool_timers_stop(struct pool *pool)
{
	if (!pool->timer_runs)
		return;
	pthread_mutex_lock(&pool->timer_lock);
	pool->stopping = true;
	pthread_cond_signal(&pool->timer_cond);
	pthread_mutex_unlock(&pool->timer_lock);
	pthread_join(pool->timer, NULL);
	pool->timer_runs = false;
}
