/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See wait.h.
 *
 * Each wait sees each change of a job exactly once: it counts the unfinished jobs
 * of its set in a view, records the version of that view, and then follows only
 * newer commits. Both happen under one lock, and the store publishes a view before
 * it calls the observers.
 */
#include "fs/tell/wait.h"

#include <string.h>
#include <time.h>

#include "actions/engine/result.h"
#include "actions/engine/thread_status.h"
#include "fs/tree/repeat.h"
#include "model/error.h"
#include "model/keep.h"

/* How often a wait is looked at that was interrupted but goes on. */
#define GUARD_PERIOD_MS 200
/* How many jobs are looked at first for the last creation of a user; then twice as many, and so on. */
#define FIRST_LOOK 1024

struct wait {
	struct wait *next;
	fuse_req_t req;
	struct job_set set;
	uint64_t node;	  /* of the file */
	uint64_t version; /* commits up to this one are counted already */
	size_t pending;	  /* jobs of the set that have not ended */
	int64_t limit; /* of a wait that another process has begun: later jobs are not of the set; 0: none */
	int64_t last;  /* row id of the last job of the set */
	int error;     /* errno of that job; 0 = done, or not yet ended */
	bool entering; /* waits_add() is in progress and will answer if there is nothing to wait for */
	bool interrupted; /* the kernel has sent its one interrupt */
};

/* The last creation started by a user with an operation. */
struct creation {
	int64_t uid;
	char operation[64];
	int64_t job;
};

struct waits {
	struct store *store;
	struct keep *keep; /* or NULL */
	pthread_mutex_t lock;
	struct wait *list;	    /* lock; owned */
	struct creation *creations; /* lock; owned */
	size_t creation_count;	    /* lock */
	int64_t unknown;	    /* lock: `creations` has the last of those jobs that are above this row */
	bool stopped;		    /* lock */
	bool guards;		    /* lock: there is a guard */
	pthread_t guard;	    /* set while guards */
	pthread_cond_t wake;	    /* of the guard, at the end */
};

/* ---------------------------------------------------------------- creations */

static struct creation *find_creation(struct waits *waits, int64_t uid, const char *operation)
{
	for (size_t i = 0; i < waits->creation_count; i++)
		if (waits->creations[i].uid == uid && strcmp(waits->creations[i].operation, operation) == 0)
			return &waits->creations[i];
	return NULL;
}

/* Records a new job of a `create` file. False if out of memory: then sync does not see it. */
static bool note_creation(struct waits *waits, const struct object *job)
{
	const struct operation *op = operation_by_name(object_text(job, JOB_OPERATION));
	struct creation *c, *grown;

	if (!op || op->form != FORM_CREATE)
		return true;
	c = find_creation(waits, object_int(job, JOB_UID), op->name);
	if (!c) {
		grown = reallocarray(waits->creations, waits->creation_count + 1, sizeof(*grown));
		if (!grown)
			return false;
		waits->creations = grown;
		c = &grown[waits->creation_count++];
		*c = (struct creation){.uid = object_int(job, JOB_UID)};
		snprintf(c->operation, sizeof(c->operation), "%s", op->name);
	}
	if (c->job < job->id)
		c->job = job->id;
	return true;
}

/* Notes the creations above row @after, as far as they are unknown. False if out of memory. */
static bool look_back(struct waits *waits, const struct view *view, int64_t after)
{
	const struct object *job;
	struct view_walk walk;
	bool all = true;

	view_walk_init_after(&walk, view, KIND_JOB, JOB_OPERATION, after);
	while ((job = view_walk_next(&walk)) && job->id <= waits->unknown)
		all = note_creation(waits, job) && all;
	if (all)
		waits->unknown = after;
	return all;
}

/*
 * Those from before the start are looked for when somebody waits who has created nothing since, from the newest on, and as
 * far as the last one of the user: a look at all jobs is a tenth of a start. No job is looked at twice.
 */
static const struct creation *last_creation(struct waits *waits, int64_t uid, const char *operation,
					    const struct view *view)
{
	const struct creation *c = find_creation(waits, uid, operation);
	int64_t newest = view_last_id(view, KIND_JOB), step = FIRST_LOOK;

	if (waits->unknown > newest)
		waits->unknown = newest;
	for (; !c && waits->unknown > 0; step *= 2) {
		if (!look_back(waits, view, waits->unknown > step ? waits->unknown - step : 0))
			return NULL;
		c = find_creation(waits, uid, operation);
	}
	return c;
}

struct waits *waits_new(struct store *store, struct keep *keep)
{
	struct waits *waits = calloc(1, sizeof(*waits));

	if (!waits)
		return NULL;
	waits->store = store;
	waits->keep = keep;
	waits->unknown = INT64_MAX;
	pthread_mutex_init(&waits->lock, NULL);
	pthread_cond_init(&waits->wake, NULL);
	return waits;
}

void waits_free(struct waits *waits)
{
	if (!waits)
		return;
	waits_stop(waits);
	if (waits->guards)
		pthread_join(waits->guard, NULL);
	free(waits->creations);
	pthread_cond_destroy(&waits->wake);
	pthread_mutex_destroy(&waits->lock);
	free(waits);
}

/* --------------------------------------------------------------------- sets */

static bool is_final(const struct object *job)
{
	return job_state_is_final(object_text(job, JOB_STATE));
}

static bool set_has(const struct job_set *set, const struct object *job)
{
	return (!set->resource[0] || object_str_is(job, JOB_RESOURCE_UUID, set->resource)) &&
	       (!set->op || object_str_is(job, JOB_OPERATION, set->op->name)) &&
	       (set->uid < 0 || object_int(job, JOB_UID) == set->uid);
}

/* errno of a job that has ended. */
static int job_errno(const struct object *job)
{
	return object_str_is(job, JOB_STATE, "Done") ? 0 : EIO;
}

static void count_job(struct wait *w, const struct object *job)
{
	if (!set_has(&w->set, job) || (w->limit && job->id > w->limit))
		return;
	if (!is_final(job))
		w->pending++;
	if (job->id < w->last)
		return;
	w->last = job->id;
	w->error = is_final(job) ? job_errno(job) : 0;
}

/* Counts the jobs of the set in @view. Call with the lock held. */
static void count_jobs(struct waits *waits, struct wait *w, const struct view *view)
{
	const struct creation *c;
	const struct object *job;

	w->version = view_version(view);
	if (w->set.resource[0]) {
		view_for_each_where (o, view, KIND_JOB, JOB_RESOURCE_UUID, w->set.resource)
			count_job(w, o);
		return;
	}
	for (int i = 0; i < JOB_UNFINISHED_STATES; i++)
		view_for_each_where (o, view, KIND_JOB, JOB_STATE, job_unfinished_states[i])
			count_job(w, o);
	c = w->limit ? NULL : last_creation(waits, w->set.uid, w->set.op->name, view);
	job = view_get_id(view, KIND_JOB, c ? c->job : w->limit);
	if (job && is_final(job))
		count_job(w, job);
}

/* -------------------------------------------------------------------- waits */

/* Removes @w from the list; the caller then answers it. Call with the lock held. */
static void unlink_wait(struct waits *waits, const struct wait *w)
{
	struct wait **p = &waits->list;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
}

static void answer(struct wait *w, int error)
{
	fuse_reply_err(w->req, error);
	free(w);
}

static bool has_interrupted(const struct waits *waits)
{
	for (const struct wait *w = waits->list; w; w = w->next)
		if (w->interrupted)
			return true;
	return false;
}

static void answer_all(struct wait *list, int error)
{
	while (list) {
		struct wait *w = list;

		list = w->next;
		answer(w, error);
	}
}

static bool must_return(const struct wait *w)
{
	return thread_must_return(fuse_req_ctx(w->req)->pid);
}

/* Moves the interrupted waits whose threads must return to @ret. Call with the lock held. */
static void take_returning(struct waits *waits, struct wait **ret)
{
	for (struct wait **p = &waits->list; *p;) {
		struct wait *w = *p;

		if (!w->interrupted || w->entering || !must_return(w)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = *ret;
		*ret = w;
	}
}

/*
 * A thread. The kernel sends one interrupt for a request, whatever signals follow, and one that only stops the
 * process (Ctrl-Z) must not end its wait. So interrupted waits are looked at until they have ended.
 */
static void *guard_main(void *arg)
{
	struct waits *waits = arg;

	pthread_setname_np(pthread_self(), "waits");
	pthread_mutex_lock(&waits->lock);
	while (!waits->stopped) {
		struct wait *returning = NULL;
		struct timespec until;

		take_returning(waits, &returning);
		if (returning) {
			pthread_mutex_unlock(&waits->lock);
			answer_all(returning, EINTR);
			pthread_mutex_lock(&waits->lock);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += GUARD_PERIOD_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (has_interrupted(waits))
			pthread_cond_timedwait(&waits->wake, &waits->lock, &until);
		else
			pthread_cond_wait(&waits->wake, &waits->lock);
	}
	pthread_mutex_unlock(&waits->lock);
	return NULL;
}

/* Has the guard look after interrupted waits; false if there is none. Call with the lock held. */
static bool call_guard(struct waits *waits)
{
	if (!waits->guards && !waits->stopped)
		waits->guards = pthread_create(&waits->guard, NULL, guard_main, waits) == 0;
	pthread_cond_signal(&waits->wake);
	return waits->guards;
}

static void interrupted(fuse_req_t req, void *arg)
{
	struct waits *waits = arg;
	struct wait *found = NULL;

	pthread_mutex_lock(&waits->lock);
	for (struct wait *w = waits->list; w && !found; w = w->next)
		if (w->req == req)
			found = w;
	if (found)
		found->interrupted = true;
	if (found && (found->entering || (!must_return(found) && call_guard(waits))))
		found = NULL;
	if (found)
		unlink_wait(waits, found);
	pthread_mutex_unlock(&waits->lock);
	if (found)
		answer(found, EINTR);
}

void waits_add(struct waits *waits, fuse_req_t req, const struct job_set *set, uint64_t node)
{
	struct wait *w = calloc(1, sizeof(*w));
	struct view *view;
	int64_t last;
	bool ends, is_kept;
	int error;

	if (!w) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*w = (struct wait){.req = req, .set = *set, .node = node, .entering = true};
	is_kept = repeat_is() &&
		  keep_read(waits->keep, KEEP_WAIT, repeat_unique(), &w->limit, sizeof(w->limit));
	pthread_mutex_lock(&waits->lock);
	view = store_view(waits->store);
	count_jobs(waits, w, view);
	w->next = waits->list;
	waits->list = w;
	last = w->last;
	pthread_mutex_unlock(&waits->lock);
	view_unref(view);
	if (repeat_unique() && !is_kept)
		(void)keep_set(waits->keep, KEEP_WAIT, repeat_unique(), &last, sizeof(last));

	/*
	 * If the interrupt has come already, libfuse calls interrupted() from here and holds a lock that
	 * comes before ours. So ours must be free; `entering` keeps the wait in place.
	 */
	fuse_req_interrupt_func(req, interrupted, waits);

	pthread_mutex_lock(&waits->lock);
	w->entering = false;
	ends = waits->stopped || (w->interrupted && (must_return(w) || !call_guard(waits)));
	error = ends ? EINTR : w->error;
	if (w->pending && !ends)
		w = NULL;
	else
		unlink_wait(waits, w);
	pthread_mutex_unlock(&waits->lock);
	if (w)
		answer(w, error);
}

bool waits_lock(struct waits *waits, uint64_t node)
{
	scoped_lock(&waits->lock);
	for (const struct wait *w = waits->list; w; w = w->next)
		if (w->node == node)
			return true;
	return false;
}

/* A job has ended or is gone. Moves the waits that end with it to @ret. Call with the lock held. */
static void job_ended(struct waits *waits, const struct view *view, const struct object *job, bool gone,
		      struct wait **ret)
{
	for (struct wait **p = &waits->list; *p;) {
		struct wait *w = *p;

		if (view_version(view) <= w->version || job->id > w->last || !set_has(&w->set, job)) {
			p = &w->next;
			continue;
		}
		if (job->id == w->last && !gone)
			w->error = job_errno(job);
		if (--w->pending || w->entering) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = *ret;
		*ret = w;
	}
}

void waits_observe(struct waits *waits, const struct view *view, const struct change *changes, size_t count)
{
	struct wait *ended = NULL;

	pthread_mutex_lock(&waits->lock);
	for (size_t i = 0; i < count; i++) {
		const struct object *before = changes[i].before, *after = changes[i].after;

		if ((after ? after : before)->kind->id != KIND_JOB)
			continue;
		if (!before && !note_creation(waits, after) && waits->unknown < after->id)
			waits->unknown = after->id;
		if (before && !is_final(before) && (!after || is_final(after)))
			job_ended(waits, view, after ? after : before, !after, &ended);
	}
	pthread_mutex_unlock(&waits->lock);
	while (ended) {
		struct wait *w = ended;

		ended = w->next;
		answer(w, w->error);
	}
}

void waits_stop(struct waits *waits)
{
	struct wait *ended = NULL;

	pthread_mutex_lock(&waits->lock);
	waits->stopped = true;
	pthread_cond_signal(&waits->wake);
	for (struct wait **p = &waits->list; *p;) {
		struct wait *w = *p;

		if (w->entering) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = ended;
		ended = w;
	}
	pthread_mutex_unlock(&waits->lock);
	answer_all(ended, EINTR);
}
