/* SPDX-License-Identifier: Apache-2.0 */
/* See linked.h. */
#include "actions/schedule/linked.h"

#include "actions/schedule/scheduler.h"
#include "model/json.h"
#include "model/states.h"

static void copy_int(struct object *to, int field, const struct object *from, int from_field)
{
	if (object_is_null(from, from_field))
		object_set_null(to, field);
	else
		object_set_int(to, field, object_int(from, from_field));
}

/* ------------------------------------------------------------- what it repeats */

static int take_job(struct object *o, const struct object *job, struct error *e)
{
	_cleanup_json_ json_t *data = json_loads(object_text(job, SCHED_JOB_DATA), 0, NULL), *params = NULL;
	const json_t *most = json_object_get(data, "snapshotMaxNumber");
	_cleanup_free_ char *text = NULL;

	params = object_str_is(job, SCHED_JOB_TYPE, "volumeSnapshot")
			 ? json_pack("{s:s}", "name", object_name(job))
			 : json_object();
	text = params ? json_text(params, JSON_COMPACT) : NULL;
	if (!text)
		return error_oom(e);
	object_set_str(o, SCHEDULER_TARGET_UUID, object_str(job, SCHED_JOB_TARGET_UUID));
	object_set_str(o, SCHEDULER_NAME, object_name(job));
	object_set_str(o, SCHEDULER_DESCRIPTION, object_str(job, SCHED_JOB_DESCRIPTION));
	object_set_str(o, SCHEDULER_JOB, object_str(job, SCHED_JOB_CLASS));
	object_set_str(o, SCHEDULER_JOB_CLASS, object_str(job, SCHED_JOB_CLASS));
	object_set_str(o, SCHEDULER_PARAMETERS, text);
	if (most)
		object_set_int(o, SCHEDULER_SNAPSHOT_MAX_NUMBER, json_integer_value(most));
	else
		object_set_null(o, SCHEDULER_SNAPSHOT_MAX_NUMBER);
	return 0;
}

static void take_trigger(struct object *o, const struct object *trigger)
{
	object_set_str(o, SCHEDULER_TYPE, object_str(trigger, TRIGGER_TYPE));
	object_set_str(o, SCHEDULER_CRON, object_str(trigger, TRIGGER_CRON));
	copy_int(o, SCHEDULER_INTERVAL, trigger, TRIGGER_INTERVAL);
	copy_int(o, SCHEDULER_REPEAT_COUNT, trigger, TRIGGER_REPEAT_COUNT);
	if (!object_int(trigger, TRIGGER_REPEAT_COUNT))
		object_set_null(o, SCHEDULER_REPEAT_COUNT); /* for ever */
	/* Without a start of its own the scheduler has started when it was made. */
	if (!object_is_null(trigger, TRIGGER_START_TIME))
		object_set_int(o, SCHEDULER_START_TIME, object_int(trigger, TRIGGER_START_TIME));
}

/* -------------------------------------------------------------------- changing */

int linked_create(struct txn *t, const struct object *job, const struct object *trigger,
		  const struct object **ret, struct error *e)
{
	struct object *o = object_new(kind_get(KIND_SCHEDULER));
	bool enabled = object_str_is(job, SCHED_JOB_STATE, STATE_ENABLED);
	char uuid[UUID_SIZE];
	int r;

	if (!o)
		return error_oom(e);
	uuid_make(uuid);
	object_set_str(o, FIELD_UUID, uuid);
	object_set_str(o, SCHEDULER_OF_JOB, object_uuid(job));
	object_set_str(o, SCHEDULER_OF_TRIGGER, object_uuid(trigger));
	object_set_str(o, SCHEDULER_ACCOUNT_UUID, object_str(job, SCHED_JOB_ACCOUNT_UUID));
	object_set_int(o, SCHEDULER_RUNS, 0);
	object_set_str(o, SCHEDULER_STATE, enabled ? NULL : STATE_DISABLED);
	scheduler_set_start(o, 0, txn_now(t));
	take_trigger(o, trigger);
	r = take_job(o, job, e);
	if (r == 0)
		r = scheduler_plan(txn_view(t), o, txn_now(t), e);
	if (r < 0) {
		object_unref(o);
		return r;
	}
	return txn_put(t, o, ret, e);
}

/* Changes a scheduler after its job. */
static int follow_job(struct txn *t, const struct object *o, const struct object *job, struct error *e)
{
	bool enable = object_str_is(job, SCHED_JOB_STATE, STATE_ENABLED);
	struct object *copy = object_copy(o);
	int r;

	if (!copy)
		return error_oom(e);
	r = take_job(copy, job, e);
	if (r == 0 && object_str_is(o, SCHEDULER_STATE, STATE_DISABLED) == enable)
		r = scheduler_set_enabled(txn_view(t), copy, enable, txn_now(t), e);
	if (r < 0) {
		object_unref(copy);
		return r;
	}
	return txn_put(t, copy, NULL, e);
}

/* Changes a scheduler after its trigger. */
static int follow_trigger(struct txn *t, const struct object *o, const struct object *trigger,
			  struct error *e)
{
	struct object *copy = object_copy(o);
	int r;

	if (!copy)
		return error_oom(e);
	take_trigger(copy, trigger);
	if (object_equal(copy, o)) {
		object_unref(copy);
		return 0;
	}
	r = scheduler_plan(txn_view(t), copy, txn_now(t), e);
	if (r < 0) {
		object_unref(copy);
		return r;
	}
	return txn_put(t, copy, NULL, e);
}

int linked_follow_job(struct txn *t, const char *uuid, struct error *e)
{
	_cleanup_object_ const struct object *job =
		object_ref(view_get(txn_view(t), KIND_SCHEDULER_JOB, uuid));
	const struct object *o;
	int64_t after = 0;
	int r = 0;

	while (job && r == 0 &&
	       (o = view_next_where(txn_view(t), KIND_SCHEDULER, SCHEDULER_OF_JOB, uuid, after))) {
		after = o->id;
		r = follow_job(t, o, job, e);
	}
	return r;
}

int linked_follow_trigger(struct txn *t, const char *uuid, struct error *e)
{
	_cleanup_object_ const struct object *trigger =
		object_ref(view_get(txn_view(t), KIND_SCHEDULER_TRIGGER, uuid));
	const struct object *o;
	int64_t after = 0;
	int r = 0;

	while (trigger && r == 0 &&
	       (o = view_next_where(txn_view(t), KIND_SCHEDULER, SCHEDULER_OF_TRIGGER, uuid, after))) {
		after = o->id;
		r = follow_trigger(t, o, trigger, e);
	}
	return r;
}

int linked_remove(struct txn *t, int field, const char *uuid, struct error *e)
{
	const struct object *o;
	int r = 0;

	while (r == 0 && (o = view_next_where(txn_view(t), KIND_SCHEDULER, field, uuid, 0)))
		r = scheduler_remove(t, o, e);
	return r;
}
