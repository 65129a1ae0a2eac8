/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of jobs, and what handlers use of a running job. See job.h and executor.h. */
#include "actions/engine/job.h"

#include <string.h>
#include <time.h>

#include "actions/engine/access.h"
#include "actions/engine/request_check.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "model/json.h"
#include "model/states.h"

#define DEADLINE_DEFAULT_S 600
#define PROGRESS_PERIOD_NS (NS_PER_S / 5)
#define CHOOSE_STEP_NS	   (NS_PER_S / 10)

/* ------------------------------------------------------------------ rows */

int job_set_json(struct object *o, int field, json_t *taken)
{
	_cleanup_free_ char *text = taken ? result_text(taken) : NULL;

	json_decref(taken);
	if (!text)
		return -ENOMEM;
	object_set_str(o, field, text);
	return 0;
}

/* Writes the further queues of a job as rows, each once: in one queue twice, it would wait for itself. */
static int put_queue_refs(struct txn *t, const struct request *req, const struct object *job, struct error *e)
{
	_cleanup_json_ json_t *queues = req->op->queues ? req->op->queues(txn_view(t), req) : NULL;
	json_t *ignored;
	const char *uuid;

	if (req->op->queues && !queues)
		return error_oom(e);
	json_object_foreach (queues, uuid, ignored) {
		int r;

		if (object_str_is(job, JOB_QUEUE, uuid) || object_str_is(job, JOB_QUEUE2, uuid))
			continue;
		r = link_put(t, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, req->job, QUEUE_REF_OBJECT_UUID, uuid, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Removes a job that ends from its queues; @job is the editable copy of its row. Errors of txn_remove(). */
static int leave_queues(struct txn *t, struct object *job, struct error *e)
{
	object_set_null(job, JOB_QUEUE);
	object_set_null(job, JOB_QUEUE2);
	object_set_null(job, JOB_SECRET_REQUEST);
	return object_remove_where(t, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, object_uuid(job), e);
}

static int set_request_text(struct object *job, int field, const struct request *req, bool mask_secrets)
{
	_cleanup_free_ char *text = request_text(req, mask_secrets);

	if (!text)
		return -ENOMEM;
	object_set_str(job, field, text);
	return 0;
}

/* The object that the request acts on, and the request itself. -ENOMEM. */
static int set_request(struct object *job, const struct request *req)
{
	const char *directory = kind_get(req->op->kind)->directory;
	char resource[128];

	if (directory) {
		snprintf(resource, sizeof(resource), "%s/%s", directory, req->target);
		object_set_str(job, JOB_RESOURCE, resource);
	}
	object_set_str(job, JOB_RESOURCE_UUID, req->target);
	return set_request_text(job, JOB_REQUEST, req, true);
}

/*
 * The row of a job that has been accepted, in no queue. One that its account may not make is no job of the object that
 * it names: who owns that would find it among the object's jobs and errors, and wait for it. NULL if out of memory.
 */
static struct object *job_new(const struct txn *t, const struct request *req, bool forbidden)
{
	const struct operation *op = req->op;
	unsigned deadline = op->deadline_s ? op->deadline_s : DEADLINE_DEFAULT_S;
	struct object *job = object_new(kind_get(KIND_JOB));

	if (!job || (!forbidden && set_request(job, req) < 0)) {
		object_unref(job);
		return NULL;
	}
	object_set_str(job, JOB_UUID, req->job);
	object_set_str(job, JOB_STATE, JOB_STATE_QUEUED);
	object_set_int(job, JOB_PROGRESS, 0);
	object_set_str(job, JOB_OPERATION, op->name);
	object_set_str(job, JOB_DIGEST, req->digest);
	object_set_str(job, JOB_SOURCE, req->actor.source);
	object_set_str(job, JOB_WEB_HOOK, req->web_hook);
	if (req->web_hook && req->schema)
		object_set_int(job, JOB_SCHEMA, 1);
	object_set_int(job, JOB_UID, req->actor.uid);
	object_set_str(job, JOB_ACCOUNT_UUID, *req->actor.account ? req->actor.account : NULL);
	object_set_int(job, JOB_DEADLINE, txn_now(t) + deadline * NS_PER_S);
	return job;
}

/* Enters its queues, which a request knows that has passed its checks; and with what its worker needs. */
static int enter_queues(struct txn *t, struct object *job, const struct request *req, struct error *e)
{
	if (!job || set_request_text(job, JOB_SECRET_REQUEST, req, false) < 0)
		return error_oom(e);
	object_set_str(job, JOB_QUEUE, request_queue(txn_view(t), req));
	object_set_str(job, JOB_QUEUE2, req->op->queue2 ? req->op->queue2(txn_view(t), req) : NULL);
	return put_queue_refs(t, req, job, e);
}

int job_insert(struct txn *t, const struct request *req, const struct object **ret, struct error *e)
{
	struct object *job = job_new(t, req, false);
	int r = enter_queues(t, job, req, e);

	if (r < 0) {
		object_unref(job);
		return r;
	}
	return txn_put(t, job, ret, e);
}

/* Sets how a job ends: with @error, if there is one, else with @result, which may be NULL. */
static void set_end(const struct txn *t, struct object *job, const char *result, const struct error *error)
{
	if (error && error_is_set(error)) {
		/* a job may have failed, or have been done, before it noticed */
		bool cancelled = error->errnum == ECANCELED && object_int(job, JOB_CANCEL);

		object_set_str(job, JOB_STATE, cancelled ? JOB_STATE_CANCELLED : JOB_STATE_FAILED);
		if (job_set_json(job, JOB_ERROR, error_to_json(error)) < 0)
			object_set_str(job, JOB_ERROR, "{\"code\":\"SYS.1000\"}");
	} else {
		object_set_str(job, JOB_STATE, JOB_STATE_DONE);
		object_set_int(job, JOB_PROGRESS, 100);
		object_set_str(job, JOB_RESULT, result ? result : "{}");
	}
	object_set_int(job, JOB_FINISHED, txn_now(t));
}

static int insert_ended(struct txn *t, struct object *job, const char *result, const struct error *error,
			struct error *e)
{
	if (!job)
		return error_oom(e);
	set_end(t, job, result, error);
	return txn_put(t, job, NULL, e);
}

/* What the row has as its result after `apply`, to be freed. */
static int applied_text(struct txn *t, const struct request *req, const json_t *result, char **ret,
			struct error *e)
{
	*ret = result ? result_text(result) : NULL;
	return !result && operation_answers_target(req->op)
		       ? result_inventory_text(txn_view(t), req->op->kind, req->target, ret, e)
		       : 0;
}

int job_insert_done(struct txn *t, const struct request *req, const json_t *result, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	int r = applied_text(t, req, result, &text, e);

	return r < 0 ? r : insert_ended(t, job_new(t, req, false), text, NULL, e);
}

int job_finish_done(struct txn *t, const struct request *req, const json_t *result, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	int r = applied_text(t, req, result, &text, e);

	return r < 0 ? r : job_finish(t, req->job, text, NULL, e);
}

int job_insert_refused(struct txn *t, const struct request *req, const json_t *answer,
		       const struct error *refusal, struct error *e)
{
	bool forbidden = access_check(txn_view(t), req, NULL) < 0;
	_cleanup_free_ char *text = answer ? result_text(answer) : NULL;

	return insert_ended(t, job_new(t, req, forbidden), text, refusal, e);
}

int job_finish(struct txn *t, const char *job_uuid, const char *result, const struct error *error,
	       struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_JOB, job_uuid);
	struct object *job;
	int r;

	/* executor_check_deadlines() may have written the end already. */
	if (!before || job_state_is_final(object_str(before, JOB_STATE)))
		return 0;
	job = object_copy(before);
	if (!job)
		return error_oom(e);
	set_end(t, job, result, error);
	r = leave_queues(t, job, e);
	if (r < 0) {
		object_unref(job);
		return r;
	}
	return txn_put(t, job, NULL, e);
}

/* Ends a job that has not begun; @job is the editable copy of its row. */
static int end_queued(struct txn *t, struct object *job, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;

	error_set_code(&why, ECANCELED, "SYS.1006", "the job was cancelled before it began");
	object_set_str(job, JOB_STATE, JOB_STATE_CANCELLED);
	if (job_set_json(job, JOB_ERROR, error_to_json(&why)) < 0)
		object_set_str(job, JOB_ERROR, "{\"code\":\"SYS.1006\"}");
	object_set_int(job, JOB_FINISHED, txn_now(t));
	return leave_queues(t, job, e);
}

int job_cancel(struct txn *t, const char *uuid, struct error *e)
{
	struct object *job;
	int r = txn_edit(t, KIND_JOB, uuid, &job, e);

	if (r < 0)
		return r;
	/* This asks a running job to stop: the executor sees the mark in the commit. */
	object_set_int(job, JOB_CANCEL, 1);
	if (object_str_is(job, JOB_STATE, JOB_STATE_QUEUED))
		r = end_queued(t, job, e);
	if (r < 0) {
		object_unref(job);
		return r;
	}
	return txn_put(t, job, NULL, e);
}

int job_submit(struct txn *t, const struct request *req, struct error *e)
{
	_cleanup_(error_done) struct error refusal = ERROR_INIT;
	bool busy = job_is_pending_for(txn_view(t), req->target);

	if (request_check(txn_view(t), req, busy, &refusal) != 0)
		return job_insert_refused(t, req, NULL, &refusal, e);
	return job_insert(t, req, NULL, e);
}

bool job_is_pending_for(const struct view *view, const char *object_uuid)
{
	return view_next_where(view, KIND_JOB, JOB_QUEUE, object_uuid, 0) ||
	       view_next_where(view, KIND_JOB, JOB_QUEUE2, object_uuid, 0) ||
	       view_next_where(view, KIND_QUEUE_REF, QUEUE_REF_OBJECT_UUID, object_uuid, 0);
}

/* ------------------------------------------------------------------ results */

/* The result with the classes of the objects in it. */
static char *body_with_schema(const struct object *job)
{
	const struct operation *op = operation_by_name(object_text(job, JOB_OPERATION));
	_cleanup_json_ json_t *result = object_json(job, JOB_RESULT);

	return op && result && result_add_schema(op, NULL, result) == 0 ? json_text(result, JSON_COMPACT)
									: NULL;
}

char *job_body(const struct object *job)
{
	_cleanup_free_ char *text = NULL;
	char *body = NULL;
	bool done = object_str_is(job, JOB_STATE, JOB_STATE_DONE);

	if (done && object_int(job, JOB_SCHEMA) == 1)
		return body_with_schema(job);
	if (object_read_text(job, done ? JOB_RESULT : JOB_ERROR, &text) < 0)
		return NULL;
	if (asprintf(&body, "%s%s%s", done ? "" : "{\"error\":", text ? text : "", done ? "" : "}") < 0)
		return NULL;
	return body;
}

/* ------------------------------------------------------------ running jobs */

struct progress {
	char job[UUID_SIZE];
	int percent;
};

static int progress_fn(struct txn *t, void *arg, struct error *e)
{
	struct progress *p = arg;
	const struct object *before = view_get(txn_view(t), KIND_JOB, p->job);
	struct object *job;

	/* It never goes back: some recovery functions tell by it how far the job was. */
	if (!before || !object_str_is(before, JOB_STATE, JOB_STATE_PROCESSING) ||
	    object_int(before, JOB_PROGRESS) >= p->percent)
		return 0;
	job = object_copy(before);
	object_set_int(job, JOB_PROGRESS, p->percent);
	return txn_put(t, job, NULL, e);
}

static void progress_done(void *arg, int result, struct error *e)
{
	(void)result; /* a lost update does no harm */
	(void)e;
	free(arg);
}

void job_progress(struct job *job, int percent)
{
	int64_t now = store_now();
	struct progress *p;

	if (job->step_to)
		percent = job->step_from + percent * (job->step_to - job->step_from) / 100;
	if (now - job->last_progress < PROGRESS_PERIOD_NS)
		return;
	p = malloc(sizeof(*p));
	if (!p)
		return;
	job->last_progress = now;
	memcpy(p->job, job->uuid, sizeof(p->job));
	p->percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
	if (store_post(pool_store(job->pool), progress_fn, p, progress_done) < 0)
		free(p);
}

int job_choose(struct job *job, txn_fn *fn, void *arg, struct error *e)
{
	const struct timespec pause = {.tv_nsec = CHOOSE_STEP_NS};
	int r = store_run(pool_store(job->pool), fn, arg, e);

	while (r < 0 && e && e->may_pass && pool_awaits_hosts(job->pool)) {
		error_done(e);
		/* at the end of the daemon, the next one goes on */
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		(void)nanosleep(&pause, NULL);
		r = store_run(pool_store(job->pool), fn, arg, e);
	}
	return r;
}

bool job_should_stop(const struct job *job)
{
	return atomic_load(&((struct job *)(uintptr_t)job)->cancelled) || store_now() > job->deadline;
}

int job_stop_reason(const struct job *job, struct error *e)
{
	if (store_now() > job->deadline)
		return error_set(e, ETIMEDOUT, "the job ran out of time");
	return error_set_code(e, ECANCELED, "SYS.1006", "the job was cancelled");
}

int job_copy_progress(void *ctx, int percent)
{
	struct job *job = ctx;

	job_progress(job, percent);
	return job_should_stop(job);
}

int job_remaining_ms(const struct job *job)
{
	int64_t ms = (job->deadline - store_now()) / 1000000;

	return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}
