/* SPDX-License-Identifier: Apache-2.0 */
/* See long_job.h. */
#include "actions/engine/long_job.h"

#include <string.h>

#include "actions/engine/node.h"
#include "actions/engine/result.h"
#include "model/json.h"
#include "model/render.h"
#include "model/states.h"

const struct object *long_job_row(const struct view *view, const char *uuid)
{
	return view_next_where(view, KIND_JOB, JOB_LONG_JOB_UUID, uuid, 0);
}

/* The state in the words of the manual's server. */
static const char *state_of(const struct object *job)
{
	static const char *const states[][2] = {
		{JOB_STATE_QUEUED, LONG_JOB_WAITING},	  {JOB_STATE_PROCESSING, LONG_JOB_RUNNING},
		{JOB_STATE_DONE, LONG_JOB_SUCCEEDED},	  {JOB_STATE_FAILED, JOB_STATE_FAILED},
		{JOB_STATE_CANCELLED, LONG_JOB_CANCELED},
	};

	if (object_int(job, JOB_CANCEL) && !job_state_is_final(object_text(job, JOB_STATE)))
		return LONG_JOB_CANCELING;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (object_str_is(job, JOB_STATE, states[i][0]))
			return states[i][1];
	return object_text(job, JOB_STATE);
}

/* The simple name of the class of the operation's message; of an operation that is no more, its own. */
static const char *name_of(const struct object *job)
{
	const struct operation *op = operation_by_name(object_text(job, JOB_OPERATION));

	return op ? strrchr(op->message, '.') + 1 : object_text(job, JOB_OPERATION);
}

/* The result of a job that has been removed meanwhile is not known any more. */
static void set_end(struct object *o, const struct object *job)
{
	bool done = object_str_is(job, JOB_STATE, JOB_STATE_DONE);
	_cleanup_free_ char *result = NULL;
	int r = object_read_text(job, done ? JOB_RESULT : JOB_ERROR, &result);
	int64_t seconds = (object_int(job, JOB_FINISHED) - object_int(job, JOB_CREATED)) / NS_PER_S;

	if (r < 0 && r != -ESTALE)
		object_set_broken(o);
	object_set_str(o, LONG_JOB_JOB_RESULT, result);
	object_set_int(o, LONG_JOB_EXECUTE_TIME, seconds > 1 ? seconds : 1);
}

struct object *long_job_object(const struct view *view, const struct object *job)
{
	_cleanup_json_ json_t *given = object_json(job, JOB_LONG_JOB);
	json_t *data = json_object_get(given, "data");
	_cleanup_free_ char *data_text = data ? json_text(data, JSON_COMPACT) : NULL;
	const char *name = json_string_value(json_object_get(given, "name"));
	const char *target = json_string_value(json_object_get(given, "target"));
	struct object *o = object_new(kind_get(KIND_LONG_JOB));
	char node[UUID_SIZE];

	if (!o)
		return NULL;
	node_uuid(view, node);
	object_set_str(o, LONG_JOB_UUID, object_text(job, JOB_LONG_JOB_UUID));
	object_set_str(o, LONG_JOB_NAME, name ? name : name_of(job));
	object_set_str(o, LONG_JOB_DESCRIPTION, json_string_value(json_object_get(given, "description")));
	object_set_str(o, LONG_JOB_API_ID, object_uuid(job));
	object_set_str(o, LONG_JOB_JOB_NAME, name_of(job));
	object_set_str(o, LONG_JOB_JOB_DATA, data_text);
	object_set_str(o, LONG_JOB_STATE, state_of(job));
	object_set_str(o, LONG_JOB_TARGET_RESOURCE_UUID,
		       target ? target : object_str(job, JOB_RESOURCE_UUID));
	object_set_str(o, LONG_JOB_MANAGEMENT_NODE_UUID, node);
	object_set_int(o, LONG_JOB_CREATE_DATE, object_int(job, JOB_CREATED));
	object_set_int(o, LONG_JOB_LAST_OP_DATE, job->changed);
	object_set_str(o, LONG_JOB_ACCOUNT_UUID, object_str(job, JOB_ACCOUNT_UUID));
	if (job_state_is_final(object_text(job, JOB_STATE)))
		set_end(o, job);
	if (object_is_broken(o)) {
		object_unref(o);
		return NULL;
	}
	return o;
}

int long_job_result(const struct view *view, const char *uuid, json_t **ret_result, struct error *e)
{
	const struct object *job = long_job_row(view, uuid);
	_cleanup_object_ struct object *o = job ? long_job_object(view, job) : NULL;

	if (!job)
		return error_gone(e, KIND_LONG_JOB, uuid);
	*ret_result = o ? json_pack("{s:o}", "inventory", render_inventory_json(view, o)) : NULL;
	return *ret_result ? 0 : error_oom(e);
}
