/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See executor.h.
 *
 * One lock guards the queues and the list of running jobs. It is taken in the
 * store's writer thread (a new row), in workers (a finished job) and in the timer
 * thread (deadlines), and never held while a job runs. The only call to another
 * module under it is store_post(), so it comes before the lock of the store's queue.
 */
#include "actions/engine/executor.h"

#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <string.h>

#include "actions/engine/request_check.h"
#include "actions/engine/result.h"
#include "actions/engine/workers.h"
#include "model/json.h"
#include "model/log.h"
#include "model/states.h"

/* Jobs that run concurrently. Most of them wait for a host or a disk. */
#define WORKERS_MAX 64
/* How long after its deadline a job that does not stop is written as failed. */
#define GRACE_NS (10 * NS_PER_S)
/* How long a job waits before it tries again what the database has failed. */
#define PAUSE_MIN_MS 20
#define PAUSE_MAX_MS 1000
/* How often what had no memory is tried before it is given up: there may be another reason. */
#define MEMORY_TRIES 8

struct waiting;

/* The jobs of one object, in order. */
struct queue {
	char uuid[UUID_SIZE]; /* first member: the key of the search tree */
	struct waiting *head, *tail;
};

/* A job's place in one queue. */
struct place_in_queue {
	struct queue *queue;
	struct waiting *next; /* the next one in that queue */
};

struct waiting {
	struct executor *x;
	char job[UUID_SIZE];
	bool recover;	     /* was Processing when the daemon ended */
	bool undispatched;   /* lock; it could run, but no worker took it */
	int blocked;	     /* queues in which it is not the first */
	struct job *running; /* lock; the worker's, while it runs */
	struct waiting *prev_running, *next_running;
	struct waiting *next_held; /* lock */
	size_t count;		   /* queues it is in */
	struct place_in_queue in[];
};

struct executor {
	struct pool *pool;
	struct workers *workers;
	pthread_mutex_t lock;
	void *queues;		 /* lock; tsearch tree of struct queue */
	struct waiting *running; /* lock */
	bool started;		 /* of the store's writer thread: executor_start() has read the rows */
	atomic_bool missed;	 /* for want of memory a job was not queued, or not given to a worker */
	bool stopping;		 /* lock */
	/* lock; of executor_hold() */
	bool held;
	struct waiting *held_back; /* those that would run */
	size_t active;		   /* jobs that have to end before this process does */
	executor_idle_fn *idle;	   /* to be called; or NULL */
	void *idle_arg;
};

static int queue_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* ----------------------------------------------------------------- queues */

/* Under lock. NULL when memory is short. */
static struct queue *queue_find(struct executor *x, const char *uuid)
{
	struct queue *made, **slot = tfind(uuid, &x->queues, queue_compare);

	if (slot)
		return *slot;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	snprintf(made->uuid, sizeof(made->uuid), "%s", uuid);
	slot = tsearch(made, &x->queues, queue_compare);
	if (!slot) {
		free(made);
		return NULL;
	}
	return made;
}

static struct place_in_queue *place_in(struct waiting *entry, const struct queue *queue)
{
	size_t i = 0;

	while (entry->in[i].queue != queue)
		i++;
	return &entry->in[i];
}

/* Under lock. */
static void queue_append(struct queue *queue, struct waiting *entry)
{
	if (queue->tail) {
		place_in(queue->tail, queue)->next = entry;
		entry->blocked++;
	} else {
		queue->head = entry;
	}
	queue->tail = entry;
}

/* Under lock. Of an empty queue. */
static void queue_remove(struct executor *x, struct queue *queue)
{
	tdelete(queue, &x->queues, queue_compare);
	free(queue);
}

/* Under lock. Removes the first entry; returns the next one if no other queue blocks it. */
static struct waiting *queue_pop(struct executor *x, struct queue *queue)
{
	struct waiting *next = place_in(queue->head, queue)->next;

	queue->head = next;
	if (next)
		return --next->blocked == 0 ? next : NULL;
	queue_remove(x, queue);
	return NULL;
}

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

/* Under lock. Notes one more queue of the entry; false when memory is short. */
static bool find_one_queue(struct executor *x, struct waiting *entry, const char *uuid)
{
	struct queue *queue = queue_find(x, uuid);

	if (!queue)
		return false;
	entry->in[entry->count++].queue = queue;
	return true;
}

/* Under lock. Notes the queues of all objects that the job names; false when memory is short. */
static bool find_queues(struct executor *x, const struct view *view, const struct object *job,
			struct waiting *entry)
{
	const char *second = object_str(job, JOB_QUEUE2);

	if (!find_one_queue(x, entry, object_text(job, JOB_QUEUE)))
		return false;
	if (second && !object_str_is(job, JOB_QUEUE, second) && !find_one_queue(x, entry, second))
		return false;
	view_for_each_where (ref, view, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, object_uuid(job))
		if (!find_one_queue(x, entry, object_text(ref, QUEUE_REF_OBJECT_UUID)))
			return false;
	return true;
}

/* Under lock. Appends the job to all its queues, or to none when memory is short. */
static bool enter_queues(struct executor *x, const struct view *view, const struct object *job,
			 struct waiting *entry)
{
	bool found = find_queues(x, view, job, entry);

	for (size_t i = 0; i < entry->count; i++) {
		struct queue *queue = entry->in[i].queue;

		if (found)
			queue_append(queue, entry);
		else if (!queue->head)
			queue_remove(x, queue);
	}
	return found;
}

/* Under lock. The entry of the job; NULL if it has none. */
static struct waiting *find_entry(struct executor *x, const struct object *job)
{
	struct queue **slot = tfind(object_text(job, JOB_QUEUE), &x->queues, queue_compare);
	struct waiting *entry = slot ? (*slot)->head : NULL;

	while (entry && strcmp(entry->job, object_uuid(job)) != 0)
		entry = place_in(entry, *slot)->next;
	return entry;
}

static void enqueue(struct executor *x, const struct view *view, const struct object *job, bool recover)
{
	size_t queues = 2 + view_count_where(view, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, object_uuid(job));
	struct waiting *entry = calloc(1, sizeof(*entry) + queues * sizeof(entry->in[0]));
	bool entered = false, ready;

	if (entry) {
		entry->x = x;
		entry->recover = recover;
		snprintf(entry->job, sizeof(entry->job), "%s", object_uuid(job));
		pthread_mutex_lock(&x->lock);
		entered = enter_queues(x, view, job, entry);
		ready = entered && entry->blocked == 0;
		pthread_mutex_unlock(&x->lock);
	}
	if (!entered) {
		free(entry);
		atomic_store(&x->missed, true);
	} else if (ready) {
		dispatch(x, entry);
	}
}

/* Removes a finished entry from its queues, runs those that it blocked, and frees it. */
static void dequeue(struct waiting *entry)
{
	struct executor *x = entry->x;

	for (size_t i = 0; i < entry->count; i++) {
		struct waiting *ready;

		pthread_mutex_lock(&x->lock);
		ready = queue_pop(x, entry->in[i].queue);
		pthread_mutex_unlock(&x->lock);
		dispatch(x, ready);
	}
	free(entry);
}

/* ---------------------------------------------------------------- running */

static void running_add(struct waiting *entry, struct job *job)
{
	struct executor *x = entry->x;

	scoped_lock(&x->lock);
	entry->running = job;
	entry->next_running = x->running;
	if (x->running)
		x->running->prev_running = entry;
	x->running = entry;
	if (x->stopping)
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

/* Queued -> Processing. OP_MISSING_OK when there is nothing to do, a negative errno when it must not run. */
static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	struct job *job = arg;
	const struct object *row = view_get(txn_view(t), KIND_JOB, job->uuid);
	struct object *begun;
	int r;

	if (!row || !object_str_is(row, JOB_STATE, JOB_STATE_QUEUED))
		return -ECANCELED;
	r = request_check(txn_view(t), job->req, false, e);
	if (r != 0)
		return r;
	begun = object_copy(row);
	object_set_str(begun, JOB_STATE, JOB_STATE_PROCESSING);
	object_set_int(begun, JOB_STARTED, txn_now(t));
	return txn_put(t, begun, NULL, e);
}

struct apply {
	struct job *job;
	bool check; /* with request_check() first */
	json_t *result;
};

static int apply_fn(struct txn *t, void *arg, struct error *e)
{
	struct apply *a = arg;
	const struct request *req = a->job->req;
	int r = a->check ? request_check(txn_view(t), req, false, e) : 0;

	if (r != 0)
		return r;
	return req->op->apply ? req->op->apply(t, req, &a->result, e) : OP_NEEDS_RUN;
}

/* Performs the operation by the handler that it has. */
static int perform(struct job *job, bool check, json_t **ret_result, struct error *e)
{
	const struct operation *op = job->req->op;
	struct apply a = {.job = job, .check = check};
	int r = OP_NEEDS_RUN;

	if (op->apply || check)
		r = store_run(pool_store(job->pool), apply_fn, &a, e);
	if (r == OP_NEEDS_RUN && op->run) {
		json_decref(a.result);
		return op->run(job, ret_result, e);
	}
	*ret_result = a.result;
	return r;
}

/* Without `recover` the operation is `apply` alone: one commit, of which nobody can tell whether it came. */
static int recover(struct job *job, json_t **ret_result, struct error *e)
{
	if (job->req->op->recover)
		return job->req->op->recover(job, ret_result, e);
	return error_set_code(
		e, EINTR, "SYS.1000",
		"the daemon ended while the job ran; its change was made completely or not at all");
}

int job_run_step(struct job *job, struct request *step, bool again, struct error *e)
{
	struct request *whole = job->req;
	_cleanup_json_ json_t *result = NULL;
	int r;

	memcpy(step->job, job->uuid, sizeof(step->job));
	job->req = step;
	r = again ? recover(job, &result, e) : perform(job, true, &result, e);
	job->req = whole;
	return request_explain_error(step, r, e);
}

struct finish {
	const char *job;
	json_t *result;
	struct error *error;
};

static int finish_fn(struct txn *t, void *arg, struct error *e)
{
	struct finish *f = arg;

	return job_finish(t, f->job, f->result, f->error, e);
}

static long next_pause(long ms)
{
	return ms * 2 < PAUSE_MAX_MS ? ms * 2 : PAUSE_MAX_MS;
}

static void wait_ms(long ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	(void)nanosleep(&pause, NULL);
}

static bool is_stopping(struct executor *x)
{
	scoped_lock(&x->lock);
	return x->stopping;
}

/*
 * Writes the end of a job. While the database fails, as on a full disk, it is tried again, for others wait for the end;
 * if it fails until the daemon ends, the row stays Processing, and the next start recovers the job.
 */
static void finish(struct executor *x, struct job *job, json_t *result, struct error *error)
{
	struct finish f = {.job = job->uuid, .result = result, .error = error};
	_cleanup_(error_done) struct error unwritable = ERROR_INIT;

	for (long pause = PAUSE_MIN_MS; true; pause = next_pause(pause)) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		int r = store_run(pool_store(job->pool), finish_fn, &f, &e);

		if (r >= 0)
			return;
		log_error("job", job->uuid, "cannot write its end: %s", error_sentence(&e));
		if (is_stopping(x))
			return;
		if (r == -EINVAL &&
		    f.error != &unwritable) { /* what it says, not the database, is to blame */
			(void)error_move(&unwritable, &e);
			f.error = &unwritable;
			continue;
		}
		wait_ms(pause);
	}
}

/*
 * A job whose changes the database failed in between, as on a full disk, or that had no memory, may have stopped at any
 * point, like one whose daemon was killed; so it is finished or undone as after a restart, as soon as the database
 * works. Its error stays, if there is one.
 */
static int mend(struct executor *x, struct job *job, int r, json_t **result, struct error *e)
{
	bool broken = store_has_failed() || r == -ENOMEM;
	int tries = MEMORY_TRIES;

	for (long pause = PAUSE_MIN_MS; broken && job->req->op->recover && !is_stopping(x);
	     pause = next_pause(pause)) {
		_cleanup_(error_done) struct error late = ERROR_INIT;
		_cleanup_json_ json_t *found = NULL;
		int now;

		store_forget_failure();
		now = recover(job, &found, &late);
		broken = store_has_failed() || (now == -ENOMEM && --tries > 0);
		if (broken) {
			wait_ms(pause);
		} else if (now >= 0 && r < 0) {
			error_done(e);
			r = 0;
		} else if (now < 0 && r >= 0) {
			r = error_move(e, &late);
		}
		if (!broken && now >= 0) {
			json_decref(*result);
			*result = steal(&found);
		}
	}
	return r;
}

/* True when a job stopped because the daemon shuts down, not because it was cancelled. */
static bool is_deferred(struct waiting *entry, const struct job *job)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *row = view_get(view, KIND_JOB, job->uuid);

	scoped_lock(&entry->x->lock);
	return entry->x->stopping && row && !object_int(row, JOB_CANCEL);
}

static void run_job(struct waiting *entry, struct job *job)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct cause cause = request_cause(job->req);
	_cleanup_json_ json_t *result = NULL;
	int r;

	store_set_cause(&cause);
	r = entry->recover ? 0 : store_run(pool_store(job->pool), begin_fn, job, &e);
	if (r == -ECANCELED && !error_is_set(&e))
		return;
	if (r == 0) {
		running_add(entry, job);
		store_forget_failure();
		r = entry->recover ? recover(job, &result, &e) : perform(job, false, &result, &e);
		r = mend(entry->x, job, r, &result, &e);
		running_remove(entry);
		r = request_explain_error(job->req, r, &e);
	}
	/* The row stays Processing: the next start recovers the job, as after a kill. */
	if (r == -ECANCELED && is_deferred(entry, job))
		return;
	finish(entry->x, job, result, r < 0 ? &e : NULL);
}

/* Reads the request of the job from its row. Tried a few times, since for want of memory it fails, too. */
static int read_request(const struct object *row, struct request **ret_req, struct error *e)
{
	long pause = PAUSE_MIN_MS;
	int r;

	for (int i = 0; i < MEMORY_TRIES; i++, pause = next_pause(pause)) {
		_cleanup_json_ json_t *json = json_loads(object_text(row, JOB_SECRET_REQUEST), 0, NULL);

		error_done(e);
		r = json ? request_from_json(json, ret_req, e)
			 : error_set(e, ENOMEM, "the request of the job cannot be read");
		if (r != -ENOMEM)
			break;
		wait_ms(pause);
	}
	return r;
}

/* Takes the call that is due, to be made without the lock. Call with the lock held. */
static executor_idle_fn *take_idle(struct executor *x)
{
	return x->held && !x->active ? steal(&x->idle) : NULL;
}

/* Begins with the entry, unless jobs are held back. */
static bool enter(struct waiting *entry, bool *ret_stopping)
{
	struct executor *x = entry->x;

	scoped_lock(&x->lock);
	*ret_stopping = x->stopping;
	if (x->held && !x->stopping) {
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
	executor_idle_fn *idle;

	pthread_mutex_lock(&x->lock);
	x->active--;
	idle = take_idle(x);
	pthread_mutex_unlock(&x->lock);
	if (idle)
		idle(x->idle_arg);
}

void executor_hold(struct executor *x, executor_idle_fn *idle, void *arg)
{
	pthread_mutex_lock(&x->lock);
	x->held = true;
	x->idle = idle;
	x->idle_arg = arg;
	idle = take_idle(x);
	pthread_mutex_unlock(&x->lock);
	if (idle)
		idle(arg);
}

void executor_release(struct executor *x)
{
	struct waiting *list;

	pthread_mutex_lock(&x->lock);
	x->held = false;
	x->idle = NULL;
	list = steal(&x->held_back);
	pthread_mutex_unlock(&x->lock);
	while (list) {
		struct waiting *entry = list;

		list = entry->next_held;
		dispatch(x, entry);
	}
}

static void entry_run(void *arg)
{
	struct waiting *entry = arg;
	struct executor *x = entry->x;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(x->pool));
	const struct object *row = view_get(view, KIND_JOB, entry->job);
	struct job job = {.pool = x->pool};
	bool stopping, counts = true;

	if (!enter(entry, &stopping))
		return;
	memcpy(job.uuid, entry->job, sizeof(job.uuid));
	if (row && !stopping) {
		job.deadline = object_int(row, JOB_DEADLINE);
		atomic_init(&job.cancelled, object_int(row, JOB_CANCEL) != 0);
		if (read_request(row, &job.req, &e) < 0) {
			finish(x, &job, NULL, &e);
		} else {
			snprintf(job.req->job, sizeof(job.req->job), "%s", entry->job);
			/* an upload goes on in another process, with its file */
			counts = strcmp(job.req->actor.source, "upload") != 0;
			if (!counts)
				leave(x);
			run_job(entry, &job);
		}
	}
	store_set_cause(&CAUSE_NONE);
	request_free(job.req);
	if (counts)
		leave(x);
	if (stopping)
		return; /* executor_free() frees the entry */
	dequeue(entry);
}

/* ------------------------------------------------------------ store, timers */

/* In the store's writer thread: handles new Queued rows, and the request to cancel a running job. */
static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	struct executor *x = ctx;

	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].after;

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
				if (strcmp(entry->job, object_uuid(o)) == 0)
					atomic_store(&entry->running->cancelled, true);
		}
	}
}

int executor_new(struct pool *pool, struct executor **ret_executor, struct error *e)
{
	struct executor *x = calloc(1, sizeof(*x));
	int r;

	if (x)
		x->workers = workers_new("job", WORKERS_MAX);
	if (!x || !x->workers) {
		free(x);
		return error_oom(e);
	}
	x->pool = pool;
	pthread_mutex_init(&x->lock, NULL);
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
	entry = find_entry(x, job);
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
	view_for_each (job, view, KIND_JOB)
		if (!job_state_is_final(object_text(job, JOB_STATE)))
			take_up(x, view, job);
	return 0;
}

int executor_start(struct executor *x, struct error *e)
{
	return store_run(pool_store(x->pool), take_up_all_fn, x, e);
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
	scoped_lock(&x->lock);
	for (struct waiting *entry = x->running; entry; entry = entry->next_running)
		if (now > entry->running->deadline + GRACE_NS)
			fail_overdue(x, entry->job);
}

/* Frees a queue, and the entries that are in no other queue. */
static void queue_free(void *node)
{
	struct queue *queue = node;

	for (struct waiting *entry = queue->head, *next; entry; entry = next) {
		struct place_in_queue *place = place_in(entry, queue);

		next = place->next;
		*place = entry->in[--entry->count];
		if (entry->count == 0)
			free(entry);
	}
	free(queue);
}

void executor_stop(struct executor *x)
{
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->stopping = true;
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
	tdestroy(x->queues, queue_free);
	pthread_mutex_destroy(&x->lock);
	free(x);
}
