/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduler jobs and triggers: what they make of each other, whom they belong to, and what goes with what. */
#include "tests/unit/pool_fixture.h"

#include <errno.h>

#include "actions/engine/access.h"
#include "actions/engine/rows.h"
#include "actions/schedule/linked.h"
#include "model/json.h"

#define ALICE  "a0000000000000000000000000000000"
#define BOB    "b0000000000000000000000000000000"
#define VM     "00000000000040008000000000000001"
#define VOLUME "00000000000040008000000000000002"

#define FAR 2000000000 /* a start that no test lives to see; seconds since 1970 */

static int put_owned(struct txn *t, enum kind_id kind, const char *uuid, const char *owner, struct error *e)
{
	struct object *o = make(kind, uuid);

	object_set_str(o, o->kind->owner_field, owner);
	if (kind == KIND_VM)
		object_set_str(o, VM_STATE, "Created");
	if (kind == KIND_VOLUME)
		object_set_str(o, VOLUME_STATUS, "Ready");
	return txn_put(t, o, NULL, e);
}

static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	static const struct {
		enum kind_id kind;
		const char *uuid, *owner;
	} rows[] = {
		{KIND_ACCOUNT, ALICE, ALICE},
		{KIND_ACCOUNT, BOB, BOB},
		{KIND_VM, VM, ALICE},
		{KIND_VOLUME, VOLUME, ALICE},
	};
	int r = 0;

	(void)arg;
	txn_set_fact(t);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(rows); i++)
		r = put_owned(t, rows[i].kind, rows[i].uuid, rows[i].owner, e);
	return r;
}

static int setup(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = pool_fixture_setup(state);
	struct pool_fixture *f = *state;

	if (r == 0 && store_run(pool_store(f->pool), fill_fn, NULL, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	return r;
}

/* Submits an operation as an account, NULL = the administrator, and waits for its end. Takes over @params. */
static int try_as(struct pool_fixture *f, const char *account, const char *operation, const char *uuid,
		  json_t *params, char ret_target[UUID_SIZE], struct error *e)
{
	struct actor actor = {.source = "fs"};
	struct request *req;
	char job[UUID_SIZE];
	int r;

	snprintf(actor.account, sizeof(actor.account), "%s", account ? account : "");
	r = request_new(operation_by_name(operation), uuid, params, &actor, &req, e);
	json_decref(params);
	if (r < 0)
		return r;
	if (ret_target)
		memcpy(ret_target, req->target, UUID_SIZE);
	r = pool_submit_wait(f->pool, req, job, e);
	return r < 0 ? r : job_end(f, job, e);
}

static void must_as(struct pool_fixture *f, const char *account, const char *operation, const char *uuid,
		    json_t *params, char ret_target[UUID_SIZE])
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (try_as(f, account, operation, uuid, params, ret_target, &e) < 0)
		fail_msg("%s: %s", operation, error_sentence(&e));
}

static void must_fail_as(struct pool_fixture *f, const char *account, const char *operation, const char *uuid,
			 json_t *params, int errnum, const char *text)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = try_as(f, account, operation, uuid, params, NULL, &e);

	if (r != -errnum || !strstr(error_sentence(&e), text))
		fail_msg("%s gives %d and says '%s', expected %d and '%s'", operation, r, error_sentence(&e),
			 -errnum, text);
}

static void create_job(struct pool_fixture *f, const char *account, const char *type, const char *target,
		       char ret[UUID_SIZE])
{
	must_as(f, account, "CreateSchedulerJob", NULL,
		json_pack("{s:s, s:s, s:s}", "name", "job", "type", type, "targetResourceUuid", target), ret);
}

static void create_trigger(struct pool_fixture *f, const char *account, char ret[UUID_SIZE])
{
	must_as(f, account, "CreateSchedulerTrigger", NULL,
		json_pack("{s:s, s:s, s:i, s:i}", "name", "hourly", "schedulerType", "simple", "startTime",
			  FAR, "schedulerInterval", 3600),
		ret);
}

static json_t *trigger_param(const char *uuid)
{
	return json_pack("{s:s}", "schedulerTriggerUuid", uuid);
}

/* The scheduler of the pair, NULL without one; owned by the caller. */
static const struct object *pair(struct pool_fixture *f, const char *job, const char *trigger)
{
	_cleanup_view_ struct view *view = view_now(f);

	return object_ref(
		link_find(view, KIND_SCHEDULER, SCHEDULER_OF_JOB, job, SCHEDULER_OF_TRIGGER, trigger));
}

static size_t count_all(struct pool_fixture *f, enum kind_id kind)
{
	_cleanup_view_ struct view *view = view_now(f);

	return view_count(view, kind);
}

/* ------------------------------------------------------------------- schedulers */

static void a_pair_is_a_scheduler_that_follows_both(void **state)
{
	struct pool_fixture *f = *state;
	char job[UUID_SIZE], trigger[UUID_SIZE];
	_cleanup_object_ const struct object *first = NULL, *second = NULL, *third = NULL, *fourth = NULL;

	must(f, "CreateSchedulerJob", NULL,
	     json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", "nightly", "type", "volumeSnapshot",
		       "targetResourceUuid", VOLUME, "parameters", "snapshotMaxNumber", "7"),
	     job);
	create_trigger(f, NULL, trigger);
	assert_int_equal(count_all(f, KIND_SCHEDULER), 0);
	must(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), NULL);
	first = pair(f, job, trigger);
	assert_non_null(first);
	assert_string_equal(object_str(first, SCHEDULER_TARGET_UUID), VOLUME);
	assert_string_equal(object_str(first, SCHEDULER_JOB_CLASS), "CreateVolumeSnapshotJob");
	assert_string_equal(object_str(first, SCHEDULER_PARAMETERS), "{\"name\":\"nightly\"}");
	assert_string_equal(object_str(first, SCHEDULER_STATE), "Enabled");
	assert_int_equal(object_int(first, SCHEDULER_SNAPSHOT_MAX_NUMBER), 7);
	assert_int_equal(object_int(first, SCHEDULER_NEXT_TIME), FAR * NS_PER_S);

	must(f, "UpdateSchedulerTrigger", trigger,
	     json_pack("{s:i, s:i}", "startTime", FAR + 60, "repeatCount", 3), NULL);
	must(f, "UpdateSchedulerJob", job,
	     json_pack("{s:s, s:{s:i}}", "name", "new", "parameters", "snapshotMaxNumber", 8), NULL);
	second = pair(f, job, trigger);
	assert_string_equal(object_name(second), "new");
	assert_string_equal(object_str(second, SCHEDULER_PARAMETERS), "{\"name\":\"new\"}");
	assert_int_equal(object_int(second, SCHEDULER_SNAPSHOT_MAX_NUMBER), 8);
	assert_int_equal(object_int(second, SCHEDULER_NEXT_TIME), (FAR + 60) * NS_PER_S);
	assert_int_equal(object_int(second, SCHEDULER_REPEAT_COUNT), 3);
	assert_int_equal(object_int(second, SCHEDULER_INTERVAL), 3600);

	must(f, "ChangeSchedulerJobState", job, json_pack("{s:s}", "stateEvent", "disable"), NULL);
	third = pair(f, job, trigger);
	assert_string_equal(object_str(third, SCHEDULER_STATE), "Disabled");
	assert_true(object_is_null(third, SCHEDULER_NEXT_TIME));
	must(f, "UpdateSchedulerTrigger", trigger,
	     json_pack("{s:s, s:s}", "schedulerType", "cron", "cron", "0 0 3 * * ?"), NULL);
	must(f, "ChangeSchedulerJobState", job, json_pack("{s:s}", "stateEvent", "enable"), NULL);
	fourth = pair(f, job, trigger);
	assert_string_equal(object_str(fourth, SCHEDULER_STATE), "Enabled");
	assert_string_equal(object_str(fourth, SCHEDULER_CRON), "0 0 3 * * ?");
	assert_true(object_is_null(fourth, SCHEDULER_INTERVAL));
	assert_true(object_int(fourth, SCHEDULER_NEXT_TIME) > 0);

	must_fail(f, "UpdateScheduler", object_uuid(fourth), json_pack("{s:s}", "schedulerName", "x"), EBUSY,
		  "change these instead");
	must_fail(f, "ChangeSchedulerState", object_uuid(fourth), json_pack("{s:s}", "stateEvent", "disable"),
		  EBUSY, "change these instead");
	must_fail(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), EEXIST, "twice");
	must(f, "RemoveSchedulerJobFromSchedulerTrigger", job, trigger_param(trigger), NULL);
	assert_int_equal(count_all(f, KIND_SCHEDULER), 0);
	must_fail(f, "RemoveSchedulerJobFromSchedulerTrigger", job, trigger_param(trigger), ENOENT,
		  "is not started by trigger");
}

/* A rename, and a zero that stands for nothing, leave the times as they are. */
static void times_stay_when_they_are_not_named(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ const struct object *before = NULL, *after = NULL;
	char job[UUID_SIZE], trigger[UUID_SIZE], daily[UUID_SIZE];

	create_job(f, NULL, "stopVm", VM, job);
	must(f, "CreateSchedulerTrigger", NULL,
	     json_pack("{s:s, s:s, s:i, s:i}", "name", "now", "schedulerType", "simple", "startTime", 0,
		       "schedulerInterval", 1000),
	     trigger);
	must(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), NULL);
	before = pair(f, job, trigger);
	must(f, "UpdateSchedulerTrigger", trigger,
	     json_pack("{s:s, s:i}", "name", "renamed", "repeatCount", 0), NULL);
	after = pair(f, job, trigger);
	assert_int_equal(object_int(after, SCHEDULER_START_TIME), object_int(before, SCHEDULER_START_TIME));
	assert_int_equal(object_int(after, SCHEDULER_INTERVAL), 1000);

	must(f, "CreateSchedulerTrigger", NULL,
	     json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "name", "daily", "schedulerType", "cron", "cron",
		       "0 0 3 * * ?", "repeatCount", 0, "schedulerInterval", 0, "startTime", 0),
	     daily);
	must(f, "UpdateSchedulerTrigger", daily,
	     json_pack("{s:s, s:i}", "description", "d", "repeatCount", 0), NULL);
	must_fail(f, "UpdateSchedulerTrigger", daily, json_pack("{s:i}", "schedulerInterval", 5), EINVAL,
		  "only need to specify cron task");
	must_fail(f, "UpdateSchedulerTrigger", daily, json_pack("{s:s}", "schedulerType", "simple"), EINVAL,
		  "interval must be set");
	must_fail(f, "UpdateSchedulerTrigger", trigger, json_pack("{s:s}", "cron", "0 0 3 * * ?"), EINVAL,
		  "cron is for triggers of the type cron");
}

static void what_makes_no_job_is_refused(void **state)
{
	struct pool_fixture *f = *state;
	static const struct {
		const char *type, *target, *parameter, *says;
		int errnum;
	} tried[] = {
		{"volumeBackup", VOLUME, NULL, "the pool makes no backups", EOPNOTSUPP},
		{"feedCat", VM, NULL, "is one of startVm, stopVm, rebootVm, volumeSnapshot", EINVAL},
		{"startVm", VOLUME, NULL, "acts on a VM", EINVAL},
		{"volumeSnapshot", VM, NULL, "acts on a volume", EINVAL},
		{"startVm", VM, "hostUuid", "has no parameter 'hostUuid'", EINVAL},
		{"volumeSnapshot", VOLUME, "retentionType", "but snapshotMaxNumber", EINVAL},
		{"volumeSnapshot", VOLUME, "snapshotMaxNumber", "from 0 to 1000000", EINVAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(tried); i++) {
		json_t *params = json_pack("{s:s, s:s, s:s}", "name", "n", "type", tried[i].type,
					   "targetResourceUuid", tried[i].target);

		if (tried[i].parameter)
			json_object_set_new(params, "parameters",
					    json_pack("{s:s}", tried[i].parameter, "many"));
		must_fail(f, "CreateSchedulerJob", NULL, params, tried[i].errnum, tried[i].says);
	}
	assert_int_equal(count_all(f, KIND_SCHEDULER_JOB), 0);
	must_fail(f, "CreateSchedulerTrigger", NULL,
		  json_pack("{s:s, s:s}", "name", "n", "schedulerType", "simple"), EINVAL,
		  "interval must be set");
	must_fail(
		f, "CreateSchedulerTrigger", NULL,
		json_pack("{s:s, s:s, s:i}", "name", "n", "schedulerType", "simple", "schedulerInterval", 5),
		EINVAL, "startTime must be set");
	must_fail(f, "CreateSchedulerTrigger", NULL,
		  json_pack("{s:s, s:s, s:s}", "name", "n", "schedulerType", "cron", "cron", "x"), EINVAL,
		  "cron task must follow format");
}

static int crowd_fn(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	txn_set_fact(t);
	for (unsigned i = 0; r >= 0 && i < LINKED_MAX; i++) {
		struct object *o = make(KIND_SCHEDULER, test_uuid(1000 + i));

		object_set_str(o, SCHEDULER_OF_JOB, test_uuid(9000 + i));
		object_set_str(o, SCHEDULER_OF_TRIGGER, arg);
		object_set_str(o, SCHEDULER_STATE, "Disabled");
		r = txn_put(t, o, NULL, e);
	}
	return r;
}

/* One change follows a trigger, so it has a limit, and removes them all. */
static void a_trigger_has_a_limit_of_jobs(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char job[UUID_SIZE], trigger[UUID_SIZE];

	create_job(f, NULL, "stopVm", VM, job);
	create_trigger(f, NULL, trigger);
	if (store_run(pool_store(f->pool), crowd_fn, trigger, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	must_fail(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), E2BIG,
		  "has 1000 jobs already");
	must(f, "DeleteScheduler", test_uuid(1000), NULL, NULL);
	must(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), NULL);
	must(f, "DeleteSchedulerTrigger", trigger, NULL, NULL);
	assert_int_equal(count_all(f, KIND_SCHEDULER), 0);
}

/* ------------------------------------------------------------------ what goes */

static bool has_run(const struct view *view, const void *arg)
{
	view_for_each_where (job, view, KIND_JOB, JOB_RESOURCE_UUID, VM)
		if (object_str_is(job, JOB_OPERATION, arg) && object_str_is(job, JOB_SOURCE, "scheduler"))
			return true;
	return false;
}

static void a_trigger_runs_its_jobs_when_asked(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ const struct object *ran = NULL, *idle = NULL;
	char stop[UUID_SIZE], start[UUID_SIZE], trigger[UUID_SIZE];

	create_trigger(f, NULL, trigger);
	create_job(f, NULL, "stopVm", VM, stop);
	create_job(f, NULL, "startVm", VM, start);
	must(f, "AddSchedulerJobToSchedulerTrigger", start, trigger_param(trigger), NULL);
	must_fail(f, "RunSchedulerTrigger", trigger, json_pack("{s:[s]}", "jobUuids", stop), ENOENT,
		  "is not started by trigger");
	must(f, "AddSchedulerJobToSchedulerTrigger", stop,
	     json_pack("{s:s, s:b}", "schedulerTriggerUuid", trigger, "triggerNow", 1), NULL);
	wait_until(f, has_run, "StopVmInstance");
	must(f, "ChangeSchedulerJobState", start, json_pack("{s:s}", "stateEvent", "disable"), NULL);
	must(f, "RunSchedulerTrigger", trigger, json_object(), NULL);
	ran = pair(f, stop, trigger);
	idle = pair(f, start, trigger);
	assert_int_equal(object_int(ran, SCHEDULER_RUNS), 2);
	assert_int_equal(object_int(idle, SCHEDULER_RUNS), 0);
	assert_int_equal(object_int(ran, SCHEDULER_NEXT_TIME), FAR * NS_PER_S);
}

static void schedulers_go_with_either_and_with_the_vm(void **state)
{
	struct pool_fixture *f = *state;
	char job[UUID_SIZE], other[UUID_SIZE], trigger[UUID_SIZE], spare[UUID_SIZE];

	create_job(f, NULL, "stopVm", VM, job);
	create_job(f, NULL, "startVm", VM, other);
	create_trigger(f, NULL, trigger);
	create_trigger(f, NULL, spare);
	must(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), NULL);
	must(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(spare), NULL);
	must(f, "AddSchedulerJobToSchedulerTrigger", other, trigger_param(trigger), NULL);
	must(f, "DeleteSchedulerTrigger", trigger, NULL, NULL);
	assert_int_equal(count_all(f, KIND_SCHEDULER), 1);
	must(f, "AddSchedulerJobToSchedulerTrigger", other, trigger_param(spare), NULL);
	must(f, "DeleteSchedulerJob", other, NULL, NULL);
	assert_int_equal(count_all(f, KIND_SCHEDULER), 1);
	assert_int_equal(count_all(f, KIND_SCHEDULER_JOB), 1);
	must(f, "DestroyVmInstance", VM, NULL, NULL);
	assert_int_equal(count_all(f, KIND_SCHEDULER_JOB), 0);
	assert_int_equal(count_all(f, KIND_SCHEDULER), 0);
	assert_int_equal(count_all(f, KIND_SCHEDULER_TRIGGER), 1);
}

/* ---------------------------------------------------------------------- owners */

static void triggers_start_jobs_of_their_account_alone(void **state)
{
	struct pool_fixture *f = *state;
	char hers[UUID_SIZE], his[UUID_SIZE], common[UUID_SIZE], job[UUID_SIZE];
	_cleanup_object_ const struct object *kept = NULL, *gone = NULL;

	create_job(f, ALICE, "stopVm", VM, job);
	create_trigger(f, ALICE, hers);
	create_trigger(f, BOB, his);
	create_trigger(f, NULL, common);
	must_fail_as(f, BOB, "CreateSchedulerJob", NULL,
		     json_pack("{s:s, s:s, s:s}", "name", "n", "type", "stopVm", "targetResourceUuid", VM),
		     EACCES, "");
	must_fail_as(f, ALICE, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(his), EACCES, "");
	must_fail(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(his), EINVAL,
		  "is another account's");
	must_as(f, ALICE, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(hers), NULL);
	must(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(common), NULL);
	must_fail(f, "ChangeResourceOwner", BOB, json_pack("{s:s}", "resourceUuid", hers), EBUSY,
		  "belongs to another account");

	must(f, "ChangeResourceOwner", BOB, json_pack("{s:s}", "resourceUuid", VM), NULL);
	gone = pair(f, job, hers);
	kept = pair(f, job, common);
	assert_null(gone);
	assert_string_equal(object_str(kept, SCHEDULER_ACCOUNT_UUID), BOB);
	must_fail(f, "ChangeResourceOwner", ALICE, json_pack("{s:s}", "resourceUuid", object_uuid(kept)),
		  EINVAL, "goes with scheduler job");
	must_as(f, BOB, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(his), NULL);
}

static void schedulers_of_a_deleted_account_stay(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ const struct object *kept = NULL;
	char job[UUID_SIZE], trigger[UUID_SIZE];

	create_job(f, ALICE, "stopVm", VM, job);
	create_trigger(f, ALICE, trigger);
	must_as(f, ALICE, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), NULL);
	must(f, "DeleteAccount", ALICE, NULL, NULL);
	kept = pair(f, job, trigger);
	assert_non_null(kept);
	assert_string_equal(object_str(kept, SCHEDULER_ACCOUNT_UUID), ADMIN_ACCOUNT_UUID);
}

/* What is written is there after the next start, and the schedulers go on. */
static void all_stays_over_a_restart(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ const struct object *kept = NULL;
	char job[UUID_SIZE], trigger[UUID_SIZE];

	create_job(f, NULL, "rebootVm", VM, job);
	create_trigger(f, NULL, trigger);
	must(f, "AddSchedulerJobToSchedulerTrigger", job, trigger_param(trigger), NULL);
	pool_fixture_reopen(f);
	kept = pair(f, job, trigger);
	assert_non_null(kept);
	assert_int_equal(object_int(kept, SCHEDULER_NEXT_TIME), FAR * NS_PER_S);
	must(f, "UpdateSchedulerTrigger", trigger, json_pack("{s:i}", "startTime", FAR + 1), NULL);
	must(f, "DeleteSchedulerTrigger", trigger, NULL, NULL);
	assert_int_equal(count_all(f, KIND_SCHEDULER), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pair_is_a_scheduler_that_follows_both),
		TEST(times_stay_when_they_are_not_named),
		TEST(what_makes_no_job_is_refused),
		TEST(a_trigger_has_a_limit_of_jobs),
		TEST(a_trigger_runs_its_jobs_when_asked),
		TEST(schedulers_go_with_either_and_with_the_vm),
		TEST(triggers_start_jobs_of_their_account_alone),
		TEST(schedulers_of_a_deleted_account_stay),
		TEST(all_stays_over_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
