/* SPDX-License-Identifier: Apache-2.0 */
/* Runs schedulers. See scheduler.h. */
#include "actions/schedule/scheduler.h"

#include <string.h>

#include "actions/engine/operation.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/schedule/schedule.h"
#include "model/json.h"
#include "model/log.h"
#include "model/states.h"

/*
 * The operation that the scheduler runs; its `jobClass` is the name of the operation and "Job". NULL when
 * unknown.
 */
static const struct operation *operation_of(const struct object *scheduler)
{
	const char *job_class = object_text(scheduler, SCHEDULER_JOB_CLASS);
	const char *end = strstr(job_class, "Job");
	_cleanup_free_ char *name = end ? strndup(job_class, (size_t)(end - job_class)) : NULL;

	return name ? operation_by_name(name) : NULL;
}

/* A time in a scheduler's row, ns since 1970; NEVER when it is null. */
static int64_t scheduler_moment(const struct object *o, int field)
{
	return object_is_null(o, field) ? NEVER : object_int(o, field);
}

static void scheduler_set_moment(struct object *o, int field, int64_t ns)
{
	if (ns == NEVER)
		object_set_null(o, field);
	else
		object_set_int(o, field, ns);
}

/* ----------------------------------------------------------------- running */

/* True while the state of the VM or volume forbids runs. */
static bool is_suspended(const struct view *view, const struct object *scheduler)
{
	const char *target = object_str(scheduler, SCHEDULER_TARGET_UUID);
	const struct object *vm = view_get(view, KIND_VM, target),
			    *volume = view_get(view, KIND_VOLUME, target);

	if (volume && object_str_is(volume, VOLUME_STATUS, STATUS_DELETED))
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

/*
 * The state of a scheduler that nobody has disabled, whose next run is at @next: Suspended while the state of its
 * VM or volume forbids runs, Completed without a next run, else Enabled.
 */
static const char *scheduler_state(const struct view *view, const struct object *scheduler, int64_t next)
{
	if (is_suspended(view, scheduler))
		return STATE_SUSPENDED;
	return next == NEVER ? STATE_COMPLETED : STATE_ENABLED;
}

/* ---------------------------------------------------------------- planning */

void scheduler_set_start(struct object *o, int64_t start, int64_t now)
{
	object_set_int(o, SCHEDULER_START_TIME, start ? start : now / NS_PER_S * NS_PER_S);
}

int scheduler_plan(const struct view *view, struct object *o, int64_t now, struct error *e)
{
	int64_t last = scheduler_moment(o, SCHEDULER_LAST_TIME), next;
	struct schedule s;
	int r = schedule_of(o, &s, e);

	if (r < 0)
		return r;
	scheduler_set_moment(o, SCHEDULER_STOP_TIME, schedule_stop_time(&s));
	if (object_str_is(o, SCHEDULER_STATE, STATE_DISABLED))
		return 0;
	/* A startTime of "now" is already past when the request arrives, but the first run is still due. */
	if (last == NEVER && !s.is_cron && schedule_due(&s, s.start, now) == DUE_NOW)
		next = s.start;
	else
		next = schedule_replan(&s, NEVER, last, now);
	scheduler_set_moment(o, SCHEDULER_NEXT_TIME, next);
	object_set_str(o, SCHEDULER_STATE, scheduler_state(view, o, next));
	return 0;
}

int scheduler_set_enabled(const struct view *view, struct object *o, bool enable, int64_t now,
			  struct error *e)
{
	int64_t next = NEVER;
	struct schedule s;
	int r = schedule_of(o, &s, e);

	if (r < 0)
		return r;
	if (enable)
		next = schedule_replan(&s, NEVER, scheduler_moment(o, SCHEDULER_LAST_TIME), now);
	scheduler_set_moment(o, SCHEDULER_NEXT_TIME, next);
	object_set_str(o, SCHEDULER_STATE, enable ? scheduler_state(view, o, next) : STATE_DISABLED);
	return 0;
}

/* ----------------------------------------------------------------- the runs */

/* The author of the scheduler's jobs. */
static struct actor actor_of(const struct object *scheduler)
{
	struct actor actor = {.source = "scheduler"};

	snprintf(actor.account, sizeof(actor.account), "%s", object_text(scheduler, SCHEDULER_ACCOUNT_UUID));
	snprintf(actor.scheduler, sizeof(actor.scheduler), "%s", object_uuid(scheduler));
	return actor;
}

/* Writes the job of a run. */
static int submit_run(struct txn *t, const struct object *scheduler, struct error *e)
{
	const struct operation *op = operation_of(scheduler);
	_cleanup_json_ json_t *params = json_loads(object_text(scheduler, SCHEDULER_PARAMETERS), 0, NULL);
	struct actor actor = actor_of(scheduler);
	_cleanup_(request_free_p) struct request *req = NULL;
	int r;

	if (!op || !params)
		return error_set(e, EPROTO, "its database row has no valid job class or parameters");
	r = request_new(op, object_str(scheduler, SCHEDULER_TARGET_UUID), params, &actor, &req, e);
	return r < 0 ? r : job_submit(t, req, e);
}

int scheduler_run_now(struct txn *t, const struct object *given, struct error *e)
{
	_cleanup_object_ const struct object *o = object_ref(given);
	struct object *copy;
	int r;

	if (object_str_is(o, SCHEDULER_STATE, STATE_DISABLED) || is_suspended(txn_view(t), o))
		return 0;
	r = submit_run(t, o, e);
	if (r < 0)
		return r;
	copy = object_copy(o);
	object_set_int(copy, SCHEDULER_LAST_TIME, txn_now(t));
	object_set_int(copy, SCHEDULER_RUNS, object_int(o, SCHEDULER_RUNS) + 1);
	return txn_put(t, copy, NULL, e);
}

int scheduler_remove(struct txn *t, const struct object *scheduler, struct error *e)
{
	_cleanup_object_ const struct object *o = object_ref(scheduler);
	int r = object_clear_where(t, KIND_SNAPSHOT, SNAPSHOT_SCHEDULER_UUID, object_uuid(o), e);

	return r < 0 ? r : object_remove(t, o, e);
}

static void log_failure(const struct object *scheduler, const struct error *why)
{
	log_error("scheduler", object_uuid(scheduler), "'%s': %s", object_name(scheduler),
		  error_sentence(why));
}

/* True when a job that deletes the snapshot is waiting or running. */
static bool is_being_deleted(const struct view *view, const char *snapshot)
{
	view_for_each_where (job, view, KIND_JOB, JOB_RESOURCE_UUID, snapshot)
		if (object_str_is(job, JOB_OPERATION, "DeleteVolumeSnapshot") &&
		    !job_state_is_final(object_str(job, JOB_STATE)))
			return true;
	return false;
}

/* Writes the job that deletes one snapshot. */
static int submit_drop(struct txn *t, const struct object *scheduler, const char *snapshot, struct error *e)
{
	struct actor actor = actor_of(scheduler);
	_cleanup_json_ json_t *params = json_pack("{s:s}", "scope", "single");
	_cleanup_(request_free_p) struct request *req = NULL;
	int r;

	if (!params)
		return error_oom(e);
	r = request_new(operation_by_name("DeleteVolumeSnapshot"), snapshot, params, &actor, &req, e);
	return r < 0 ? r : job_submit(t, req, e);
}

/* Row ids ascend in order of creation, so the walk meets the oldest snapshots first. */
static int drop_fn(struct txn *t, void *arg, struct error *e)
{
	_cleanup_object_ const struct object *scheduler =
		object_ref(view_get(txn_view(t), KIND_SCHEDULER, arg));
	int64_t most = scheduler ? object_int(scheduler, SCHEDULER_SNAPSHOT_MAX_NUMBER) : 0, have = 0,
		after = 0;
	const struct object *o;

	if (most <= 0)
		return 0;
	view_for_each_where (s, txn_view(t), KIND_SNAPSHOT, SNAPSHOT_SCHEDULER_UUID, arg)
		have += !is_being_deleted(txn_view(t), object_uuid(s));
	while (have > most &&
	       (o = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_SCHEDULER_UUID, arg, after))) {
		char uuid[UUID_SIZE];
		int r;

		after = o->id;
		snprintf(uuid, sizeof(uuid), "%s", object_uuid(o));
		if (is_being_deleted(txn_view(t), uuid))
			continue;
		r = submit_drop(t, scheduler, uuid, e);
		if (r < 0)
			return r;
		have--;
	}
	return 0;
}

void scheduler_drop_snapshots(struct pool *pool, const char *uuid)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;

	/* When this fails, the next snapshot tries again. */
	if (uuid && store_run(pool_store(pool), drop_fn, (void *)(uintptr_t)uuid, &why) < 0)
		log_error("scheduler", uuid, "%s", error_sentence(&why));
}

/* Runs one scheduler if it is due at @now, and writes the time of its next run. */
static int scheduler_step(struct txn *t, const struct object *before, int64_t now, bool replan,
			  struct error *e)
{
	int64_t planned = scheduler_moment(before, SCHEDULER_NEXT_TIME), next = NEVER;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	bool runs = false;
	const char *state;
	struct schedule s;
	struct object *o;

	/* An error of one scheduler must not stop the others: it is only logged. */
	if (schedule_of(before, &s, &why) < 0) {
		log_failure(before, &why);
	} else if (planned != NEVER && planned <= now) {
		next = schedule_next(&s, now);
		runs = schedule_due(&s, planned, now) == DUE_NOW && !is_suspended(txn_view(t), before);
		if (runs && submit_run(t, before, &why) < 0)
			log_failure(before, &why);
	} else {
		next = replan || object_str_is(before, SCHEDULER_STATE, STATE_SUSPENDED)
			       ? schedule_replan(&s, planned, scheduler_moment(before, SCHEDULER_LAST_TIME),
						 now)
			       : planned;
	}
	state = scheduler_state(txn_view(t), before, next);
	if (next == planned && object_str_is(before, SCHEDULER_STATE, state))
		return 0;
	o = object_copy(before);
	object_set_str(o, SCHEDULER_STATE, state);
	scheduler_set_moment(o, SCHEDULER_NEXT_TIME, next);
	if (runs) {
		object_set_int(o, SCHEDULER_LAST_TIME, now);
		object_set_int(o, SCHEDULER_RUNS, object_int(before, SCHEDULER_RUNS) + 1);
	}
	return txn_put(t, o, NULL, e);
}

/* One pass over all schedulers. */
struct pass {
	int64_t now; /* ns since 1970 */
	bool replan;
};

/* True when the pass has to look at the scheduler. */
static bool is_concerned(const struct view *view, const struct object *scheduler, const struct pass *pass)
{
	int64_t planned = scheduler_moment(scheduler, SCHEDULER_NEXT_TIME);

	if (object_str_is(scheduler, SCHEDULER_STATE, STATE_DISABLED))
		return false;
	return pass->replan || (planned != NEVER && planned <= pass->now) ||
	       !object_str_is(scheduler, SCHEDULER_STATE, scheduler_state(view, scheduler, planned));
}

static int pass_fn(struct txn *t, void *arg, struct error *e)
{
	struct pass *pass = arg;

	for (int64_t after = 0;;) {
		const struct object *o = view_next(txn_view(t), KIND_SCHEDULER, after);
		int r;

		if (!o)
			return 0;
		after = o->id;
		if (!is_concerned(txn_view(t), o, pass))
			continue;
		r = scheduler_step(t, o, pass->now, pass->replan, e);
		if (r < 0)
			return r;
	}
}

/* The earliest next run. Sets *ret_due when the pass has to look at a scheduler. */
static int64_t first_moment(const struct view *view, const struct pass *pass, bool *ret_due)
{
	int64_t first = NEVER;

	view_for_each (o, view, KIND_SCHEDULER) {
		int64_t planned = scheduler_moment(o, SCHEDULER_NEXT_TIME);

		*ret_due = *ret_due || is_concerned(view, o, pass);
		if (!object_str_is(o, SCHEDULER_STATE, STATE_DISABLED) && planned != NEVER &&
		    (first == NEVER || planned < first))
			first = planned;
	}
	return first;
}

int schedulers_run(struct store *store, int64_t now, bool replan, int64_t *ret_next, struct error *e)
{
	struct pass pass = {.now = now, .replan = replan};
	struct view *view = store_view(store);
	bool due = false;
	int r;

	*ret_next = first_moment(view, &pass, &due);
	view_unref(view);
	if (!due)
		return 0;
	r = store_run(store, pass_fn, &pass, e);
	if (r < 0)
		return r;
	view = store_view(store);
	*ret_next = first_moment(view, &pass, &due);
	view_unref(view);
	return 0;
}
