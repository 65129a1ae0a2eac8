/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, changing and deleting schedulers. Those that are due are run by schedule/scheduler.c. */
#include <string.h>

#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/operations/table.h"
#include "actions/schedule/scheduler.h"
#include "actions/schedule/times.h"
#include "model/json.h"
#include "model/states.h"

/* --------------------------------------------------------------------- tasks */

/* What a scheduler runs; `.data` of the operations that create one. */
struct task {
	const char *job_class; /* the name of the operation and "Job", see schedule/scheduler.c */
	struct {
		const char *from, *to;
	} params[2]; /* parameters passed on to the operation, and their names there */
};

static const struct task start_vm = {
	.job_class = "StartVmInstanceJob",
	.params = {{"clusterUuid", "clusterUuid"}, {"hostUuid", "hostUuid"}},
};
static const struct task stop_vm = {.job_class = "StopVmInstanceJob"};
static const struct task reboot_vm = {.job_class = "RebootVmInstanceJob"};
static const struct task take_snapshot = {
	.job_class = "CreateVolumeSnapshotJob",
	.params = {{"snapShotName", "name"}, {"volumeSnapshotDescription", "description"}},
};

/* ---------------------------------------------------------------- creating */

static int scheduler_create_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *target = request_object(view, req);

	if (req->op->kind == KIND_VM && object_str_is(target, VM_STATE, vm_state_name(VM_STATE_DESTROYED)))
		return error_set(e, EBUSY,
				 "vm[uuid:%s] can only create scheduler when state is not Destroyed",
				 req->target);
	if (req->op->kind == KIND_VOLUME && object_str_is(target, VOLUME_STATUS, STATUS_DELETED))
		return error_set(e, EBUSY,
				 "the volume[uuid:%s] is in status of deleted, cannot do the operation",
				 req->target);
	return 0;
}

static int scheduler_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "type");
	const struct times times = {
		.is_cron = strcmp(type, "cron") == 0,
		.cron = request_str(req, "cron"),
		.has_interval = request_has(req, "interval"),
		.interval = request_int(req, "interval", 0),
		.has_count = request_has(req, "repeatCount"),
		.count = request_int(req, "repeatCount", 0),
		.has_start = request_has(req, "startTime"),
		.start = request_int(req, "startTime", 0),
	};
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (!times.is_cron && strcmp(type, "simple") != 0)
		return error_set(
			e, EINVAL,
			"valid value for field[type] of message[%s] are [simple, cron], but %s found",
			req->op->message, type);
	return times_check(&times, e);
}

/* The parameters of the scheduled operation as JSON text; allocated, NULL when memory is short. */
static char *task_params(const struct task *task, const struct request *req)
{
	_cleanup_json_ json_t *params = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(task->params) && task->params[i].from; i++) {
		json_t *value = json_object_get(req->params, task->params[i].from);

		if (value && json_object_set(params, task->params[i].to, value) < 0)
			return NULL;
	}
	return params ? json_text(params, JSON_COMPACT) : NULL;
}

static int scheduler_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				  struct error *e)
{
	const struct task *task = req->op->data;
	_cleanup_free_ char *params = task_params(task, req);
	int64_t start = request_int(req, "startTime", 0);
	struct object *o;
	int r;

	if (!params)
		return error_oom(e);
	r = object_from_request(txn_view(t), KIND_SCHEDULER, req, &o, e);
	if (r < 0)
		return r;
	object_set_str(o, SCHEDULER_TARGET_UUID, req->target);
	object_set_str(o, SCHEDULER_JOB, task->job_class);
	object_set_str(o, SCHEDULER_JOB_CLASS, task->job_class);
	object_set_str(o, SCHEDULER_PARAMETERS, params);
	object_set_int(o, SCHEDULER_RUNS, 0);
	object_set_from_param(o, SCHEDULER_TYPE, req, "type");
	object_set_from_param(o, SCHEDULER_INTERVAL, req, "interval");
	object_set_from_param(o, SCHEDULER_REPEAT_COUNT, req, "repeatCount");
	object_set_from_param(o, SCHEDULER_CRON, req, "cron");
	scheduler_set_start(o, start * NS_PER_S, txn_now(t));
	r = scheduler_plan(txn_view(t), o, txn_now(t), e);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	return object_create(t, o, req, ret_result, e);
}

/* ---------------------------------------------------------------- changing */

/* What a job and a trigger make follows them, see schedule/linked.h. */
static int scheduler_change_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *o = request_object(view, req);

	if (!o || object_is_null(o, SCHEDULER_OF_JOB))
		return 0;
	return error_set(
		e, EBUSY,
		"scheduler '%s' is that of scheduler job '%s' and trigger '%s', change these instead",
		req->target, object_text(o, SCHEDULER_OF_JOB), object_text(o, SCHEDULER_OF_TRIGGER));
}

static int scheduler_update_check(const struct view *view, const struct request *req, struct error *e)
{
	if (!request_has(req, "snapshotMaxNumber") ||
	    object_str_is(request_object(view, req), SCHEDULER_JOB_CLASS, take_snapshot.job_class))
		return 0;
	return error_set(e, EINVAL, "scheduler '%s' takes no snapshots, it cannot have snapshotMaxNumber",
			 req->target);
}

static int scheduler_change_state_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *event = request_str(req, "stateEvent");
	const char *state = object_text(request_object(view, req), SCHEDULER_STATE);

	/* Completed and Suspended ones can be disabled, and go on by themselves when they can. */
	if ((strcmp(event, "enable") == 0) != (strcmp(state, STATE_DISABLED) == 0))
		return error_set(e, EBUSY, "can not %s a %s scheduler", event, state);
	return 0;
}

/* Runs missed while the scheduler was disabled are not made up for. */
static int scheduler_change_state_apply(struct txn *t, const struct request *req, json_t **ret_result,
					struct error *e)
{
	struct object *o;
	int r = txn_edit(t, KIND_SCHEDULER, req->target, &o, e);

	(void)ret_result;
	if (r < 0)
		return r;
	r = scheduler_set_enabled(txn_view(t), o, strcmp(request_str(req, "stateEvent"), "enable") == 0,
				  txn_now(t), e);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	return txn_put(t, o, NULL, e);
}

static int scheduler_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				  struct error *e)
{
	const struct object *o = view_get(txn_view(t), KIND_SCHEDULER, req->target);

	(void)ret_result;
	return o ? scheduler_remove(t, o, e) : 0;
}

static const struct operation create_start_vm_instance_scheduler = {
	.section = "4.1.40",
	.name = "CreateStartVmInstanceScheduler",
	.message = "org.zstack.header.scheduler.APICreateStartVmInstanceSchedulerMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/vm-instances/{vmUuid}/schedulers/starting", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("vmUuid", KIND_VM),
			{.name = "clusterUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_MAYBE,
			 .resource = KIND_CLUSTER},
			{.name = "hostUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_MAYBE,
			 .resource = KIND_HOST},
			{.name = "schedulerName",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED},
			{.name = "schedulerDescription",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_LINES},
			{.name = "type", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{.name = "interval", .type = PARAM_INT, .in = IN_BODY},
			{.name = "repeatCount", .type = PARAM_INT, .in = IN_BODY},
			{.name = "startTime", .type = PARAM_LONG, .in = IN_BODY},
			{.name = "cron", .type = PARAM_STRING, .in = IN_BODY},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmUuid",
	.verb = "create-start-scheduler",
	.help = "starts the VM at given times",
	.data = &start_vm,
	.allows = scheduler_create_allows,
	.check = scheduler_create_check,
	.apply = scheduler_create_apply,
};

static const struct operation create_stop_vm_instance_scheduler = {
	.section = "4.1.41",
	.name = "CreateStopVmInstanceScheduler",
	.message = "org.zstack.header.scheduler.APICreateStopVmInstanceSchedulerMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/vm-instances/{vmUuid}/schedulers/stopping", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("vmUuid", KIND_VM),
			{.name = "schedulerName",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED},
			{.name = "schedulerDescription",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_LINES},
			{.name = "type", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{.name = "interval", .type = PARAM_INT, .in = IN_BODY},
			{.name = "repeatCount", .type = PARAM_INT, .in = IN_BODY},
			{.name = "startTime", .type = PARAM_LONG, .in = IN_BODY},
			{.name = "cron", .type = PARAM_STRING, .in = IN_BODY},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmUuid",
	.verb = "create-stop-scheduler",
	.help = "stops the VM at given times",
	.data = &stop_vm,
	.allows = scheduler_create_allows,
	.check = scheduler_create_check,
	.apply = scheduler_create_apply,
};

static const struct operation create_reboot_vm_instance_scheduler = {
	.section = "4.1.42",
	.name = "CreateRebootVmInstanceScheduler",
	.message = "org.zstack.header.scheduler.APICreateRebootVmInstanceSchedulerMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/vm-instances/{vmUuid}/schedulers/rebooting", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("vmUuid", KIND_VM),
			{.name = "schedulerName",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED},
			{.name = "schedulerDescription",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_LINES},
			{.name = "type", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{.name = "interval", .type = PARAM_INT, .in = IN_BODY},
			{.name = "repeatCount", .type = PARAM_INT, .in = IN_BODY},
			{.name = "startTime", .type = PARAM_LONG, .in = IN_BODY},
			{.name = "cron", .type = PARAM_STRING, .in = IN_BODY},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmUuid",
	.verb = "create-reboot-scheduler",
	.help = "reboots the VM at given times",
	.data = &reboot_vm,
	.allows = scheduler_create_allows,
	.check = scheduler_create_check,
	.apply = scheduler_create_apply,
};

static const struct operation query_scheduler = {
	.section = "3.9",
	.name = "QueryScheduler",
	.message = "org.zstack.header.core.scheduler.APIQuerySchedulerMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/schedulers", "/schedulers/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SCHEDULER,
	.flags = OP_SYNC,
	.help = "lists schedulers",
};

static const struct operation update_scheduler = {
	.section = "3.9",
	.name = "UpdateScheduler",
	.message = "org.zstack.header.core.scheduler.APIUpdateSchedulerMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/schedulers/{uuid}/actions", NULL},
	.key = "updateScheduler",
	.params =
		(const struct param[]){
			P_UUID(KIND_SCHEDULER),
			{.name = "schedulerName", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "schedulerDescription",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_LINES,
			 .max_length = 2048},
			{.name = "snapshotMaxNumber",
			 .type = PARAM_INT,
			 .in = IN_BODY,
			 .min = 0,
			 .max = 1000000},
			{0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the scheduler's name, description or maximum number of snapshots",
	.allows = scheduler_change_allows,
	.check = scheduler_update_check,
	.apply = object_update_apply,
};

static const struct operation change_scheduler_state = {
	.section = "3.9",
	.name = "ChangeSchedulerState",
	.message = "org.zstack.header.core.scheduler.APIChangeSchedulerStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/schedulers/{uuid}", "/schedulers/{uuid}/actions", NULL},
	.key = "changeSchedulerState",
	.params = (const struct param[]){P_UUID(KIND_SCHEDULER), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the scheduler",
	.allows = scheduler_change_allows,
	.check = scheduler_change_state_check,
	.apply = scheduler_change_state_apply,
};

static const struct operation delete_scheduler = {
	.section = "3.9",
	.name = "DeleteScheduler",
	.message = "org.zstack.header.core.scheduler.APIDeleteSchedulerMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/schedulers/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_SCHEDULER), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_SCHEDULER,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the scheduler, but not the jobs it has started",
	.apply = scheduler_delete_apply,
};

static const struct operation create_volume_snapshot_scheduler = {
	.section = "4.2.26",
	.name = "CreateVolumeSnapshotScheduler",
	.message = "org.zstack.header.scheduler.APICreateVolumeSnapshotSchedulerMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/volumes/{volumeUuid}/schedulers/creating-volume-snapshots", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("volumeUuid", KIND_VOLUME),
			{.name = "snapShotName",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED},
			{.name = "volumeSnapshotDescription",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_LINES},
			{.name = "schedulerName",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED},
			{.name = "schedulerDescription",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_LINES},
			{.name = "type", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{.name = "interval", .type = PARAM_INT, .in = IN_BODY},
			{.name = "repeatCount", .type = PARAM_INT, .in = IN_BODY},
			{.name = "startTime", .type = PARAM_LONG, .in = IN_BODY},
			{.name = "cron", .type = PARAM_STRING, .in = IN_BODY},
			P_RESOURCE_UUID,
			{.name = "snapshotMaxNumber",
			 .type = PARAM_INT,
			 .in = IN_BODY,
			 .min = 0,
			 .max = 1000000},
			{0}},
	.results = (const char *const[]){"inventory:SchedulerInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "volumeUuid",
	.verb = "create-snapshot-scheduler",
	.help = "takes snapshots at given times and keeps the last snapshotMaxNumber of them",
	.data = &take_snapshot,
	.allows = scheduler_create_allows,
	.check = scheduler_create_check,
	.apply = scheduler_create_apply,
};

const struct operation *const operations_scheduler[] = {
	&query_scheduler,
	&update_scheduler,
	&change_scheduler_state,
	&delete_scheduler,
	&create_start_vm_instance_scheduler,
	&create_stop_vm_instance_scheduler,
	&create_reboot_vm_instance_scheduler,
	&create_volume_snapshot_scheduler,
	NULL,
};
