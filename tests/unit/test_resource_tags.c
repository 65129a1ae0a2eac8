/* SPDX-License-Identifier: Apache-2.0 */
/* Resource tags: whoever owns one changes what it is attached to, as long as that is theirs. */
#include "tests/unit/pool_fixture.h"

#include <errno.h>

#include "actions/engine/access.h"

#define ALICE "a0000000000000000000000000000000"
#define BOB   "b0000000000000000000000000000000"

#define VM_OF_ALICE "00000000000040008000000000000001"
#define NIC_OF_VM   "00000000000040008000000000000002"
#define TAG_OF_NIC  "00000000000040008000000000000003"
#define GROUP	    "00000000000040008000000000000004"

static int put_owned(struct txn *t, enum kind_id kind, const char *uuid, const char *owner, struct error *e)
{
	struct object *o = make(kind, uuid);

	object_set_str(o, o->kind->owner_field, owner);
	return txn_put(t, o, NULL, e);
}

static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	static const struct {
		enum kind_id kind;
		const char *uuid, *owner;
	} rows[] = {
		{KIND_ACCOUNT, ALICE, ALICE},		{KIND_ACCOUNT, BOB, BOB},
		{KIND_VM, VM_OF_ALICE, ALICE},		{KIND_NIC, NIC_OF_VM, VM_OF_ALICE},
		{KIND_USER_TAG, TAG_OF_NIC, NIC_OF_VM}, {KIND_AFFINITY_GROUP, GROUP, BOB},
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
		    json_t *params)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (try_as(f, account, operation, uuid, params, NULL, &e) < 0)
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

static void create(struct pool_fixture *f, const char *account, const char *value, const char *type,
		   char ret[UUID_SIZE])
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (try_as(f, account, "CreateTag", NULL,
		   json_pack("{s:s, s:s, s:s}", "name", "tag", "value", value, "type", type), ret, &e) < 0)
		fail_msg("%s", error_sentence(&e));
}

static json_t *on(const char *uuid)
{
	return json_pack("{s:[s]}", "resourceUuids", uuid);
}

/* The number of user tags on @uuid with this text; *ret_pattern (may be NULL) is whether one is a resource tag. */
static int tags_on(struct pool_fixture *f, const char *uuid, const char *text, bool *ret_pattern)
{
	_cleanup_view_ struct view *view = view_now(f);
	int n = 0;

	if (ret_pattern)
		*ret_pattern = false;
	view_for_each_where (tag, view, KIND_USER_TAG, USER_TAG_RESOURCE_UUID, uuid)
		if (object_str_is(tag, USER_TAG_TAG, text)) {
			n++;
			if (ret_pattern && !object_is_null(tag, USER_TAG_PATTERN_UUID))
				*ret_pattern = true;
		}
	return n;
}

static void give(struct pool_fixture *f, const char *uuid, const char *account)
{
	must(f, "ChangeResourceOwner", account, json_pack("{s:s}", "resourceUuid", uuid), NULL);
}

/* ---------------------------------------------------------------------- owners */

static const char *const tagged[] = {VM_OF_ALICE, NIC_OF_VM, TAG_OF_NIC};

static void the_former_owner_changes_nothing(void **state)
{
	struct pool_fixture *f = *state;
	char pattern[UUID_SIZE], common[UUID_SIZE];
	bool linked;

	create(f, ALICE, "mine", "simple", pattern);
	create(f, NULL, "common", "simple", common);
	for (size_t i = 0; i < ARRAY_SIZE(tagged); i++) {
		must_as(f, ALICE, "AttachTagToResources", pattern, on(tagged[i]));
		must_as(f, NULL, "AttachTagToResources", common, on(tagged[i]));
	}
	give(f, VM_OF_ALICE, BOB);
	must_as(f, ALICE, "UpdateTag", pattern, json_pack("{s:s}", "value", "still mine"));
	must_as(f, ALICE, "DeleteTagPattern", pattern, NULL);
	must_as(f, NULL, "UpdateTag", common, json_pack("{s:s}", "value", "of all"));
	for (size_t i = 0; i < ARRAY_SIZE(tagged); i++) {
		assert_int_equal(tags_on(f, tagged[i], "mine", &linked), 1);
		assert_false(linked);
		assert_int_equal(tags_on(f, tagged[i], "still mine", NULL), 0);
		assert_int_equal(tags_on(f, tagged[i], "of all", &linked), 1);
		assert_true(linked);
	}
}

/* To whom a resource tag is given could change what it is attached to. */
static void a_tag_in_use_is_not_given_away(void **state)
{
	struct pool_fixture *f = *state;
	char pattern[UUID_SIZE];

	create(f, ALICE, "mine", "simple", pattern);
	must_as(f, ALICE, "AttachTagToResources", pattern, on(NIC_OF_VM));
	must_fail(f, "ChangeResourceOwner", BOB, json_pack("{s:s}", "resourceUuid", pattern), EBUSY,
		  "belongs to another account, detach it from there first");
	give(f, pattern, ADMIN_ACCOUNT_UUID);
	must_as(f, NULL, "DetachTagFromResources", pattern, on(NIC_OF_VM));
	give(f, pattern, BOB);
	must_as(f, BOB, "UpdateTag", pattern, json_pack("{s:s}", "value", "bob's"));
	must_fail_as(f, ALICE, "UpdateTag", pattern, json_pack("{s:s}", "value", "x"), EACCES, "may not do");
}

static void tags_of_a_deleted_account_stay_attached(void **state)
{
	struct pool_fixture *f = *state;
	char pattern[UUID_SIZE];

	create(f, ALICE, "mine", "simple", pattern);
	must_as(f, ALICE, "AttachTagToResources", pattern, on(VM_OF_ALICE));
	must(f, "DeleteAccount", ALICE, NULL, NULL);
	must_as(f, NULL, "UpdateTag", pattern, json_pack("{s:s}", "value", "hers"));
	assert_int_equal(tags_on(f, VM_OF_ALICE, "hers", NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_former_owner_changes_nothing, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_tag_in_use_is_not_given_away, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(tags_of_a_deleted_account_stay_attached, setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
