/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See executor.h.
 *
 * One lock guards the queues and the list of running jobs. It is taken in the
 * store's writer thread (a new row), in workers (a finished job), in the timer
 * thread (deadlines) and by who holds the jobs back, and never held while a job
 * runs. The only call under it that locks is store_post(), so it comes before the
 * lock of the store's queue.
 */
#include "actions/engine/executor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "actions/engine/job_queues.h"
#include "actions/engine/job_run.h"
#include "actions/engine/result.h"
#include "actions/engine/workers.h"
#include "model/json.h"
#include "model/states.h"

/* Jobs that run concurrently. Most of them wait for a host or a disk. */
#define WORKERS_MAX 64
/* How long after its deadline a job that does not stop is written as failed. */
#define GRACE_NS (10 * NS_PER_S)

struct waiting {
	struct job_entry entry; /* lock; first member */
	struct executor *x;
	bool recover;				     /* was Processing when the daemon ended */
	bool undispatched;			     /* lock; it could run, but no worker took it */
	struct job *running;			     /* lock; the worker's, while it runs */
	struct waiting *prev_running, *next_running; /* lock */
	struct waiting *next_held;		     /* lock; in held_back or awaiting */
};

struct executor {
	struct pool *pool;
	struct workers *workers;
	pthread_mutex_t lock;
	struct job_queues *queues; /* lock */
	struct waiting *running;   /* lock */
	bool started;		   /* of the store's writer thread: executor_start() has read the rows */
	atomic_bool missed;	   /* for want of memory a job was not queued, or not given to a worker */
	atomic_bool stopping;	   /* set under the lock */
	struct waiting *awaiting;  /* lock; those that have failed to begin, until a host has come or not */
	unsigned outcomes;	   /* lock; how often that was so */
	bool waits_less; /* the timer's; it has seen that the pool has not just been opened any more */
	/* lock; of executor_hold() */
	bool held;
	struct waiting *held_back; /* those that would run */
	size_t active;		   /* jobs that have to end before this process does */
	executor_idle_fn *idle;	   /* to be called; or NULL */
	void *idle_arg;
	size_t calling; /* threads that call it */
	pthread_cond_t called;
};

/* ----------------------------------------------------------------- queues */

static void entry_run(void *arg);

static void dispatch(struct executor *x, struct waiting *entry)
{
	if (!entry || workers_run(x->workers, entry_run, entry) == 0)
		return;
	/* At shutdown, when the next start runs it, or for want of memory. */
	scoped_lock(&x->lock);
	entry->undispatched = true;
	atomic_store(&x->missed, true);
}

static void enqueue(struct executor *x, const struct view *view, const struct object *job, bool recover)
{
	struct waiting *entry = calloc(1, sizeof(*entry));
	bool entered = false, ready;

	if (entry) {
		entry->x = x;
		entry->recover = recover;
		pthread_mutex_lock(&x->lock);
		entered = job_queues_enter(x->queues, view, job, &entry->entry) == 0;
		ready = entered && entry->entry.blocked == 0;
		pthread_mutex_unlock(&x->lock);
	}
	if (!entered) {
		free(entry);
		atomic_store(&x->missed, true);
	} else if (ready) {
		dispatch(x, entry);
	}
}

static void entry_free(struct job_entry *entry)
{
	free((struct waiting *)entry);
}

/* Removes a finished entry from its queues, runs those that it blocked, and frees it. */
static void dequeue(struct waiting *entry)
{
	struct executor *x = entry->x;
	struct job_entry *ready;

	pthread_mutex_lock(&x->lock);
	ready = job_queues_leave(x->queues, &entry->entry);
	pthread_mutex_unlock(&x->lock);
	while (ready) {
		struct waiting *next = (struct waiting *)ready;

		ready = ready->next_ready;
		dispatch(x, next);
	}
	free(entry);
}

/* ---------------------------------------------------------------- running */

static void running_add(struct waiting *entry, struct job *job)
{
	struct executor *x = entry->x;

	scoped_lock(&x->lock);
	entry->running = job;
	entry->prev_running = NULL; /* it may have been in the list before */
	entry->next_running = x->running;
	if (x->running)
		x->running->prev_running = entry;
	x->running = entry;
	if (atomic_load(&x->stopping))
		atomic_store(&job->cancelled, true);
}

static void running_remove(struct waiting *entry)
{
	struct executor *x = entry->x;

	scoped_lock(&x->lock);
	if (entry->prev_running)
		entry->prev_running->next_running = entry->next_running;
	else
		x->running = entry->next_running;
	if (entry->next_running)
		entry->next_running->prev_running = entry->prev_running;
	entry->running = NULL;
}

/* True when a job stopped because the daemon shuts down, not because it was cancelled. */
static bool is_deferred(struct waiting *entry, const struct job *job)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *row = view_get(view, KIND_JOB, job->uuid);

	scoped_lock(&entry->x->lock);
	return atomic_load(&entry->x->stopping) && row && !object_int(row, JOB_CANCEL);
}

static void dispatch_all(struct executor *x, struct waiting *list)
{
	while (list) {
		struct waiting *entry = list;

		list = entry->next_held;
		dispatch(x, entry);
	}
}

/* Those that wait for hosts try again. */
static void retry_awaiting(struct executor *x)
{
	struct waiting *list;

	pthread_mutex_lock(&x->lock);
	x->outcomes++;
	list = steal(&x->awaiting);
	pthread_mutex_unlock(&x->lock);
	dispatch_all(x, list);
}

static unsigned count_outcomes(struct executor *x)
{
	scoped_lock(&x->lock);
	return x->outcomes;
}

/*
 * Takes the entry out of the hands of its worker, if the error passes when hosts are connected. Not if there was an outcome
 * since there were @outcomes, which the job may not have seen: then it tries again at once.
 */
static bool await_hosts(struct waiting *entry, unsigned outcomes, const struct error *e)
{
	struct executor *x = entry->x;
	bool again;

	if (!e->may_pass || !pool_awaits_hosts(x->pool))
		return false;
	pthread_mutex_lock(&x->lock);
	again = x->outcomes != outcomes;
	if (!again) {
		entry->next_held = x->awaiting;
		x->awaiting = entry;
	}
	pthread_mutex_unlock(&x->lock);
	if (again)
		dispatch(x, entry);
	else
		pool_wake_timer(x->pool); /* for executor_check_deadlines() */
	return true;
}

/* Whether it goes on in the next process, whatever becomes of this one. */
static bool goes_on(const struct job *job)
{
	return job->req->op->goes_on && job->req->op->goes_on(job->req);
}

/* False when the job could not begin yet, or begins anew, and the entry is another's. */
static bool run(struct waiting *entry, struct job *job)
{
	unsigned outcomes = count_outcomes(entry->x);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct cause cause = request_cause(job->req);
	_cleanup_json_ json_t *result = NULL;
	bool ended = false;
	int r;

	store_set_cause(&cause);
	r = entry->recover ? job_check_recover(job, &e) : job_begin(job, &ended, &e);
	if (ended || (r == -ECANCELED && !error_is_set(&e)))
		return true;
	if (r < 0 && await_hosts(entry, outcomes, &e))
		return false;
	if (entry->recover) {
		error_done(&e);
		r = goes_on(job) ? 0 : job_count_restart(job, &e);
		if (r < 0 && pool_is_closing(entry->x->pool))
			return true;
	}
	if (r == 0) {
		running_add(entry, job);
		r = job_run(job, entry->recover, &result, &e);
		running_remove(entry);
		if (r < 0 && e.undone && job_begin_anew(job)) {
			entry->recover = false;
			dispatch(entry->x, entry);
			return false;
		}
		if (r < 0 && e.undone && job_should_stop(job)) {
			error_done(&e);
			r = job_stop_reason(job, &e);
		}
		r = request_explain_error(job->req, r, &e);
	}
	/* The row stays Processing: the next start recovers the job, as after a kill, or once more. */
	if ((r == -ECANCELED || (r < 0 && entry->recover)) && is_deferred(entry, job))
		return true;
	job_end(job, result, r < 0 ? &e : NULL);
	return true;
}

/* Makes the call that is due, if any. Call with the lock held, which it is not meanwhile. */
static void call_idle(struct executor *x)
{
	executor_idle_fn *idle = x->held && !x->active ? steal(&x->idle) : NULL;
	void *arg = x->idle_arg;

	if (!idle)
		return;
	x->calling++;
	pthread_mutex_unlock(&x->lock);
	idle(arg);
	pthread_mutex_lock(&x->lock);
	x->calling--;
	pthread_cond_broadcast(&x->called);
}

/* Begins with the entry, unless jobs are held back. */
static bool enter(struct waiting *entry, bool *ret_stopping)
{
	struct executor *x = entry->x;

	scoped_lock(&x->lock);
	*ret_stopping = atomic_load(&x->stopping) || pool_is_closing(x->pool);
	if (x->held && !*ret_stopping) {
		entry->next_held = x->held_back;
		x->held_back = entry;
		return false;
	}
	x->active++;
	return true;
}

/* The job has ended, or goes on in the next process. */
static void leave(struct executor *x)
{
	scoped_lock(&x->lock);
	x->active--;
	call_idle(x);
}

void executor_hold(struct executor *x, executor_idle_fn *idle, void *arg)
{
	scoped_lock(&x->lock);
	x->held = true;
	x->idle = idle;
	x->idle_arg = arg;
	call_idle(x);
}

void executor_release(struct executor *x)
{
	struct waiting *list;

	pthread_mutex_lock(&x->lock);
	x->held = false;
	x->idle = NULL;
	list = steal(&x->held_back);
	while (x->calling)
		pthread_cond_wait(&x->called, &x->lock);
	pthread_mutex_unlock(&x->lock);
	dispatch_all(x, list);
}

static void entry_run(void *arg)
{
	struct waiting *entry = arg;
	struct executor *x = entry->x;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(x->pool));
	const struct object *row = view_get(view, KIND_JOB, entry->entry.job);
	struct job job = {.pool = x->pool, .ending = &x->stopping};
	bool stopping, counts = true, over = true;

	if (!enter(entry, &stopping))
		return;
	memcpy(job.uuid, entry->entry.job, sizeof(job.uuid));
	if (row && !stopping) {
		job.deadline = object_int(row, JOB_DEADLINE);
		atomic_init(&job.cancelled, object_int(row, JOB_CANCEL) != 0);
		if (job_read_request(&job, row, &e) < 0) {
			job_end(&job, NULL, &e);
		} else {
			snprintf(job.req->job, sizeof(job.req->job), "%s", entry->entry.job);
			counts = !goes_on(&job);
			if (!counts)
				leave(x);
			over = run(entry, &job);
		}
	}
	store_set_cause(&CAUSE_NONE);
	request_free(job.req);
	free(job.inventory);
	if (counts)
		leave(x);
	if (stopping || !over)
		return; /* executor_free() frees the entry, or another worker has it */
	dequeue(entry);
}

/* ------------------------------------------------------------ store, timers */

/* A host has come, will not come, or is gone, or a job that may wait for one is cancelled. */
static bool may_let_begin(const struct change *change)
{
	const struct object *before = change->before, *after = change->after;

	if (!before)
		return false;
	if (before->kind->id == KIND_HOST)
		return (host_is_coming(before, false) && !host_is_coming(after, false)) ||
		       (host_is_coming(before, true) && !host_is_coming(after, true));
	return before->kind->id == KIND_JOB && after && object_int(after, JOB_CANCEL) &&
	       !object_int(before, JOB_CANCEL);
}

/* In the store's writer thread: handles new Queued rows, and the request to cancel a running job. */
static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	struct executor *x = ctx;
	bool retry = false;

	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].after;

		retry = retry || may_let_begin(&changes[i]);
		if (!o || o->kind->id != KIND_JOB)
			continue;
		if (!changes[i].before) {
			/* A job that began and ended in this commit needs no worker: use its last state. */
			o = view_get_id(view, KIND_JOB, o->id);
			if (x->started && o && object_str_is(o, JOB_STATE, JOB_STATE_QUEUED))
				enqueue(x, view, o, false);
		} else if (object_int(o, JOB_CANCEL)) {
			scoped_lock(&x->lock);
			for (struct waiting *entry = x->running; entry; entry = entry->next_running)
				if (strcmp(entry->entry.job, object_uuid(o)) == 0)
					atomic_store(&entry->running->cancelled, true);
		}
	}
	if (retry)
		retry_awaiting(x);
}

int executor_new(struct pool *pool, struct executor **ret_executor, struct error *e)
{
	struct executor *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return error_oom(e);
	x->pool = pool;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->called, NULL);
	x->queues = job_queues_new();
	x->workers = workers_new("job", WORKERS_MAX);
	if (!x->queues || !x->workers) {
		executor_free(x);
		return error_oom(e);
	}
	r = pool_observe(pool, observe, x, e);
	if (r < 0) {
		executor_free(x);
		return r;
	}
	*ret_executor = x;
	return 0;
}

/* Queues a job that is not queued yet, and gives it to a worker if none took it before. */
static void take_up(struct executor *x, const struct view *view, const struct object *job)
{
	struct waiting *entry, *again = NULL;

	pthread_mutex_lock(&x->lock);
	entry = (struct waiting *)job_queues_find(x->queues, object_uuid(job));
	if (entry && entry->undispatched) {
		entry->undispatched = false;
		again = entry;
	}
	pthread_mutex_unlock(&x->lock);
	if (again)
		dispatch(x, again);
	else if (!entry)
		enqueue(x, view, job, object_str_is(job, JOB_STATE, JOB_STATE_PROCESSING));
}

/* In the writer thread, so that no row is missed or queued twice: observe() gets those that are not committed yet. */
static int take_up_all_fn(struct txn *t, void *arg, struct error *e)
{
	struct executor *x = arg;
	_cleanup_view_ struct view *view = store_view(pool_store(x->pool));

	(void)t, (void)e;
	x->started = true;
	for (int i = 0; i < JOB_UNFINISHED_STATES; i++)
		view_for_each_where (job, view, KIND_JOB, JOB_STATE, job_unfinished_states[i])
			take_up(x, view, job);
	return 0;
}

void executor_start(struct executor *x)
{
	(void)pool_insist(x->pool, "pool", NULL, take_up_all_fn, x, NULL);
}

struct overdue {
	char job[UUID_SIZE];
	struct error error;
};

static int overdue_fn(struct txn *t, void *arg, struct error *e)
{
	struct overdue *o = arg;

	return job_finish(t, o->job, NULL, &o->error, e);
}

static void overdue_done(void *arg, int result, struct error *e)
{
	struct overdue *o = arg;

	(void)result; /* tried again at the next check */
	(void)e;
	error_done(&o->error);
	free(o);
}

/* Writes the job as failed. Under lock, so it posts only and does not wait for the store. */
static void fail_overdue(struct executor *x, const char *job)
{
	struct overdue *o = calloc(1, sizeof(*o));

	if (!o)
		return;
	snprintf(o->job, sizeof(o->job), "%s", job);
	error_set(&o->error, ETIMEDOUT, "the job ran out of time and does not stop");
	if (store_post(pool_store(x->pool), overdue_fn, o, overdue_done) < 0)
		overdue_done(o, 0, NULL);
}

void executor_check_deadlines(struct executor *x)
{
	int64_t now = store_now();

	if (atomic_exchange(&x->missed, false) &&
	    store_post(pool_store(x->pool), take_up_all_fn, x, NULL) < 0)
		atomic_store(&x->missed, true);
	if (!pool_awaits_hosts(x->pool) || (!x->waits_less && !pool_was_just_opened(x->pool))) {
		x->waits_less = true;
		retry_awaiting(x);
	}
	scoped_lock(&x->lock);
	for (struct waiting *entry = x->running; entry; entry = entry->next_running)
		if (now > entry->running->deadline + GRACE_NS)
			fail_overdue(x, entry->entry.job);
}

bool executor_has_deadlines(struct executor *x)
{
	scoped_lock(&x->lock);
	return x->running || x->awaiting || atomic_load(&x->missed) ||
	       (pool_awaits_hosts(x->pool) && !job_queues_are_empty(x->queues));
}

void executor_stop(struct executor *x)
{
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	atomic_store(&x->stopping, true);
	for (struct waiting *entry = x->running; entry; entry = entry->next_running)
		atomic_store(&entry->running->cancelled, true);
	pthread_mutex_unlock(&x->lock);
	workers_stop(x->workers);
}

void executor_free(struct executor *x)
{
	if (!x)
		return;
	executor_stop(x);
	workers_free(x->workers);
	job_queues_free(x->queues, entry_free);
	pthread_cond_destroy(&x->called);
	pthread_mutex_destroy(&x->lock);
	free(x);
}
