/* SPDX-License-Identifier: Apache-2.0 */
/* See scheduler.h: the operations on schedulers, and what becomes of those that are due. */
#include "actions/scheduler.h"

#include <string.h>

#include "actions/executor.h"
#include "actions/handlers.h"
#include "actions/job.h"
#include "actions/object_ops.h"
#include "actions/schedule.h"

#define NS_PER_S INT64_C(1000000000)
/* MySQL's last timestamp, which clients know as the end of time. */
#define TIMESTAMP_MAX INT64_C(2147454847)

/* What each creation makes: the class of its job, the operation that it runs, and which parameters go with
 * it. */
static const struct task {
	const char *creation, *job_class, *operation;
	struct {
		const char *from, *to;
	} params[2];
} tasks[] = {
	{"CreateStartVmInstanceScheduler",
	 "StartVmInstanceJob",
	 "StartVmInstance",
	 {{"clusterUuid", "clusterUuid"}, {"hostUuid", "hostUuid"}}},
	{"CreateStopVmInstanceScheduler", "StopVmInstanceJob", "StopVmInstance", {{0}}},
	{"CreateRebootVmInstanceScheduler", "RebootVmInstanceJob", "RebootVmInstance", {{0}}},
	{"CreateVolumeSnapshotScheduler",
	 "CreateVolumeSnapshotJob",
	 "CreateVolumeSnapshot",
	 {{"snapShotName", "name"}, {"volumeSnapshotDescription", "description"}}},
};

static const struct task *task_of_creation(const struct operation *op)
{
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		if (strcmp(tasks[i].creation, op->name) == 0)
			return &tasks[i];
	return NULL;
}

static const struct task *task_of(const struct object *scheduler)
{
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		if (object_str_is(scheduler, SCHEDULER_JOB_CLASS, tasks[i].job_class))
			return &tasks[i];
	return NULL;
}

static int64_t moment(const struct object *o, int field)
{
	return object_is_null(o, field) ? NEVER : object_int(o, field);
}

static void set_moment(struct object *o, int field, int64_t ns)
{
	if (ns == NEVER)
		object_set_null(o, field);
	else
		object_set_int(o, field, ns);
}

/* ---------------------------------------------------------------- creating */

static int check_simple(const struct request *req, struct error *e)
{
	bool forever = !request_has(req, "repeatCount");
	int64_t count = request_int(req, "repeatCount", 0), interval = request_int(req, "interval", 0);
	int64_t start = request_int(req, "startTime", 0);

	if (!forever && count < 1)
		return error_set(e, EINVAL, "repeatCount must be positive integer");
	if (!request_has(req, "interval") && count != 1)
		return error_set(e, EINVAL, "interval must be set when use simple scheduler when repeat %s",
				 forever ? "forever" : "more than once");
	if (request_has(req, "interval") && interval <= 0)
		return error_set(e, EINVAL, "interval must be positive integer");
	if (!request_has(req, "startTime"))
		return error_set(e, EINVAL, "startTime must be set when use simple scheduler");
	if (start < 0)
		return error_set(e, EINVAL, "startTime must be positive integer or 0");
	if (start > TIMESTAMP_MAX)
		return error_set(e, EINVAL, "startTime out of range");
	if (count > 1 && count * interval > INT32_MAX)
		return error_set(e, EINVAL, "duration time out of range");
	if (count > 1 && (start ? start : store_now() / NS_PER_S) + count * interval > TIMESTAMP_MAX)
		return error_set(e, EINVAL, "stopTime out of mysql timestamp range");
	return 0;
}

static int check_cron(const struct request *req, struct error *e)
{
	struct cron cron;
	int r = cron_parse(request_str(req, "cron"), &cron, e);

	if (r < 0)
		return r;
	if (request_has(req, "interval") || request_has(req, "repeatCount") || request_has(req, "startTime"))
		return error_set(e, EINVAL, "cron scheduler only need to specify cron task");
	return 0;
}

static int check_target(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *target = request_object(view, req);

	if (req->op->kind == KIND_VM && object_str_is(target, VM_STATE, vm_state_name(VM_STATE_DESTROYED)))
		return error_set(e, EBUSY,
				 "vm[uuid:%s] can only create scheduler when state is not Destroyed",
				 req->target);
	if (req->op->kind == KIND_VOLUME && object_str_is(target, VOLUME_STATUS, "Deleted"))
		return error_set(e, EBUSY,
				 "the volume[uuid:%s] is in status of deleted, cannot do the operation",
				 req->target);
	return 0;
}

int scheduler_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "type");
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (strcmp(type, "simple") == 0)
		r = check_simple(req, e);
	else if (strcmp(type, "cron") == 0)
		r = check_cron(req, e);
	else
		r = error_set(e, EINVAL,
			      "valid value for field[type] of message[%s] are [simple, cron], but %s found",
			      req->op->message, type);
	return r < 0 ? r : check_target(view, req, e);
}

/* The parameters of the runs, as JSON text; allocated, NULL without memory. */
static char *task_params(const struct task *task, const struct request *req)
{
	json_t *params = json_object();
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(task->params) && task->params[i].from; i++) {
		json_t *value = json_object_get(req->params, task->params[i].from);

		if (value && json_object_set(params, task->params[i].to, value) < 0) {
			json_decref(params);
			return NULL;
		}
	}
	text = params ? json_dumps(params, JSON_COMPACT) : NULL;
	json_decref(params);
	return text;
}

static int set_times(struct object *o, const struct request *req, int64_t now, struct error *e)
{
	int64_t start = request_int(req, "startTime", 0) * NS_PER_S;
	struct schedule s;
	int r;

	/* A whole second, so that all runs begin with one. */
	object_set_int(o, SCHEDULER_START_TIME, start ? start : now / NS_PER_S * NS_PER_S);
	r = schedule_of(o, &s, e);
	if (r < 0)
		return r;
	set_moment(o, SCHEDULER_STOP_TIME, schedule_stop_time(&s));
	/* "Now" has passed by a moment when the request arrives. */
	set_moment(o, SCHEDULER_NEXT_TIME,
		   !s.is_cron && schedule_due(&s, s.start, now) == DUE_NOW ? s.start
									   : schedule_next(&s, now));
	return 0;
}

int scheduler_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct task *task = task_of_creation(req->op);
	_cleanup_free_ char *params = task_params(task, req);
	struct object *o;
	int r = params ? object_from_request(txn_view(t), KIND_SCHEDULER, req, &o, e)
		       : error_set(e, ENOMEM, "out of memory");

	if (r < 0)
		return r;
	object_set_str(o, SCHEDULER_TARGET_UUID, req->target);
	object_set_str(o, SCHEDULER_JOB, task->job_class);
	object_set_str(o, SCHEDULER_JOB_CLASS, task->job_class);
	object_set_str(o, SCHEDULER_STATE, "Enabled");
	object_set_str(o, SCHEDULER_PARAMETERS, params);
	object_set_int(o, SCHEDULER_RUNS, 0);
	object_set_from_param(o, SCHEDULER_TYPE, req, "type");
	object_set_from_param(o, SCHEDULER_INTERVAL, req, "interval");
	object_set_from_param(o, SCHEDULER_REPEAT_COUNT, req, "repeatCount");
	object_set_from_param(o, SCHEDULER_CRON, req, "cron");
	r = set_times(o, req, txn_now(t), e);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	return object_create(t, o, req, ret_result, e);
}

/* ---------------------------------------------------------------- changing */

int scheduler_update_check(const struct view *view, const struct request *req, struct error *e)
{
	if (!request_has(req, "snapshotMaxNumber") ||
	    object_str_is(request_object(view, req), SCHEDULER_JOB_CLASS, "CreateVolumeSnapshotJob"))
		return 0;
	return error_set(e, EINVAL, "scheduler '%s' takes no snapshots, it cannot have snapshotMaxNumber",
			 req->target);
}

int scheduler_change_state_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *event = request_str(req, "stateEvent");
	const char *wanted = strcmp(event, "enable") == 0 ? "Enabled" : "Disabled";

	if (object_str_is(request_object(view, req), SCHEDULER_STATE, wanted))
		return error_set(e, EBUSY, "can not %s a %s scheduler", event, wanted);
	return 0;
}

/* What passed while it was disabled is over. */
int scheduler_change_state_apply(struct txn *t, const struct request *req, json_t **ret_result,
				 struct error *e)
{
	bool enable = strcmp(request_str(req, "stateEvent"), "enable") == 0;
	struct object *o = object_copy(request_object(txn_view(t), req));
	struct schedule s;
	int r;

	if (!o)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(o, SCHEDULER_STATE, enable ? "Enabled" : "Disabled");
	r = schedule_of(o, &s, e);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	set_moment(o, SCHEDULER_NEXT_TIME,
		   enable ? schedule_replan(&s, NEVER, moment(o, SCHEDULER_LAST_TIME), txn_now(t)) : NEVER);
	r = txn_put(t, o, NULL, e);
	return r < 0 ? r : result_inventory(txn_view(t), KIND_SCHEDULER, req->target, ret_result, e);
}

int scheduler_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object_key key = {KIND_SCHEDULER, req->target};
	int r = object_clear_where(t, KIND_SNAPSHOT, SNAPSHOT_SCHEDULER_UUID, req->target, e);

	(void)ret_result;
	return r < 0 ? r : object_remove_key(t, &key, e);
}

/* ----------------------------------------------------------------- running */

bool scheduler_rests(const struct view *view, const struct object *scheduler)
{
	const char *target = object_str(scheduler, SCHEDULER_TARGET_UUID);
	const struct object *vm = view_get(view, KIND_VM, target),
			    *volume = view_get(view, KIND_VOLUME, target);

	if (volume && object_str_is(volume, VOLUME_STATUS, "Deleted"))
		return true;
	if (volume && object_str(volume, VOLUME_VM_UUID))
		vm = view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID));
	if (!vm)
		return !volume;
	return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN)) ||
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYING)) ||
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED)) ||
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_EXPUNGING));
}

/* Writes the job of a run. */
static int submit_run(struct txn *t, const struct object *scheduler, struct error *e)
{
	const struct task *task = task_of(scheduler);
	const struct operation *op = task ? operation_by_name(task->operation) : NULL;
	json_t *params = json_loads(object_text(scheduler, SCHEDULER_PARAMETERS), 0, NULL);
	struct actor actor = {.source = "scheduler"};
	_cleanup_(request_free_p) struct request *req = NULL;
	int r;

	snprintf(actor.account, sizeof(actor.account), "%s", object_text(scheduler, SCHEDULER_ACCOUNT_UUID));
	snprintf(actor.scheduler, sizeof(actor.scheduler), "%s", object_uuid(scheduler));
	r = op && params
		    ? request_new(op, object_str(scheduler, SCHEDULER_TARGET_UUID), params, &actor, &req, e)
		    : error_set(e, EPROTO, "its row in the database has no job or no parameters");
	json_decref(params);
	return r < 0 ? r : job_submit(t, req, e);
}

static void complain(const struct object *scheduler, const struct error *why)
{
	fprintf(stderr, "poolfs: scheduler '%s': %s\n", object_name(scheduler), error_sentence(why));
}

/* Is the snapshot's deletion on its way? */
static bool is_being_deleted(const struct view *view, const char *snapshot)
{
	view_for_each_where (job, view, KIND_JOB, JOB_RESOURCE_UUID, snapshot)
		if (object_str_is(job, JOB_OPERATION, "DeleteVolumeSnapshot") &&
		    !job_state_is_final(object_str(job, JOB_STATE)))
			return true;
	return false;
}

static int submit_drop(struct txn *t, const struct object *scheduler, const char *snapshot, struct error *e)
{
	struct actor actor = {.source = "scheduler"};
	json_t *params = json_pack("{s:s}", "scope", "single");
	_cleanup_(request_free_p) struct request *req = NULL;
	int r;

	snprintf(actor.account, sizeof(actor.account), "%s", object_text(scheduler, SCHEDULER_ACCOUNT_UUID));
	snprintf(actor.scheduler, sizeof(actor.scheduler), "%s", object_uuid(scheduler));
	r = params ? request_new(operation_by_name("DeleteVolumeSnapshot"), snapshot, params, &actor, &req, e)
		   : error_set(e, ENOMEM, "out of memory");
	json_decref(params);
	return r < 0 ? r : job_submit(t, req, e);
}

/* Rows are numbered as they are made, so the oldest come first. */
static int drop_fn(struct txn *t, void *arg, struct error *e)
{
	_cleanup_object_ const struct object *scheduler =
		object_ref(view_get(txn_view(t), KIND_SCHEDULER, arg));
	int64_t most = scheduler ? object_int(scheduler, SCHEDULER_SNAPSHOT_MAX_NUMBER) : 0, have = 0,
		after = 0;
	const struct object *o;
	int r = 0;

	if (most <= 0)
		return 0;
	view_for_each_where (s, txn_view(t), KIND_SNAPSHOT, SNAPSHOT_SCHEDULER_UUID, arg)
		have += !is_being_deleted(txn_view(t), object_uuid(s));
	while (r == 0 && have > most &&
	       (o = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_SCHEDULER_UUID, arg, after))) {
		char uuid[UUID_SIZE];

		after = o->id;
		snprintf(uuid, sizeof(uuid), "%s", object_uuid(o));
		if (is_being_deleted(txn_view(t), uuid))
			continue;
		r = submit_drop(t, scheduler, uuid, e);
		have--;
	}
	return r;
}

void scheduler_drop_snapshots(struct pool *pool, const char *uuid)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;

	/* when this fails, the next snapshot tries again */
	if (uuid && store_run(pool_store(pool), drop_fn, (void *)(uintptr_t)uuid, &why) < 0)
		fprintf(stderr, "poolfs: scheduler '%s': %s\n", uuid, error_sentence(&why));
}

/* One scheduler at @now: runs it when it is due, and plans its next moment. */
static int scheduler_step(struct txn *t, const struct object *before, int64_t now, bool replan,
			  struct error *e)
{
	int64_t planned = moment(before, SCHEDULER_NEXT_TIME), next = NEVER;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	bool runs = false;
	struct schedule s;
	struct object *o;

	/* One that cannot run must not keep the others from it. */
	if (schedule_of(before, &s, &why) < 0) {
		complain(before, &why);
	} else if (planned != NEVER && planned <= now) {
		next = schedule_next(&s, now);
		runs = schedule_due(&s, planned, now) == DUE_NOW && !scheduler_rests(txn_view(t), before);
		if (runs && submit_run(t, before, &why) < 0)
			complain(before, &why);
	} else {
		next = replan ? schedule_replan(&s, planned, moment(before, SCHEDULER_LAST_TIME), now)
			      : planned;
	}
	if (next == planned)
		return 0;
	o = object_copy(before);
	if (!o)
		return error_set(e, ENOMEM, "out of memory");
	set_moment(o, SCHEDULER_NEXT_TIME, next);
	if (runs) {
		object_set_int(o, SCHEDULER_LAST_TIME, now);
		object_set_int(o, SCHEDULER_RUNS, object_int(before, SCHEDULER_RUNS) + 1);
	}
	return txn_put(t, o, NULL, e);
}

struct round {
	int64_t now, next;
	bool replan;
};

static bool is_concerned(const struct object *scheduler, const struct round *round)
{
	int64_t planned = moment(scheduler, SCHEDULER_NEXT_TIME);

	return object_str_is(scheduler, SCHEDULER_STATE, "Enabled") &&
	       (round->replan || (planned != NEVER && planned <= round->now));
}

static int round_fn(struct txn *t, void *arg, struct error *e)
{
	struct round *round = arg;
	int64_t after = 0;
	int r = 0;

	while (r == 0) {
		const struct object *o = view_next(txn_view(t), KIND_SCHEDULER, after);

		if (!o)
			break;
		after = o->id;
		if (is_concerned(o, round))
			r = scheduler_step(t, o, round->now, round->replan, e);
	}
	return r;
}

/* The first moment of all; *ret_due: somebody is concerned by this round. */
static int64_t first_moment(const struct view *view, const struct round *round, bool *ret_due)
{
	int64_t first = NEVER;

	view_for_each (o, view, KIND_SCHEDULER) {
		int64_t planned = moment(o, SCHEDULER_NEXT_TIME);

		*ret_due = *ret_due || is_concerned(o, round);
		if (object_str_is(o, SCHEDULER_STATE, "Enabled") && planned != NEVER &&
		    (first == NEVER || planned < first))
			first = planned;
	}
	return first;
}

int schedulers_run(struct store *store, int64_t now, bool replan, int64_t *ret_next, struct error *e)
{
	struct round round = {.now = now, .replan = replan};
	struct view *view = store_view(store);
	bool due = false;
	int r = 0;

	*ret_next = first_moment(view, &round, &due);
	view_unref(view);
	if (!due)
		return 0;
	r = store_run(store, round_fn, &round, e);
	if (r < 0)
		return r;
	view = store_view(store);
	*ret_next = first_moment(view, &round, &due);
	view_unref(view);
	return 0;
}
