/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that runs schedulers. See scheduler.h.
 *
 * It waits in poll(2) for two descriptors: a timer on CLOCK_REALTIME, which expires
 * at the next moment and also reports when the clock was set, and an eventfd, to
 * which the store's observer writes when a scheduler has changed.
 */
#include "actions/schedule/scheduler_thread.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "actions/schedule/schedule.h"
#include "actions/schedule/scheduler.h"
#include "model/log.h"

/*
 * Longest sleep: changes of /etc/localtime are not reported, so moments are computed anew at least this
 * often.
 */
#define SLEEP_MAX_S 3600
/* Pause after a round that failed, for example because the disk is full. */
#define RETRY_S 5

struct scheduler_thread {
	struct pool *pool;
	int timer, wake; /* descriptors, -1 = none */
	pthread_t thread;
	bool runs; /* of the thread that starts and stops it */
	atomic_bool stopping;
};

static void wake_up(struct scheduler_thread *c)
{
	(void)eventfd_write(c->wake, 1);
}

/* A VM changes its state, or a volume its status: schedulers may be suspended by that, or go on. */
static bool suspends(const struct change *change)
{
	const struct object *before = change->before, *after = change->after;
	int field;

	if (!before || !after || (after->kind->id != KIND_VM && after->kind->id != KIND_VOLUME))
		return false;
	field = after->kind->id == KIND_VM ? VM_STATE : VOLUME_STATUS;
	return !object_str_is(before, field, object_str(after, field));
}

static void on_changes(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	bool any = view_count(view, KIND_SCHEDULER) > 0;

	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].after ? changes[i].after : changes[i].before;

		if (o->kind->id == KIND_SCHEDULER || (any && suspends(&changes[i]))) {
			wake_up(ctx);
			return;
		}
	}
}

/* Sleeps until @until, until a scheduler changes, or until the clock is set; true for the last. */
static bool scheduler_thread_sleep(struct scheduler_thread *c, int64_t until)
{
	struct itimerspec spec = {.it_value = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S}};
	struct pollfd fds[] = {{.fd = c->timer, .events = POLLIN}, {.fd = c->wake, .events = POLLIN}};
	uint64_t expirations;
	eventfd_t woken;

	/* ECANCELED: the clock was set since the last call. */
	if (timerfd_settime(c->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL) < 0)
		return errno == ECANCELED;
	(void)poll(fds, ARRAY_SIZE(fds), -1);
	if (fds[1].revents)
		(void)eventfd_read(c->wake, &woken);
	return read(c->timer, &expirations, sizeof(expirations)) < 0 && errno == ECANCELED;
}

static void *scheduler_thread_main(void *arg)
{
	struct scheduler_thread *c = arg;
	bool replan = true; /* the clock may have been set while the daemon did not run */

	pthread_setname_np(pthread_self(), "scheduler");
	while (!atomic_load(&c->stopping)) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		int64_t now = store_now(), limit = now + SLEEP_MAX_S * NS_PER_S, next;

		if (schedulers_run(pool_store(c->pool), now, replan, &next, &e) == 0) {
			bool sleeps_long = next == NEVER || next > limit;

			replan = scheduler_thread_sleep(c, sleeps_long ? limit : next) ||
				 (sleeps_long && store_now() >= limit);
		} else {
			log_error("scheduler", NULL, "%s", error_sentence(&e));
			replan = scheduler_thread_sleep(c, now + RETRY_S * NS_PER_S) || replan;
		}
	}
	return NULL;
}

int scheduler_thread_new(struct pool *pool, struct scheduler_thread **ret_thread, struct error *e)
{
	struct scheduler_thread *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return error_oom(e);
	c->pool = pool;
	c->timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r = c->timer < 0 || c->wake < 0 ? error_set(e, errno, "cannot make a timer: %s", strerror(errno))
					: pool_observe(pool, on_changes, c, e);
	if (r < 0) {
		scheduler_thread_free(c);
		return r;
	}
	*ret_thread = c;
	return 0;
}

int scheduler_thread_start(struct scheduler_thread *c, struct error *e)
{
	int r = pthread_create(&c->thread, NULL, scheduler_thread_main, c);

	c->runs = r == 0;
	return r ? error_set(e, r, "cannot start a thread: %s", strerror(r)) : 0;
}

void scheduler_thread_stop(struct scheduler_thread *c)
{
	if (!c || !c->runs)
		return;
	atomic_store(&c->stopping, true);
	wake_up(c);
	pthread_join(c->thread, NULL);
	c->runs = false;
}

void scheduler_thread_free(struct scheduler_thread *c)
{
	if (!c)
		return;
	scheduler_thread_stop(c);
	if (c->timer >= 0)
		(void)close(c->timer);
	if (c->wake >= 0)
		(void)close(c->wake);
	free(c);
}
