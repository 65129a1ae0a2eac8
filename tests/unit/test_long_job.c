/* SPDX-License-Identifier: Apache-2.0 */
/* Long jobs: jobs of the operations that they name, seen by their owner as the public interface shows them. */
#include "tests/unit/pool_fixture.h"

#include <errno.h>

#include "actions/engine/long_job.h"
#include "actions/engine/query_operation.h"
#include "model/json.h"
#include "model/query_eval.h"
#include "model/states.h"

#define ALICE "a0000000000000000000000000000000"
#define LONG  "00000000000040008000000000000001"

static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *o = make(KIND_ACCOUNT, ALICE);

	(void)arg;
	object_set_str(o, o->kind->owner_field, ALICE);
	return txn_put(t, o, NULL, e);
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

/* Submits an operation as an account, "" = the pool, and waits for its end. Takes over @params. */
static int try_as(struct pool_fixture *f, const char *account, const char *operation, json_t *params,
		  struct error *e)
{
	struct actor actor = {.source = "rest"};
	struct request *req;
	char job[UUID_SIZE];
	int r;

	snprintf(actor.account, sizeof(actor.account), "%s", account);
	r = request_new(operation_by_name(operation), NULL, params, &actor, &req, e);
	json_decref(params);
	if (r == 0)
		r = pool_submit_wait(f->pool, req, job, e);
	return r < 0 ? r : job_end(f, job, e);
}

static void must_as(struct pool_fixture *f, const char *account, const char *operation, json_t *params)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (try_as(f, account, operation, params, &e) < 0)
		fail_msg("%s: %s", operation, error_sentence(&e));
}

static void must_fail_as(struct pool_fixture *f, const char *account, const char *operation, json_t *params,
			 int errnum, const char *text)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = try_as(f, account, operation, params, &e);

	if (r != -errnum || !strstr(error_sentence(&e), text))
		fail_msg("%s gives %d and says '%s', expected %d and '%s'", operation, r, error_sentence(&e),
			 -errnum, text);
}

static json_t *submission(const char *name, json_t *data)
{
	_cleanup_free_ char *text = json_dumps(data, JSON_ENCODE_ANY);

	json_decref(data);
	return json_pack("{s:s, s:s, s:s}", "jobName", name, "jobData", text, "resourceUuid", LONG);
}

static json_t *of_long_job(void)
{
	return json_pack("{s:s}", "uuid", LONG);
}

static bool long_job_has_ended(const struct view *view, const void *arg)
{
	const struct object *job = long_job_row(view, LONG);

	(void)arg;
	return job && job_state_is_final(object_text(job, JOB_STATE));
}

/* The long job once it has ended, owned. */
static struct object *ended(struct pool_fixture *f)
{
	_cleanup_view_ struct view *view = NULL;

	wait_until(f, long_job_has_ended, NULL);
	view = view_now(f);
	return long_job_object(view, long_job_row(view, LONG));
}

static void is_a_job_of_its_operation(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ struct object *o = NULL;
	_cleanup_json_ json_t *result = NULL;
	char zone[UUID_SIZE];

	must_as(f, "", "SubmitLongJob", submission("APICreateZoneMsg", json_pack("{s:s}", "name", "far")));
	o = ended(f);
	assert_string_equal(object_text(o, LONG_JOB_STATE), "Succeeded");
	assert_string_equal(object_text(o, LONG_JOB_NAME), "APICreateZoneMsg");
	assert_string_equal(object_text(o, LONG_JOB_JOB_NAME), "APICreateZoneMsg");
	assert_string_equal(object_text(o, LONG_JOB_JOB_DATA), "{\"name\":\"far\"}");
	assert_int_equal(object_int(o, LONG_JOB_EXECUTE_TIME), 1);
	assert_true(field_is(f, KIND_JOB, object_text(o, LONG_JOB_API_ID), JOB_OPERATION, "CreateZone"));
	result = object_json(o, LONG_JOB_JOB_RESULT);
	snprintf(zone, sizeof(zone), "%s",
		 json_string_value(json_object_get(json_object_get(result, "inventory"), "uuid")));
	assert_true(field_is(f, KIND_ZONE, zone, ZONE_NAME, "far"));
	assert_string_equal(object_text(o, LONG_JOB_TARGET_RESOURCE_UUID), zone);
}

static void refuses_what_its_operation_refuses(void **state)
{
	static const struct {
		const char *name, *data, *text;
		int errnum;
	} rows[] = {
		{"APIGetVersionMsg", "{}", "is no operation that can be a long job", EINVAL},
		{"APIFlyMsg", "{}", "is no operation that can be a long job", EINVAL},
		{"APIDeleteLongJobMsg", "{\"uuid\":\"" LONG "\"}", "is no operation that can be a long job",
		 EINVAL},
		{"APIQueryZoneMsg", "{}", "is no operation that can be a long job", EINVAL},
		{"APICreateZoneMsg", "far", "jobData must be a JSON object", EINVAL},
		{"APICreateZoneMsg", "[]", "jobData must be a JSON object", EINVAL},
		{"APICreateZoneMsg", "{}", "name", EINVAL},
		{"APICreateZoneMsg", "{\"name\":\"x\",\"systemTags\":[\"validationOnly\"]}", "validationOnly",
		 EINVAL},
		{"APIUpdateZoneMsg", "{\"name\":\"x\"}", "jobData has no 'uuid'", EINVAL},
		{"APIUpdateZoneMsg", "{\"uuid\":\"" LONG "\",\"name\":\"x\"}", "not found", ENOENT},
	};
	struct pool_fixture *f = *state;
	_cleanup_view_ struct view *view = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		must_fail_as(f, "", "SubmitLongJob",
			     json_pack("{s:s, s:s, s:s}", "jobName", rows[i].name, "jobData", rows[i].data,
				       "resourceUuid", LONG),
			     rows[i].errnum, rows[i].text);
	must_fail_as(f, ALICE, "SubmitLongJob",
		     submission("APICreateZoneMsg", json_pack("{s:s}", "name", "far")), EACCES,
		     "is for administrators");
	view = view_now(f);
	assert_null(long_job_row(view, LONG));
}

static json_t *group_submission(void)
{
	return submission("APICreateAffinityGroupMsg", json_pack("{s:s, s:s, s:[s]}", "name", "g", "policy",
								 "antiSoft", "userTags", "mine"));
}

static void runs_again_as_another_job(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ struct object *first = NULL, *second = NULL;

	must_as(f, ALICE, "SubmitLongJob", group_submission());
	first = ended(f);
	must_fail_as(f, ALICE, "SubmitLongJob", group_submission(), EEXIST, "is in use already");
	must_as(f, ALICE, "RerunLongJob", of_long_job());
	second = ended(f);
	assert_string_equal(object_text(second, LONG_JOB_STATE), "Succeeded");
	assert_string_not_equal(object_text(first, LONG_JOB_API_ID), object_text(second, LONG_JOB_API_ID));
	assert_string_not_equal(object_text(first, LONG_JOB_TARGET_RESOURCE_UUID),
				object_text(second, LONG_JOB_TARGET_RESOURCE_UUID));
	assert_string_equal(object_text(first, LONG_JOB_JOB_DATA), object_text(second, LONG_JOB_JOB_DATA));
	assert_false(exists(f, KIND_JOB, object_text(first, LONG_JOB_API_ID)));
	must_as(f, ALICE, "UpdateLongJob", json_pack("{s:s, s:s}", "uuid", LONG, "name", "both"));
	object_unref(second);
	second = ended(f);
	assert_string_equal(object_text(second, LONG_JOB_NAME), "both");
	must_fail_as(f, ALICE, "CancelLongJob", of_long_job(), EBUSY,
		     "cannot cancel longjob that is succeeded");
	must_as(f, ALICE, "DeleteLongJob", of_long_job());
	must_as(f, ALICE, "DeleteLongJob", of_long_job());
	assert_false(exists(f, KIND_JOB, object_text(second, LONG_JOB_API_ID)));
}

/* Secrets are neither shown nor kept, so what had some cannot run again. */
static void keeps_no_secrets(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ struct object *o = NULL;
	_cleanup_free_ char *request = NULL;
	_cleanup_view_ struct view *view = NULL;

	must_as(f, "", "SubmitLongJob",
		submission("APICreateAccountMsg", json_pack("{s:s, s:s, s:{s:s}}", "name", "carol",
							    "password", "hush", "session", "uuid", "hush")));
	o = ended(f);
	assert_string_equal(object_text(o, LONG_JOB_JOB_DATA),
			    "{\"name\":\"carol\",\"password\":\"******\"}");
	view = view_now(f);
	view_for_each (job, view, KIND_JOB) {
		_cleanup_free_ char *text = object_long_text(job, JOB_REQUEST);

		if (text && strstr(text, "hush"))
			fail_msg("the job of '%s' keeps '%s'", object_text(job, JOB_OPERATION), text);
	}
	must_fail_as(f, "", "RerunLongJob", of_long_job(), EBUSY, "was submitted with secrets");
}

static void is_its_owners(void **state)
{
	static const char *const operations[] = {"CancelLongJob", "RerunLongJob", "UpdateLongJob"};
	struct pool_fixture *f = *state;
	_cleanup_object_ struct object *o = NULL;

	must_as(f, "", "SubmitLongJob", submission("APICreateZoneMsg", json_pack("{s:s}", "name", "far")));
	o = ended(f);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		must_fail_as(f, ALICE, operations[i], of_long_job(), ENOENT, "LongJobVO] not found");
	must_as(f, ALICE, "DeleteLongJob", of_long_job()); /* as of any that is not there */
	assert_true(exists(f, KIND_JOB, object_text(o, LONG_JOB_API_ID)));
}

/* An administrator who runs it again neither takes it over nor gives it his rights. */
static void stays_its_owners_when_another_runs_it(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_object_ struct object *first = NULL, *second = NULL;

	must_as(f, ALICE, "SubmitLongJob", group_submission());
	first = ended(f);
	must_as(f, "", "RerunLongJob", of_long_job());
	second = ended(f);
	assert_string_not_equal(object_text(first, LONG_JOB_API_ID), object_text(second, LONG_JOB_API_ID));
	assert_string_equal(object_text(second, LONG_JOB_ACCOUNT_UUID), ALICE);
	assert_true(field_is(f, KIND_AFFINITY_GROUP, object_text(second, LONG_JOB_TARGET_RESOURCE_UUID),
			     AFFINITY_GROUP_ACCOUNT_UUID, ALICE));
	must_as(f, ALICE, "RerunLongJob", of_long_job());
	object_unref(ended(f));
}

#define OTHER "00000000000040008000000000000002"

/* Those that a query is about; its text is in the language of model/query_parse.h. */
static size_t count_derived(struct pool_fixture *f, const char *text)
{
	const struct operation *op = operation_by_name("QueryLongJob");
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = view_now(f), *derived = NULL;
	_cleanup_query_ struct query *q = NULL;
	_cleanup_json_ json_t *json = NULL;
	struct json_out out = {0};

	if (query_parse(kind_get(KIND_LONG_JOB), text, &q, &e) < 0 ||
	    query_operation_run(op, view, "", q, 0, &out, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	json = json_out_tree(&out);
	derived = op->derive(view, NULL, query_uuid(q));
	assert_true(json_array_size(json_object_get(json, "inventories")) <=
		    view_count(derived, KIND_LONG_JOB));
	return view_count(derived, KIND_LONG_JOB);
}

/* Whoever waits for one asks for it again and again: the others are not made for that. */
static void one_is_made_for_who_asks_for_one(void **state)
{
	struct pool_fixture *f = *state;
	json_t *other = submission("APICreateZoneMsg", json_pack("{s:s}", "name", "far"));

	must_as(f, "", "SubmitLongJob", submission("APICreateZoneMsg", json_pack("{s:s}", "name", "near")));
	(void)json_object_set_new(other, "resourceUuid", json_string(OTHER));
	must_as(f, "", "SubmitLongJob", other);
	assert_int_equal(count_derived(f, ""), 2);
	assert_int_equal(count_derived(f, "q=uuid=" LONG), 1);
	assert_int_equal(count_derived(f, "q=uuid=" OTHER), 1);
	assert_int_equal(count_derived(f, "q=jobName=APICreateZoneMsg&q=uuid=" OTHER), 1);
	assert_int_equal(count_derived(f, "q=uuid!=" OTHER), 2);
	assert_int_equal(count_derived(f, "q=uuid?=" LONG "," OTHER), 2);
	assert_int_equal(count_derived(f, "q=uuid=" ALICE), 0);
}

static int hold_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *job;
	int r = txn_edit(t, KIND_JOB, object_uuid(long_job_row(txn_view(t), LONG)), &job, e);

	if (r < 0)
		return r;
	object_set_str(job, JOB_STATE, arg);
	object_set_int(job, JOB_CANCEL, 0);
	return txn_put(t, job, NULL, e);
}

/* Of each state of a job, the state of the long job, and what may be done then. */
static void has_the_states_of_the_public_interface(void **state)
{
	static const struct {
		const char *job, *long_job, *cancelled;
	} rows[] = {
		{JOB_STATE_QUEUED, "Waiting", "Canceled"},
		{JOB_STATE_PROCESSING, "Running", "Canceling"},
	};
	struct pool_fixture *f = *state;

	must_as(f, "", "SubmitLongJob", submission("APICreateZoneMsg", json_pack("{s:s}", "name", "far")));
	object_unref(ended(f));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_object_ struct object *before = NULL, *after = NULL;
		_cleanup_view_ struct view *view = NULL;

		if (store_run(pool_store(f->pool), hold_fn, (void *)(uintptr_t)rows[i].job, &e) < 0)
			fail_msg("%s", error_sentence(&e));
		view = view_now(f);
		before = long_job_object(view, long_job_row(view, LONG));
		assert_string_equal(object_text(before, LONG_JOB_STATE), rows[i].long_job);
		assert_null(object_str(before, LONG_JOB_JOB_RESULT));
		must_fail_as(f, "", "RerunLongJob", of_long_job(), EBUSY, "rerun longjob only when");
		must_fail_as(f, "", "DeleteLongJob", of_long_job(), EBUSY, "delete longjob only when");
		must_as(f, "", "CancelLongJob", of_long_job());
		view_unref(view);
		view = view_now(f);
		after = long_job_object(view, long_job_row(view, LONG));
		assert_string_equal(object_text(after, LONG_JOB_STATE), rows[i].cancelled);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_a_job_of_its_operation, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(refuses_what_its_operation_refuses, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(runs_again_as_another_job, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(keeps_no_secrets, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(is_its_owners, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(stays_its_owners_when_another_runs_it, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(one_is_made_for_who_asks_for_one, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(has_the_states_of_the_public_interface, setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
