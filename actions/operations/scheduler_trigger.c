/* SPDX-License-Identifier: Apache-2.0 */
/* Triggers, which say when scheduler jobs are run: see scheduler_job.c. */
#include <string.h>

#include "actions/engine/result.h"
#include "actions/operations/table.h"
#include "actions/schedule/linked.h"
#include "actions/schedule/schedule.h"
#include "actions/schedule/scheduler.h"
#include "actions/schedule/times.h"
#include "model/states.h"

/* --------------------------------------------------------------------- times */

/* A number of the request, else of the trigger, NULL = a new one. */
static int64_t number(const struct request *req, const char *name, const struct object *trigger, int field)
{
	return request_int(req, name, trigger ? object_int(trigger, field) : 0);
}

/* What a trigger, NULL = a new one, is after the request. *ret borrows from both. */
static void read_times(const struct request *req, const struct object *trigger, struct times *ret)
{
	const char *type = request_str(req, "schedulerType"), *cron = request_str(req, "cron");

	if (!type)
		type = trigger ? object_text(trigger, TRIGGER_TYPE) : "";
	*ret = (struct times){.is_cron = strcmp(type, "cron") == 0};
	if (ret->is_cron) {
		/* Zeros and what the trigger was before do not count: see is_given() of engine/params.c. */
		ret->cron = cron || !trigger ? cron : object_str(trigger, TRIGGER_CRON);
		ret->has_interval = request_int(req, "schedulerInterval", 0) != 0;
		ret->has_count = request_int(req, "repeatCount", 0) != 0;
		ret->has_start = request_int(req, "startTime", 0) != 0;
		return;
	}
	ret->interval = number(req, "schedulerInterval", trigger, TRIGGER_INTERVAL);
	ret->has_interval = ret->interval != 0;
	ret->count = number(req, "repeatCount", trigger, TRIGGER_REPEAT_COUNT);
	ret->has_count = ret->count != 0;
	ret->has_start = trigger || request_has(req, "startTime");
	ret->start = request_int(req, "startTime",
				 trigger ? object_int(trigger, TRIGGER_START_TIME) / NS_PER_S : 0);
}

static int check_times(const struct request *req, const struct object *trigger, struct error *e)
{
	const char *type = request_str(req, "schedulerType");
	bool was_cron = trigger && object_str_is(trigger, TRIGGER_TYPE, "cron");
	bool is_cron = type ? strcmp(type, "cron") == 0 : was_cron;
	struct times times;

	read_times(req, trigger, &times);
	/* An expression says nothing for a simple trigger; one that is to become simple needs its own start. */
	if (!is_cron && request_str(req, "cron") && *request_str(req, "cron"))
		return error_set(e, EINVAL,
				 "cron is for triggers of the type cron: a simple one has schedulerInterval, "
				 "repeatCount and startTime");
	if (was_cron && !is_cron)
		times.has_start = request_has(req, "startTime");
	return times_check(&times, e);
}

static void set_times(struct object *o, const struct times *t)
{
	struct schedule s = {.start = t->start * NS_PER_S,
			     .interval = t->interval * NS_PER_S,
			     .count = t->has_count ? t->count : 0};
	int64_t stop = t->is_cron || !t->start ? NEVER : schedule_stop_time(&s);

	object_set_str(o, TRIGGER_TYPE, t->is_cron ? "cron" : "simple");
	object_set_str(o, TRIGGER_CRON, t->is_cron ? t->cron : NULL);
	object_set_null(o, TRIGGER_INTERVAL);
	object_set_null(o, TRIGGER_START_TIME);
	object_set_null(o, TRIGGER_STOP_TIME);
	object_set_int(o, TRIGGER_REPEAT_COUNT, s.count);
	if (t->has_interval && !t->is_cron)
		object_set_int(o, TRIGGER_INTERVAL, t->interval);
	if (t->start)
		object_set_int(o, TRIGGER_START_TIME, s.start);
	if (stop != NEVER)
		object_set_int(o, TRIGGER_STOP_TIME, stop);
}

/* ------------------------------------------------------------ creating, changing */

static int trigger_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = object_check_uuid(view, req, e);

	return r < 0 ? r : check_times(req, NULL, e);
}

static int trigger_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	struct times times;
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_SCHEDULER_TRIGGER, req, &o, e);

	if (r < 0)
		return r;
	read_times(req, NULL, &times);
	set_times(o, &times);
	return object_create(t, o, req, ret_result, e);
}

static int trigger_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *trigger = request_object(view, req);

	return trigger ? check_times(req, trigger, e) : 0;
}

static int trigger_update_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	_cleanup_object_ const struct object *before = object_ref(request_object(txn_view(t), req));
	struct times times;
	struct object *copy;
	int r = object_update_fn(t, (void *)(uintptr_t)req, e);

	(void)ret_result;
	if (r == 0)
		r = txn_edit(t, KIND_SCHEDULER_TRIGGER, req->target, &copy, e);
	if (r < 0)
		return r;
	read_times(req, before, &times);
	set_times(copy, &times);
	r = txn_put(t, copy, NULL, e);
	return r < 0 ? r : linked_follow_trigger(t, req->target, e);
}

static int trigger_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	struct object_key key = {KIND_SCHEDULER_TRIGGER, req->target};
	int r = linked_remove(t, SCHEDULER_OF_TRIGGER, req->target, e);

	(void)ret_result;
	return r < 0 ? r : object_remove_key(t, &key, e);
}

/* --------------------------------------------------------------------- running */

static int trigger_run_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *uuid;
	json_t *item;
	size_t i;

	json_array_foreach (request_list(req, "jobUuids"), i, item) {
		uuid = json_string_value(item);
		if (!link_find(view, KIND_SCHEDULER, SCHEDULER_OF_TRIGGER, req->target, SCHEDULER_OF_JOB,
			       uuid))
			return error_set(e, ENOENT, "job '%s' is not started by trigger '%s'", uuid,
					 req->target);
	}
	return 0;
}

static int trigger_run_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *o;
	int64_t after = 0;
	int r = 0;

	(void)ret_result;
	while (r == 0 &&
	       (o = view_next_where(txn_view(t), KIND_SCHEDULER, SCHEDULER_OF_TRIGGER, req->target, after))) {
		after = o->id;
		if (request_list_has(req, "jobUuids", object_text(o, SCHEDULER_OF_JOB)))
			r = scheduler_run_now(t, o, e);
	}
	return r;
}

static int trigger_available_get(struct pool *pool, const struct view *view, const struct request *req,
				 json_t **ret_result, struct error *e)
{
	json_t *list = json_array();
	int64_t now = store_now();

	(void)pool;
	view_for_each (trigger, view, KIND_SCHEDULER_TRIGGER) {
		int r;

		if (!object_is_null(trigger, TRIGGER_STOP_TIME) &&
		    object_int(trigger, TRIGGER_STOP_TIME) <= now)
			continue;
		r = result_list_add(list, view, req, trigger, e);
		if (r < 0) {
			json_decref(list);
			return r;
		}
	}
	return result_inventories(list, ret_result, e);
}

/* --------------------------------------------------------------------- the rows */

#define P_TIMES                                                                                              \
	{.name = "schedulerInterval", .type = PARAM_INT, .in = IN_BODY, .min = 0, .max = INT32_MAX},         \
		{.name = "repeatCount", .type = PARAM_INT, .in = IN_BODY, .min = 0, .max = INT32_MAX},       \
		{.name = "startTime", .type = PARAM_LONG, .in = IN_BODY, .flags = PARAM_NOFILE},             \
	{                                                                                                    \
		.name = "cron", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255                       \
	}
#define P_SCHEDULER_TYPE(pflags)                                                                             \
	{                                                                                                    \
		.name = "schedulerType", .type = PARAM_STRING, .in = IN_BODY, .flags = (pflags),             \
		.values = (const char *const[])                                                              \
		{                                                                                            \
			"simple", "cron", NULL                                                               \
		}                                                                                            \
	}

static const struct operation create_scheduler_trigger = {
	.section = "3.9",
	.name = "CreateSchedulerTrigger",
	.message = "org.zstack.scheduler.APICreateSchedulerTriggerMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/scheduler/triggers", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 P_SCHEDULER_TYPE(PARAM_REQUIRED),
					 P_TIMES,
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:SchedulerTriggerInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_SCHEDULER_TRIGGER,
	.where = "schedulers/triggers",
	.help = "makes a trigger for scheduler jobs: a cron expression, or schedulerInterval, repeatCount (0: for ever) and startTime (0: when a job is added)",
	.check = trigger_create_check,
	.apply = trigger_create_apply,
};

static const struct operation query_scheduler_trigger = {
	.section = "3.9",
	.name = "QuerySchedulerTrigger",
	.message = "org.zstack.scheduler.APIQuerySchedulerTriggerMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/scheduler/triggers", "/scheduler/triggers/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SCHEDULER_TRIGGER,
	.flags = OP_SYNC,
	.help = "lists triggers of scheduler jobs",
};

static const struct operation get_available_triggers = {
	.section = "3.9",
	.name = "GetAvailableTriggers",
	.message = "org.zstack.scheduler.APIGetAvailableTriggersMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/scheduler/triggers/available", NULL},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "SchedulerTriggerInventory",
	.form = FORM_COLLECTION_GET,
	.kind = KIND_SCHEDULER_TRIGGER,
	.where = "schedulers/triggers/available",
	.flags = OP_SYNC,
	.help = "the triggers that have not ended",
	.get = trigger_available_get,
};

static const struct operation update_scheduler_trigger = {
	.section = "3.9",
	.name = "UpdateSchedulerTrigger",
	.message = "org.zstack.scheduler.APIUpdateSchedulerTriggerMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/scheduler/triggers/{uuid}/actions", NULL},
	.key = "updateSchedulerTrigger",
	.params = (const struct param[]){P_UUID(KIND_SCHEDULER_TRIGGER),
					 P_NEW_NAME,
					 P_DESCRIPTION,
					 P_SCHEDULER_TYPE(0),
					 P_TIMES,
					 {0}},
	.results = (const char *const[]){"inventory:SchedulerTriggerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_TRIGGER,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the trigger, and with it when its jobs are run",
	.check = trigger_update_check,
	.apply = trigger_update_apply,
};

static const struct operation run_scheduler_trigger = {
	.section = "3.9",
	.name = "RunSchedulerTrigger",
	.message = "org.zstack.scheduler.APIRunSchedulerTriggerMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/scheduler/triggers/{uuid}/actions", NULL},
	.key = "runSchedulerTrigger",
	.params = (const struct param[]){P_UUID(KIND_SCHEDULER_TRIGGER),
					 {.name = "jobUuids",
					  .type = PARAM_LIST,
					  .in = IN_BODY,
					  .flags = PARAM_CHANGES,
					  .resource = KIND_SCHEDULER_JOB},
					 {0}},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_TRIGGER,
	.target = "uuid",
	.verb = "run",
	.help = "runs the jobs of the trigger now, or those in jobUuids, but none that is disabled",
	.check = trigger_run_check,
	.apply = trigger_run_apply,
};

static const struct operation delete_scheduler_trigger = {
	.section = "3.9",
	.name = "DeleteSchedulerTrigger",
	.message = "org.zstack.scheduler.APIDeleteSchedulerTriggerMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/scheduler/triggers/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_SCHEDULER_TRIGGER), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_TRIGGER,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the trigger; its jobs stay",
	.apply = trigger_delete_apply,
};

const struct operation *const operations_scheduler_trigger[] = {
	&create_scheduler_trigger,
	&query_scheduler_trigger,
	&get_available_triggers,
	&update_scheduler_trigger,
	&run_scheduler_trigger,
	&delete_scheduler_trigger,
	NULL,
};
