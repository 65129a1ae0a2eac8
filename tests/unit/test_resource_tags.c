/* SPDX-License-Identifier: Apache-2.0 */
/* Resource tags: whoever owns one changes what it is attached to, as long as that is theirs. */
#include "tests/unit/pool_fixture.h"

#include <errno.h>

#include "actions/engine/access.h"
#include "actions/engine/params.h"
#include "actions/engine/steps.h"
#include "model/json.h"

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

/* ----------------------------------------------------------------------- texts */

static json_t *with_token(const char *uuid, const char *value)
{
	return json_pack("{s:[s], s:{s:s}}", "resourceUuids", uuid, "tokens", "t", value);
}

/* What is made of tokens is a user tag like any other, with its limits. */
static void tokens_have_the_limits_of_tags(void **state)
{
	struct pool_fixture *f = *state;
	char pattern[UUID_SIZE], empty[UUID_SIZE], text[3 * USER_TAG_LENGTH] = "";

	create(f, ALICE, "t::{t}", "withToken", pattern);
	create(f, ALICE, "{t}", "withToken", empty);
	/* characters, not bytes: these and the three of "t::" are all that fit */
	for (size_t i = 0; i < USER_TAG_LENGTH - 3; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 3);
	must_as(f, ALICE, "AttachTagToResources", pattern, with_token(VM_OF_ALICE, text));
	memcpy(text + strlen(text), "x", 2);
	must_fail_as(f, ALICE, "AttachTagToResources", pattern, with_token(VM_OF_ALICE, text), E2BIG,
		     "at most 2048 characters, this one has 2049");
	must_fail_as(f, ALICE, "AttachTagToResources", pattern, with_token(VM_OF_ALICE, "a\x1b[2J"), EINVAL,
		     "control character");
	must_fail_as(f, ALICE, "AttachTagToResources", empty, with_token(VM_OF_ALICE, ""), EINVAL,
		     "cannot be empty");
	must_as(f, ALICE, "AttachTagToResources", pattern, with_token(VM_OF_ALICE, "two\nlines"));
	must_fail_as(f, ALICE, "AttachTagToResources", pattern, with_token(VM_OF_ALICE, "two\nlines"), EEXIST,
		     "already");
	assert_int_equal(tags_on(f, VM_OF_ALICE, "t::two\nlines", NULL), 1);
}

/* So are the user tags in a creation. */
static void tags_of_creations_have_the_limits_of_tags(void **state)
{
	static const struct {
		const char *tag;
		int errnum;
	} bad[] = {{"", EINVAL}, {"a\x1b[2J", EINVAL}, {NULL, E2BIG}};
	const struct actor actor = {.source = "fs"};
	char longest[USER_TAG_LENGTH + 2];

	(void)state;
	memset(longest, 'x', USER_TAG_LENGTH + 1);
	longest[USER_TAG_LENGTH + 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_json_ json_t *document = json_pack("{s:{s:s}, s:[s]}", "params", "name", "z",
							    "userTags", bad[i].tag ? bad[i].tag : longest);
		struct request *req = NULL;

		assert_int_equal(request_from_document(operation_by_name("CreateZone"), NULL, document, "", 0,
						       &actor, &req, &e),
				 -bad[i].errnum);
		assert_null(req);
	}
}

/* An object that has the new value already keeps its own tag. */
static void a_new_value_is_on_no_object_twice(void **state)
{
	struct pool_fixture *f = *state;
	char pattern[UUID_SIZE];
	bool linked;

	create(f, ALICE, "old", "simple", pattern);
	must_as(f, ALICE, "AttachTagToResources", pattern, on(VM_OF_ALICE));
	must_as(f, ALICE, "AttachTagToResources", pattern, on(NIC_OF_VM));
	must_as(f, ALICE, "CreateUserTag", NULL,
		json_pack("{s:s, s:s, s:s}", "resourceType", "VmInstanceVO", "resourceUuid", VM_OF_ALICE,
			  "tag", "new"));
	must_as(f, ALICE, "UpdateTag", pattern, json_pack("{s:s}", "value", "new"));
	assert_int_equal(tags_on(f, VM_OF_ALICE, "new", &linked), 1);
	assert_false(linked);
	assert_int_equal(tags_on(f, VM_OF_ALICE, "old", NULL), 0);
	assert_int_equal(tags_on(f, NIC_OF_VM, "new", &linked), 1);
	assert_true(linked);
	must_as(f, ALICE, "UpdateTag", pattern, json_pack("{s:s}", "value", "new"));
	assert_int_equal(tags_on(f, NIC_OF_VM, "new", &linked), 1);
}

/* ---------------------------------------------------------------------- sharing */

/* A shared tag is attached by others to their own objects; only its owner changes it. */
static void a_shared_tag_is_attached_by_others(void **state)
{
	struct pool_fixture *f = *state;
	char pattern[UUID_SIZE];

	create(f, ALICE, "hers", "simple", pattern);
	must_fail_as(f, BOB, "AttachTagToResources", pattern, on(GROUP), EACCES, "may not do");
	must_as(f, ALICE, "ShareResource", NULL,
		json_pack("{s:[s], s:[s]}", "resourceUuids", pattern, "accountUuids", BOB));
	must_as(f, BOB, "AttachTagToResources", pattern, on(GROUP));
	must_fail_as(f, BOB, "AttachTagToResources", pattern, on(VM_OF_ALICE), EACCES, "may not do");
	must_fail_as(f, BOB, "UpdateTag", pattern, json_pack("{s:s}", "value", "x"), EACCES, "may not do");
	must_fail_as(f, BOB, "DeleteTagPattern", pattern, NULL, EACCES, "may not do");
	must_as(f, ALICE, "AttachTagToResources", pattern, on(VM_OF_ALICE));
	must_fail_as(f, BOB, "DetachTagFromResources", pattern, on(VM_OF_ALICE), EACCES, "may not do");
	must_as(f, ALICE, "UpdateTag", pattern, json_pack("{s:s}", "value", "ours"));
	assert_int_equal(tags_on(f, GROUP, "ours", NULL), 1);
	must_as(f, BOB, "DetachTagFromResources", pattern, on(GROUP));
	assert_int_equal(tags_on(f, GROUP, "ours", NULL), 0);
	assert_int_equal(tags_on(f, VM_OF_ALICE, "ours", NULL), 1);
}

/* ------------------------------------------------------------------------ steps */

#define MANY 1000

static int tag_many_fn(struct txn *t, void *arg, struct error *e)
{
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < MANY; i++) {
		struct object *o = make(KIND_USER_TAG, test_uuid(0x100000 + i));

		object_set_str(o, USER_TAG_RESOURCE_UUID, test_uuid(0x200000 + i));
		object_set_str(o, USER_TAG_TAG, "old");
		object_set_str(o, USER_TAG_PATTERN_UUID, arg);
		r = txn_put(t, o, NULL, e);
	}
	return r;
}

static void see_largest(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	size_t *largest = ctx, tags = 0;

	(void)view;
	for (size_t i = 0; i < count; i++) {
		const struct object *o = changes[i].after ? changes[i].after : changes[i].before;

		tags += o->kind->id == KIND_USER_TAG;
	}
	if (tags > *largest)
		*largest = tags;
}

static int count_tags(struct pool_fixture *f, const char *text)
{
	_cleanup_view_ struct view *view = view_now(f);
	int n = 0;

	view_for_each (o, view, KIND_USER_TAG)
		n += object_str_is(o, USER_TAG_TAG, text);
	return n;
}

/* However many objects a tag is attached to, no change of the store has more than a step. */
static void what_is_on_much_changes_in_steps(void **state)
{
	struct pool_fixture *f = *state;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	static size_t largest; /* the observer stays until the pool is closed */
	char pattern[UUID_SIZE];

	create(f, NULL, "old", "simple", pattern);
	assert_true(store_run(pool_store(f->pool), tag_many_fn, pattern, &e) >= 0);
	assert_int_equal(store_observe(pool_store(f->pool), see_largest, &largest), 0);
	must_as(f, NULL, "UpdateTag", pattern, json_pack("{s:s, s:s}", "value", "new", "name", "renamed"));
	assert_int_equal(count_tags(f, "old"), 0);
	assert_int_equal(count_tags(f, "new"), MANY);
	assert_true(field_is(f, KIND_TAG_PATTERN, pattern, TAG_PATTERN_NAME, "renamed"));
	must_as(f, NULL, "DeleteTagPattern", pattern, NULL);
	assert_int_equal(count_tags(f, "new"), 0);
	assert_false(exists(f, KIND_TAG_PATTERN, pattern));
	print_message("at most %zu tags in one change\n", largest);
	assert_in_range(largest, 1, STEP_ROWS);
}

static size_t puts_of_tags;

static void count_changes(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)ctx, (void)view;
	for (size_t i = 0; i < count; i++)
		puts_of_tags += changes[i].after && changes[i].after->kind->id == KIND_USER_TAG;
}

/* Attaching is one change of the tag, so one event. */
static void a_tag_is_attached_by_one_change(void **state)
{
	struct pool_fixture *f = *state;
	char pattern[UUID_SIZE];

	create(f, ALICE, "mine", "simple", pattern);
	assert_int_equal(store_observe(pool_store(f->pool), count_changes, NULL), 0);
	must_as(f, ALICE, "AttachTagToResources", pattern, on(VM_OF_ALICE));
	assert_int_equal(puts_of_tags, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_former_owner_changes_nothing, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_tag_in_use_is_not_given_away, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(tags_of_a_deleted_account_stay_attached, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(tokens_have_the_limits_of_tags, setup, pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(tags_of_creations_have_the_limits_of_tags, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_new_value_is_on_no_object_twice, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_shared_tag_is_attached_by_others, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(what_is_on_much_changes_in_steps, setup,
						pool_fixture_teardown),
		cmocka_unit_test_setup_teardown(a_tag_is_attached_by_one_change, setup,
						pool_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
