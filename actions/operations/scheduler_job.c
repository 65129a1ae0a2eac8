/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduler jobs, which say what is run, and which triggers start them: the schedulers
 * of later versions of the manual's server. What runs is in schedule/linked.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actions/account/sharing.h"
#include "actions/engine/params.h"
#include "actions/engine/result.h"
#include "actions/operations/table.h"
#include "actions/schedule/linked.h"
#include "actions/schedule/scheduler.h"
#include "model/json.h"
#include "model/render.h"
#include "model/states.h"

#define SNAPSHOTS_MAX 1000000

/* --------------------------------------------------------------------- types */

static const struct job_type {
	const char *name, *job_class; /* the class: the name of the operation and "Job" */
	enum kind_id kind;
	const char *parameter; /* the only one, a number; NULL: none */
} job_types[] = {
	{"startVm", "StartVmInstanceJob", KIND_VM, NULL},
	{"stopVm", "StopVmInstanceJob", KIND_VM, NULL},
	{"rebootVm", "RebootVmInstanceJob", KIND_VM, NULL},
	{"volumeSnapshot", "CreateVolumeSnapshotJob", KIND_VOLUME, "snapshotMaxNumber"},
};

/* What else the manual's server runs, and the pool has not; all others are not known. */
static const char *const unsupported[] = {
	"volumeSnapshotGroup", "volumeBackup", "rootVolumeBackup", "vmBackup", "databaseBackup",
};

static int find_type(const char *name, const struct job_type **ret, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(job_types); i++)
		if (strcmp(job_types[i].name, name) == 0) {
			*ret = &job_types[i];
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
		if (strcmp(unsupported[i], name) == 0)
			return error_set_code(e, EOPNOTSUPP, "SYS.1006",
					      "a job of the type '%s' is not supported: the pool makes no "
					      "backups and no groups of snapshots; volumeSnapshot takes "
					      "snapshots of one volume",
					      name);
	return error_set(e, EINVAL,
			 "field[type] is one of startVm, stopVm, rebootVm, volumeSnapshot, but '%s' found",
			 name);
}

/* A number, which some clients send as a text; false for anything else. */
static bool to_number(const json_t *value, int64_t *ret)
{
	if (json_is_string(value))
		return params_parse_number(json_string_value(value), ret) == 0;
	*ret = json_integer_value(value);
	return json_is_integer(value);
}

/* *ret: the parameters as JSON text, owned by the caller; "{}" for none. */
static int make_data(const struct job_type *type, json_t *given, char **ret, struct error *e)
{
	_cleanup_json_ json_t *data = json_object();
	const char *name;
	json_t *value;

	json_object_foreach (given, name, value) {
		int64_t number;

		if (!type->parameter || strcmp(name, type->parameter) != 0)
			return error_set(e, EINVAL, "a job of the type '%s' has no parameter '%.64s'%s%s",
					 type->name, name, type->parameter ? ", but " : "",
					 type->parameter ? type->parameter : "");
		if (!to_number(value, &number) || number < 0 || number > SNAPSHOTS_MAX)
			return error_set(e, EINVAL, "%s is a number of snapshots from 0 to %d, 0 for all",
					 name, SNAPSHOTS_MAX);
		json_add_member(&data, name, json_integer(number));
	}
	*ret = data ? json_text(data, JSON_COMPACT) : NULL;
	return *ret ? 0 : error_oom(e);
}

/* ------------------------------------------------------------ creating, changing */

static int check_target(const struct view *view, const struct job_type *type, const char *uuid,
			struct error *e)
{
	const struct object *o = view_get(view, type->kind, uuid);

	if (!o)
		return error_set(e, view_get_any(view, uuid) ? EINVAL : ENOENT,
				 "a job of the type '%s' acts on a %s, '%s' is none", type->name,
				 kind_get(type->kind)->noun, uuid);
	if (type->kind == KIND_VM ? object_str_is(o, VM_STATE, vm_state_name(VM_STATE_DESTROYED))
				  : object_str_is(o, VOLUME_STATUS, STATUS_DELETED))
		return error_set(e, EBUSY, "%s '%s' is deleted, recover it first", o->kind->noun, uuid);
	return 0;
}

static int job_create_check(const struct view *view, const struct request *req, struct error *e)
{
	_cleanup_free_ char *data = NULL;
	const struct job_type *type;
	int r = object_check_uuid(view, req, e);

	if (r == 0)
		r = find_type(request_str(req, "type"), &type, e);
	if (r == 0)
		r = make_data(type, json_object_get(req->params, "parameters"), &data, e);
	return r < 0 ? r : check_target(view, type, request_str(req, "targetResourceUuid"), e);
}

static int job_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	_cleanup_free_ char *data = NULL;
	const struct job_type *type;
	struct object *o;
	int r = find_type(request_str(req, "type"), &type, e);

	if (r == 0)
		r = make_data(type, json_object_get(req->params, "parameters"), &data, e);
	if (r == 0)
		r = object_from_request(txn_view(t), KIND_SCHEDULER_JOB, req, &o, e);
	if (r < 0)
		return r;
	object_set_str(o, SCHED_JOB_STATE, STATE_ENABLED);
	object_set_str(o, SCHED_JOB_CLASS, type->job_class);
	object_set_str(o, SCHED_JOB_DATA, data);
	return object_create(t, o, req, ret_result, e);
}

static int job_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *job = request_object(view, req);
	json_t *given = json_object_get(req->params, "parameters");
	_cleanup_free_ char *data = NULL;
	const struct job_type *type;
	int r;

	if (!job || !given)
		return 0;
	r = find_type(object_text(job, SCHED_JOB_TYPE), &type, e);
	return r < 0 ? r : make_data(type, given, &data, e);
}

static int set_data(struct txn *t, const struct request *req, json_t *given, struct error *e)
{
	_cleanup_free_ char *data = NULL;
	const struct job_type *type;
	struct object *copy;
	int r = txn_edit(t, KIND_SCHEDULER_JOB, req->target, &copy, e);

	if (r < 0)
		return r;
	r = find_type(object_text(copy, SCHED_JOB_TYPE), &type, e);
	if (r == 0)
		r = make_data(type, given, &data, e);
	if (r < 0) {
		object_unref(copy);
		return r;
	}
	object_set_str(copy, SCHED_JOB_DATA, data);
	return txn_put(t, copy, NULL, e);
}

static int job_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	json_t *given = json_object_get(req->params, "parameters");
	int r = given ? set_data(t, req, given, e) : 0;

	(void)ret_result;
	if (r == 0)
		r = object_update_fn(t, (void *)(uintptr_t)req, e);
	return r < 0 ? r : linked_follow_job(t, req->target, e);
}

static int job_change_state_apply(struct txn *t, const struct request *req, json_t **ret_result,
				  struct error *e)
{
	int r = object_change_state_apply(t, req, ret_result, e);

	return r < 0 ? r : linked_follow_job(t, req->target, e);
}

static int job_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object_key key = {KIND_SCHEDULER_JOB, req->target};
	int r = linked_remove(t, SCHEDULER_OF_JOB, req->target, e);

	(void)ret_result;
	return r < 0 ? r : object_remove_key(t, &key, e);
}

/* -------------------------------------------------------------------- triggers */

static const struct object *find_pair(const struct view *view, const struct request *req)
{
	return link_find(view, KIND_SCHEDULER, SCHEDULER_OF_JOB, req->target, SCHEDULER_OF_TRIGGER,
			 request_str(req, "schedulerTriggerUuid"));
}

static int job_add_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *job = request_object(view, req);
	const char *uuid = request_str(req, "schedulerTriggerUuid");
	const struct object *trigger = view_get(view, KIND_SCHEDULER_TRIGGER, uuid);

	if (!job || !trigger)
		return error_gone(e, job ? KIND_SCHEDULER_TRIGGER : KIND_SCHEDULER_JOB,
				  job ? uuid : req->target);
	if (find_pair(view, req))
		return error_set(e, EEXIST, "Can not add job[uuid:%s] twice to the same trigger[uuid:%s]",
				 req->target, uuid);
	if (!trigger_serves(view, trigger, object_text(job, SCHED_JOB_ACCOUNT_UUID)))
		return error_set(e, EINVAL, "trigger '%s' is another account's than job '%s'", uuid,
				 req->target);
	if (view_count_where(view, KIND_SCHEDULER, SCHEDULER_OF_JOB, req->target) >= LINKED_MAX)
		return error_set(e, E2BIG, "job '%s' has %d triggers already", req->target, LINKED_MAX);
	if (view_count_where(view, KIND_SCHEDULER, SCHEDULER_OF_TRIGGER, uuid) >= LINKED_MAX)
		return error_set(e, E2BIG, "trigger '%s' has %d jobs already, make another one", uuid,
				 LINKED_MAX);
	return 0;
}

/* The pair, which is an object of its own on the manual's server, and a scheduler here. */
static json_t *pair_to_json(const struct object *o)
{
	char created[DATE_SIZE], changed[DATE_SIZE];

	render_date(object_int(o, SCHEDULER_CREATE_DATE), created);
	render_date(object_int(o, SCHEDULER_LAST_OP_DATE), changed);
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:s}}", "inventory", "uuid", object_uuid(o),
			 "schedulerJobUuid", object_text(o, SCHEDULER_OF_JOB), "schedulerTriggerUuid",
			 object_text(o, SCHEDULER_OF_TRIGGER), "createDate", created, "lastOpDate", changed);
}

static int job_add_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *uuid = request_str(req, "schedulerTriggerUuid");
	_cleanup_object_ const struct object *job = object_ref(request_object(txn_view(t), req));
	_cleanup_object_ const struct object *trigger =
		object_ref(view_get(txn_view(t), KIND_SCHEDULER_TRIGGER, uuid));
	const struct object *o;
	int r = linked_create(t, job, trigger, &o, e);

	if (r == 0)
		*ret_result = pair_to_json(o);
	if (r == 0 && request_bool(req, "triggerNow", false))
		r = scheduler_run_now(t, o, e);
	return r == 0 && !*ret_result ? error_oom(e) : r;
}

static int job_leave_check(const struct view *view, const struct request *req, struct error *e)
{
	return find_pair(view, req) ? 0
				    : error_set(e, ENOENT, "job '%s' is not started by trigger '%s'",
						req->target, request_str(req, "schedulerTriggerUuid"));
}

static int job_leave_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *pair = find_pair(txn_view(t), req);

	(void)ret_result;
	return pair ? scheduler_remove(t, pair, e) : 0;
}

static int job_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
			      json_t **ret_result, struct error *e)
{
	json_t *list = json_array();

	(void)pool;
	view_for_each (job, view, KIND_SCHEDULER_JOB) {
		int r;

		if (view_next_where(view, KIND_SCHEDULER, SCHEDULER_OF_JOB, object_uuid(job), 0))
			continue;
		r = result_list_add(list, view, req, job, e);
		if (r < 0) {
			json_decref(list);
			return r;
		}
	}
	return result_inventories(list, ret_result, e);
}

/* --------------------------------------------------------------------- the rows */

#define P_PARAMETERS                                                                                         \
	{                                                                                                    \
		.name = "parameters", .type = PARAM_MAP, .in = IN_BODY                                       \
	}

static const struct operation create_scheduler_job = {
	.section = "3.9",
	.name = "CreateSchedulerJob",
	.message = "org.zstack.scheduler.APICreateSchedulerJobMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/scheduler/jobs", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "targetResourceUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_ANY_KIND | PARAM_CHANGES},
					 {.name = "type",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 P_PARAMETERS,
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:SchedulerJobInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_SCHEDULER_JOB,
	.where = "schedulers/jobs",
	.help = "makes a job that triggers start: startVm, stopVm, rebootVm, or volumeSnapshot, which keeps the last parameters.snapshotMaxNumber",
	.check = job_create_check,
	.apply = job_create_apply,
};

static const struct operation query_scheduler_job = {
	.section = "3.9",
	.name = "QuerySchedulerJob",
	.message = "org.zstack.scheduler.APIQuerySchedulerJobMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/scheduler/jobs", "/scheduler/jobs/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SCHEDULER_JOB,
	.flags = OP_SYNC,
	.help = "lists scheduler jobs",
};

static const struct operation get_no_trigger_scheduler_jobs = {
	.section = "3.9",
	.name = "GetNoTriggerSchedulerJobs",
	.message = "org.zstack.scheduler.APIGetNoTriggerSchedulerJobsMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/scheduler/jobs/candidates", NULL},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "SchedulerJobInventory",
	.form = FORM_COLLECTION_GET,
	.kind = KIND_SCHEDULER_JOB,
	.where = "schedulers/jobs/candidates",
	.flags = OP_SYNC,
	.help = "the jobs that no trigger starts",
	.get = job_candidates_get,
};

static const struct operation update_scheduler_job = {
	.section = "3.9",
	.name = "UpdateSchedulerJob",
	.message = "org.zstack.scheduler.APIUpdateSchedulerJobMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/scheduler/jobs/{uuid}/actions", NULL},
	.key = "updateSchedulerJob",
	.params =
		(const struct param[]){
			P_UUID(KIND_SCHEDULER_JOB), P_NEW_NAME, P_DESCRIPTION, P_PARAMETERS, {0}},
	.results = (const char *const[]){"inventory:SchedulerJobInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_JOB,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the job's name, description or parameters",
	.check = job_update_check,
	.apply = job_update_apply,
};

/* On the path of ChangeSchedulerState, which names a job there. */
static const struct operation change_scheduler_job_state = {
	.section = "3.9",
	.name = "ChangeSchedulerJobState",
	.message = "org.zstack.scheduler.APIChangeSchedulerStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/schedulers/{uuid}", NULL},
	.key = "changeSchedulerState",
	.params = (const struct param[]){P_UUID(KIND_SCHEDULER_JOB), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:SchedulerJobInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_JOB,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the job: no trigger starts one that is disabled",
	.apply = job_change_state_apply,
};

static const struct operation delete_scheduler_job = {
	.section = "3.9",
	.name = "DeleteSchedulerJob",
	.message = "org.zstack.scheduler.APIDeleteSchedulerJobMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/scheduler/jobs/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_SCHEDULER_JOB), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_JOB,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the job, but not what it has done, such as snapshots",
	.apply = job_delete_apply,
};

static const struct operation add_scheduler_job_to_scheduler_trigger = {
	.section = "3.9",
	.name = "AddSchedulerJobToSchedulerTrigger",
	.message = "org.zstack.scheduler.APIAddSchedulerJobToSchedulerTriggerMsg",
	.method = METHOD_POST,
	.paths =
		(const char *const[]){
			"/scheduler/jobs/{schedulerJobUuid}/scheduler/triggers/{schedulerTriggerUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("schedulerJobUuid", KIND_SCHEDULER_JOB),
					 P_PATH_CHANGED("schedulerTriggerUuid", KIND_SCHEDULER_TRIGGER),
					 {.name = "triggerNow", .type = PARAM_BOOL, .in = IN_BODY},
					 {0}},
	.results = (const char *const[]){"inventory:SchedulerJobSchedulerTriggerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_JOB,
	.target = "schedulerJobUuid",
	.verb = "add-trigger",
	.help = "lets a trigger start the job, in schedulers/ from then on; with triggerNow=true it is started at once, too",
	.check = job_add_check,
	.apply = job_add_apply,
};

static const struct operation remove_scheduler_job_from_scheduler_trigger = {
	.section = "3.9",
	.name = "RemoveSchedulerJobFromSchedulerTrigger",
	.message = "org.zstack.scheduler.APIRemoveSchedulerJobFromSchedulerTriggerMsg",
	.method = METHOD_DELETE,
	.paths =
		(const char *const[]){
			"/scheduler/jobs/{schedulerJobUuid}/scheduler/triggers/{schedulerTriggerUuid}", NULL},
	.params = (const struct param[]){P_PATH("schedulerJobUuid", KIND_SCHEDULER_JOB),
					 P_PATH_CHANGED("schedulerTriggerUuid", KIND_SCHEDULER_TRIGGER),
					 {0}},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER_JOB,
	.target = "schedulerJobUuid",
	.verb = "remove-trigger",
	.help = "lets a trigger start the job no more",
	.check = job_leave_check,
	.apply = job_leave_apply,
};

const struct operation *const operations_scheduler_job[] = {
	&create_scheduler_job,
	&query_scheduler_job,
	&get_no_trigger_scheduler_jobs,
	&update_scheduler_job,
	&change_scheduler_job_state,
	&delete_scheduler_job,
	&add_scheduler_job_to_scheduler_trigger,
	&remove_scheduler_job_from_scheduler_trigger,
	NULL,
};
