/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as rows: begin, end, cancel; and what handlers use of a running one. See job.h and executor.h. */
#include "actions/job.h"

#include <string.h>

#include "model/render.h"
#include "actions/executor.h"
#include "actions/handlers.h"
#include "actions/object_ops.h"

#define NS_PER_S	   INT64_C(1000000000)
#define DEADLINE_DEFAULT_S 600
#define PROGRESS_PERIOD_NS (NS_PER_S / 5)

bool job_state_is_final(const char *state)
{
	return state && (strcmp(state, "Done") == 0 || strcmp(state, "Failed") == 0 ||
			 strcmp(state, "Cancelled") == 0);
}

/* ------------------------------------------------------------------ rows */

static int set_json(struct object *o, int field, json_t *taken)
{
	_cleanup_free_ char *text = taken ? json_dumps(taken, JSON_COMPACT) : NULL;

	json_decref(taken);
	if (!text)
		return -ENOMEM;
	object_set_str(o, field, text);
	return 0;
}

/* The further queues of a job, as rows. Entering one of them twice would mean to wait for oneself. */
static int put_queue_refs(struct txn *t, const struct request *req, const struct object *job, struct error *e)
{
	json_t *queues = req->op->queues ? req->op->queues(txn_view(t), req) : NULL, *ignored;
	const char *uuid;
	int r = 0;

	json_object_foreach (queues, uuid, ignored) {
		struct object *ref;
		char ref_uuid[UUID_SIZE];

		if (object_str_is(job, JOB_QUEUE, uuid) || object_str_is(job, JOB_QUEUE2, uuid))
			continue;
		ref = object_new(kind_get(KIND_QUEUE_REF));
		if (!ref) {
			r = error_set(e, ENOMEM, "out of memory");
			break;
		}
		uuid_make(ref_uuid);
		object_set_str(ref, QUEUE_REF_UUID, ref_uuid);
		object_set_str(ref, QUEUE_REF_JOB_UUID, req->job);
		object_set_str(ref, QUEUE_REF_OBJECT_UUID, uuid);
		r = txn_put(t, ref, NULL, e);
		if (r < 0)
			break;
	}
	json_decref(queues);
	return r;
}

/* Takes a job that ends out of its queues; @job is the editable copy of its row. */
static int leave_queues(struct txn *t, struct object *job, struct error *e)
{
	object_set_null(job, JOB_QUEUE);
	object_set_null(job, JOB_QUEUE2);
	object_set_null(job, JOB_SECRET_REQUEST);
	return object_remove_where(t, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, object_uuid(job), e);
}

int job_insert(struct txn *t, const struct request *req, const struct object **ret, struct error *e)
{
	const struct operation *op = req->op;
	unsigned deadline = op->deadline_s ? op->deadline_s : DEADLINE_DEFAULT_S;
	struct object *job = object_new(kind_get(KIND_JOB));
	const char *second = op->queue2 ? op->queue2(txn_view(t), req) : NULL;
	char resource[128];
	int r;

	if (!job || set_json(job, JOB_REQUEST, request_to_json(req, true)) < 0 ||
	    set_json(job, JOB_SECRET_REQUEST, request_to_json(req, false)) < 0) {
		object_unref(job);
		return error_set(e, ENOMEM, "out of memory");
	}
	snprintf(resource, sizeof(resource), "%s/%s", kind_get(op->kind)->directory, req->target);
	object_set_str(job, JOB_UUID, req->job);
	object_set_str(job, JOB_STATE, "Queued");
	object_set_int(job, JOB_PROGRESS, 0);
	object_set_str(job, JOB_OPERATION, op->name);
	object_set_str(job, JOB_RESOURCE, resource);
	object_set_str(job, JOB_RESOURCE_UUID, req->target);
	object_set_str(job, JOB_QUEUE, request_queue(txn_view(t), req));
	object_set_str(job, JOB_QUEUE2, second);
	object_set_str(job, JOB_DIGEST, req->digest);
	object_set_str(job, JOB_SOURCE, req->actor.source);
	object_set_str(job, JOB_WEB_HOOK, req->web_hook);
	object_set_int(job, JOB_UID, req->actor.uid);
	object_set_str(job, JOB_ACCOUNT_UUID, *req->actor.account ? req->actor.account : NULL);
	object_set_int(job, JOB_DEADLINE, txn_now(t) + deadline * NS_PER_S);
	r = put_queue_refs(t, req, job, e);
	if (r < 0) {
		object_unref(job);
		return r;
	}
	return txn_put(t, job, ret, e);
}

int job_finish(struct txn *t, const char *job_uuid, const json_t *result, const struct error *error,
	       struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_JOB, job_uuid);
	struct object *job;
	int r;

	/* The deadline may have written the end already. */
	if (!before || job_state_is_final(object_str(before, JOB_STATE)))
		return 0;
	job = object_copy(before);
	if (!job)
		return error_set(e, ENOMEM, "out of memory");
	if (error && error_is_set(error)) {
		object_set_str(job, JOB_STATE, "Failed");
		if (set_json(job, JOB_ERROR, error_to_json(error)) < 0)
			object_set_str(job, JOB_ERROR, "{\"code\":\"SYS.1000\"}");
	} else {
		object_set_str(job, JOB_STATE, "Done");
		object_set_int(job, JOB_PROGRESS, 100);
		if (!result || set_json(job, JOB_RESULT, json_incref((json_t *)(uintptr_t)result)) < 0)
			object_set_str(job, JOB_RESULT, "{}");
	}
	object_set_int(job, JOB_FINISHED, txn_now(t));
	r = leave_queues(t, job, e);
	if (r < 0) {
		object_unref(job);
		return r;
	}
	return txn_put(t, job, NULL, e);
}

int job_submit(struct txn *t, const struct request *req, struct error *e)
{
	_cleanup_(error_done) struct error refusal = ERROR_INIT;
	int refused = request_check(txn_view(t), req, job_is_pending_for(txn_view(t), req->target), &refusal);
	int r = job_insert(t, req, NULL, e);

	if (r == 0 && refused)
		r = job_finish(t, req->job, NULL, &refusal, e);
	return r;
}

bool job_is_pending_for(const struct view *view, const char *object_uuid)
{
	return view_next_where(view, KIND_JOB, JOB_QUEUE, object_uuid, 0) ||
	       view_next_where(view, KIND_JOB, JOB_QUEUE2, object_uuid, 0) ||
	       view_next_where(view, KIND_QUEUE_REF, QUEUE_REF_OBJECT_UUID, object_uuid, 0);
}

/* ------------------------------------------------------------------ results */

char *job_body(const struct object *job)
{
	char *body = NULL;
	bool done = object_str_is(job, JOB_STATE, "Done");

	if (asprintf(&body, "%s%s%s", done ? "" : "{\"error\":",
		     object_text(job, done ? JOB_RESULT : JOB_ERROR), done ? "" : "}") < 0)
		return NULL;
	return body;
}

/* -EINPROGRESS while the job has not ended, -ENODATA when it is not kept (behaviour.md 1.4). */
int job_result_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		   struct error *e)
{
	const struct object *job = view_get(view, KIND_JOB, request_str(req, "uuid"));
	json_t *error;

	(void)pool;
	if (!job)
		return error_set(e, ENODATA, "the job has been expired");
	if (!job_state_is_final(object_str(job, JOB_STATE)))
		return error_set(e, EINPROGRESS, "the job has not ended");
	if (object_str_is(job, JOB_STATE, "Done")) {
		*ret_result = json_loads(object_text(job, JOB_RESULT), 0, NULL);
		return 0;
	}
	error = json_loads(object_text(job, JOB_ERROR), 0, NULL);
	error_from_json(error, e);
	json_decref(error);
	return error_is_set(e) ? -e->errnum : error_set(e, EIO, "the job failed");
}

/* --------------------------------------------------------------- CancelJob */

int job_cancel_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *job = request_object(view, req);

	if (job && job_state_is_final(object_str(job, JOB_STATE)))
		return error_set(e, EBUSY, "job '%s' has ended already, its state is '%s'", req->target,
				 object_text(job, JOB_STATE));
	return 0;
}

int job_cancel_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *before = request_object(txn_view(t), req);
	struct object *job = object_copy(before);
	int r = 0;

	(void)ret_result;
	if (!job)
		return error_set(e, ENOMEM, "out of memory");
	/* A running job is asked; the executor sees the mark in the commit. */
	object_set_int(job, JOB_CANCEL, 1);
	if (object_str_is(before, JOB_STATE, "Queued")) {
		_cleanup_(error_done) struct error why = ERROR_INIT;

		error_set_code(&why, ECANCELED, "SYS.1006", "the job was cancelled before it began");
		object_set_str(job, JOB_STATE, "Cancelled");
		if (set_json(job, JOB_ERROR, error_to_json(&why)) < 0)
			object_set_str(job, JOB_ERROR, "{\"code\":\"SYS.1006\"}");
		object_set_int(job, JOB_FINISHED, txn_now(t));
		r = leave_queues(t, job, e);
	}
	if (r < 0) {
		object_unref(job);
		return r;
	}
	return txn_put(t, job, NULL, e);
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

	if (!before || !object_str_is(before, JOB_STATE, "Processing"))
		return 0;
	job = object_copy(before);
	if (!job)
		return error_set(e, ENOMEM, "out of memory");
	object_set_int(job, JOB_PROGRESS, p->percent);
	return txn_put(t, job, NULL, e);
}

static void progress_done(void *arg, int result, struct error *e)
{
	(void)result; /* a lost percent is no loss */
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

int result_inventory(const struct view *view, enum kind_id kind, const char *uuid, json_t **ret_result,
		     struct error *e)
{
	const struct object *o = view_get(view, kind, uuid);
	json_t *inventory = o ? render_inventory_json(view, o) : NULL;

	if (!o)
		return error_set(e, ENOENT, "%s '%s' is gone", kind_get(kind)->noun, uuid);
	*ret_result = inventory ? json_pack("{s:o}", "inventory", inventory) : NULL;
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}

int result_inventories(json_t *list, json_t **ret_result, struct error *e)
{
	*ret_result = list ? json_pack("{s:o}", "inventories", list) : NULL;
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}

void list_add_inventory(json_t *list, const struct view *view, const struct object *o)
{
	(void)json_array_append_new(list, render_inventory_json(view, o));
}

int job_result_inventory(struct job *job, enum kind_id kind, const char *uuid, json_t **ret_result,
			 struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	return result_inventory(view, kind, uuid, ret_result, e);
}
