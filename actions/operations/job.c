/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on jobs: result, query, cancel. */
#include <string.h>

#include "actions/engine/result.h"
#include "actions/operations/table.h"
#include "model/states.h"

/* ------------------------------------------------------------------ results */

/* -EINPROGRESS while the job has not ended, -ENODATA when it is not stored any more (behaviour.md 1.4). */
static int job_result_get(struct pool *pool, const struct view *view, const struct request *req,
			  json_t **ret_result, struct error *e)
{
	const struct object *job = view_get(view, KIND_JOB, request_str(req, "uuid"));
	_cleanup_free_ char *text = NULL;
	json_t *error;
	int r;

	(void)pool;
	if (!job && view_has(view, KIND_JOB, request_str(req, "uuid")))
		return error_oom(e);
	if (!job)
		return error_set(e, ENODATA, "the job has been expired");
	if (!job_state_is_final(object_str(job, JOB_STATE)))
		return error_set(e, EINPROGRESS, "the job has not ended");
	if (object_str_is(job, JOB_STATE, JOB_STATE_DONE)) {
		r = object_read_text(job, JOB_RESULT, &text);
		if (r == -ESTALE) /* right now */
			return error_set(e, ENODATA, "the job has been expired");
		if (r < 0)
			return error_set(e, -r, "the result of job '%s' cannot be read", object_uuid(job));
		*ret_result = text ? json_loads(text, 0, NULL) : NULL;
		return 0;
	}
	error = json_loads(object_text(job, JOB_ERROR), 0, NULL);
	error_from_json(error, e);
	json_decref(error);
	return error_is_set(e) ? -e->errnum : error_set(e, EIO, "the job failed");
}

/* The class of the event with which the operation @name ends on the manual's server. Owned. */
static json_t *event_class(const char *name)
{
	const struct operation *op = operation_by_name(name);

	return op ? json_sprintf("%.*sEvent", (int)(strlen(op->message) - strlen("Msg")), op->message)
		  : json_string(name);
}

/* As job_result_get(), but the answer has the error, too, and says what it is the result of. */
static int job_event_get(struct pool *pool, const struct view *view, const struct request *req,
			 json_t **ret_result, struct error *e)
{
	const struct object *job = view_get(view, KIND_JOB, request_str(req, "uuid"));
	_cleanup_(error_done) struct error why = ERROR_INIT;
	json_t *result = NULL;
	int r = job_result_get(pool, view, req, &result, &why);

	/* that of a job that was done cannot be told now: it has not failed */
	if (r < 0 &&
	    (!job || r == -ENODATA || r == -EINPROGRESS || object_str_is(job, JOB_STATE, JOB_STATE_DONE)))
		return error_set(e, -r, "%s", error_sentence(&why));
	if (r < 0)
		result = json_pack("{s:o}", "error", error_to_json(&why));
	*ret_result = json_pack("{s:o, s:I, s:I, s:o}", "event", event_class(object_text(job, JOB_OPERATION)),
				"created", (json_int_t)(object_int(job, JOB_CREATED) / NS_PER_S), "finished",
				(json_int_t)(object_int(job, JOB_FINISHED) / NS_PER_S), "result", result);
	return *ret_result ? 0 : error_oom(e);
}

/* ----------------------------------------------------------------- progress */

/* The job that goes on with what @job has begun: that of the upload of an image. Borrowed; NULL: none. */
static const struct object *job_continuation(const struct view *view, const struct object *job)
{
	if (object_is_null(job, JOB_RESOURCE_UUID))
		return NULL;
	view_for_each_where (other, view, KIND_JOB, JOB_RESOURCE_UUID, object_text(job, JOB_RESOURCE_UUID))
		if (object_str_is(other, JOB_SOURCE, "upload") &&
		    !job_state_is_final(object_text(other, JOB_STATE)))
			return other;
	return NULL;
}

static json_t *progress_of(const struct object *job, const char *uuid)
{
	const struct operation *op = operation_by_name(object_text(job, JOB_OPERATION));

	return json_pack("{s:s, s:s, s:s, s:o, s:I}", "taskUuid", uuid, "taskName",
			 op ? op->message : object_text(job, JOB_OPERATION), "type", "Progress", "content",
			 json_sprintf("%lld", (long long)object_int(job, JOB_PROGRESS)), "time",
			 (json_int_t)(job->changed / (NS_PER_S / 1000)));
}

/* Empty when the job has ended, or is not stored any more. */
static int task_progress_get(struct pool *pool, const struct view *view, const struct request *req,
			     json_t **ret_result, struct error *e)
{
	const char *uuid = request_str(req, "apiId");
	const struct object *job = view_get(view, KIND_JOB, uuid);
	json_t *list;

	(void)pool;
	if (!job && view_has(view, KIND_JOB, uuid))
		return error_oom(e);
	list = json_array();
	if (job && job_state_is_final(object_text(job, JOB_STATE)))
		job = job_continuation(view, job);
	if (job && json_array_append_new(list, progress_of(job, uuid)) < 0) {
		json_decref(list);
		return error_oom(e);
	}
	*ret_result = json_pack("{s:o}", "inventories", list);
	return *ret_result ? 0 : error_oom(e);
}

/* --------------------------------------------------------------- CancelJob */

static int job_cancel_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *job = request_object(view, req);

	if (job && job_state_is_final(object_str(job, JOB_STATE)))
		return error_set(e, EBUSY, "job '%s' has already ended, its state is '%s'", req->target,
				 object_text(job, JOB_STATE));
	return 0;
}

static int job_cancel_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return job_cancel(t, req->target, e);
}

/* A job that is not stored any more is an answer, too. */
#define P_JOB                                                                                                \
	{                                                                                                    \
		.name = "uuid", .type = PARAM_STRING, .in = IN_PATH, .flags = PARAM_REQUIRED | PARAM_MAYBE,  \
		.resource = KIND_JOB                                                                         \
	}

static const struct operation get_api_job = {
	.section = "1.5",
	.name = "GetApiJob",
	.message = "org.zstack.poolfs.APIGetApiJobMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/api-jobs/{uuid}", NULL},
	.params = (const struct param[]){P_JOB, {0}},
	.form = FORM_CALL,
	.kind = KIND_JOB,
	.flags = OP_SYNC | OP_NO_SESSION | OP_JOB_RESULT | OP_READS_TEXTS,
	.help = "the result of a job",
	.get = job_result_get,
};

static const struct operation get_api_job_event = {
	.section = "1.5",
	.name = "GetApiJobEvent",
	.message = "org.zstack.poolfs.APIGetApiJobEventMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/api-jobs/{uuid}/event", NULL},
	.params = (const struct param[]){P_JOB, {0}},
	.own_results =
		(const char *const[]){"event:String", "created:Long", "finished:Long", "result:Map", NULL},
	.form = FORM_CALL,
	.kind = KIND_JOB,
	.flags = OP_SYNC | OP_NO_SESSION | OP_READS_TEXTS,
	.help = "the end of a job as an event: its class on the manual's server, when it was, the result or the error",
	.get = job_event_get,
};

static const struct operation get_task_progress = {
	.section = "1.5",
	.name = "GetTaskProgress",
	.message = "org.zstack.header.core.progress.APIGetTaskProgressMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/task-progresses/{apiId}", NULL},
	.params = (const struct param[]){{.name = "apiId",
					  .type = PARAM_STRING,
					  .in = IN_PATH,
					  .flags = PARAM_REQUIRED | PARAM_MAYBE,
					  .resource = KIND_JOB},
					 {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "TaskProgressInventory",
	.form = FORM_CALL,
	.kind = KIND_JOB,
	.flags = OP_SYNC,
	.help = "the percentage of a job that has been done, and after AddImage that of the image that has been sent; nothing when it has ended",
	.get = task_progress_get,
};

static const struct operation query_api_job = {
	.section = "1.5",
	.name = "QueryApiJob",
	.message = "org.zstack.poolfs.APIQueryApiJobMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/api-jobs", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_JOB,
	.flags = OP_SYNC,
	.help = "lists jobs",
};

static const struct operation cancel_job = {
	.section = "5.4",
	.name = "CancelJob",
	.message = "org.zstack.poolfs.APICancelJobMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/api-jobs/{uuid}", NULL},
	.params = (const struct param[]){P_UUID(KIND_JOB), {0}},
	.form = FORM_VERB,
	.kind = KIND_JOB,
	.target = "uuid",
	.verb = "cancel",
	.flags = OP_DESTROYS,
	.help = "removes a waiting job from its queue, or asks a running one to stop",
	.check = job_cancel_check,
	.apply = job_cancel_apply,
};

const struct operation *const operations_job[] = {
	&get_api_job, &get_api_job_event, &get_task_progress, &query_api_job, &cancel_job, NULL,
};
