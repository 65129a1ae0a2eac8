/* SPDX-License-Identifier: Apache-2.0 */
/* Access to an object follows from the owner column of its kind; nothing is visible by default. */
#include "tests/unit/test.h"

#include "model/access.h"
#include "model/uuid.h"

#define ALICE "00000000000000000000000000000a11"
#define EVE   "00000000000000000000000000000eee"
#define BOB   "00000000000000000000000000000b0b"
#define VM    "00000000000000000000000000000001"
#define NIC   "00000000000000000000000000000002"
#define TAG   "00000000000000000000000000000003"

/* Puts an object of a kind with one more text into @view, which owns it. */
static const struct object *add(struct view *view, const struct kind *kind, const char *uuid, int field,
				const char *text)
{
	static int64_t next = 1;
	struct object *o = object_new(kind);

	assert_non_null(o);
	object_set_str(o, FIELD_UUID, uuid);
	object_set_str(o, field, text);
	o->id = next++;
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
	return view_get_id(view, kind->id, next - 1);
}

static void an_account_sees_its_own_objects_and_their_parts(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	const struct object *vm, *nic, *tag;

	(void)state;
	assert_non_null(view);
	vm = add(view, kind_get(KIND_VM), VM, VM_ACCOUNT_UUID, ALICE);
	nic = add(view, kind_get(KIND_NIC), NIC, NIC_VM_UUID, VM);
	tag = add(view, kind_get(KIND_USER_TAG), TAG, USER_TAG_RESOURCE_UUID, NIC);
	assert_true(access_may_see(view, vm, ALICE));
	assert_true(access_may_see(view, nic, ALICE));
	assert_true(access_may_see(view, tag, ALICE));
	assert_false(access_may_see(view, vm, BOB));
	assert_false(access_may_see(view, nic, BOB));
	assert_false(access_may_see(view, tag, BOB));
}

static void objects_without_an_owner_are_for_administrators(void **state)
{
	_cleanup_view_ struct view *view = view_new();

	(void)state;
	assert_non_null(view);
	assert_false(access_may_see(view, add(view, kind_get(KIND_VM), VM, VM_NAME, "nobody's"), BOB));
	assert_true(access_may_see(view, add(view, kind_get(KIND_ZONE), NIC, ZONE_NAME, "zone"), BOB));
}

static void parts_without_a_parent_are_visible_to_no_account(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	const struct object *tag;

	(void)state;
	assert_non_null(view);
	assert_false(access_may_see(view, add(view, kind_get(KIND_NIC), NIC, NIC_VM_UUID, VM), ALICE));
	/* A tag on itself is a loop. */
	tag = add(view, kind_get(KIND_USER_TAG), TAG, USER_TAG_RESOURCE_UUID, TAG);
	assert_false(access_may_see(view, tag, ALICE));
}

/* Shares the object in a row of its own, as share_put() does. */
static const struct object *share(struct view *view, const char *uuid, const char *resource,
				  const char *account)
{
	char key[SHARE_KEY_SIZE];

	return add(view, kind_get(KIND_SHARED_RESOURCE), uuid, SHARED_KEY,
		   access_share_key(resource, account, key));
}

static void shares_show_an_object_and_its_parts_to_their_receivers(void **state)
{
	static const char to_bob[] = "00000000000000000000000000000011",
			  to_all[] = "00000000000000000000000000000012";
	static const struct {
		const char *what;
		bool bob, all;		 /* how the VM is shared */
		bool bob_sees, eve_sees; /* it, its NIC and the NIC's tag */
	} rows[] = {
		{"foreign", false, false, false, false},
		{"shared with one", true, false, true, false},
		{"shared with all", false, true, true, true},
		{"shared twice", true, true, true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_view_ struct view *view = view_new();
		const struct object *seen[3], *bob, *all;

		assert_non_null(view);
		seen[0] = add(view, kind_get(KIND_VM), VM, VM_ACCOUNT_UUID, ALICE);
		seen[1] = add(view, kind_get(KIND_NIC), NIC, NIC_VM_UUID, VM);
		seen[2] = add(view, kind_get(KIND_USER_TAG), TAG, USER_TAG_RESOURCE_UUID, NIC);
		bob = rows[i].bob ? share(view, to_bob, VM, BOB) : NULL;
		all = rows[i].all ? share(view, to_all, VM, NULL) : NULL;
		for (size_t j = 0; j < ARRAY_SIZE(seen); j++) {
			assert_true(access_may_see(view, seen[j], ALICE));
			assert_true(access_owns(view, seen[j], ALICE));
			assert_int_equal(access_may_see(view, seen[j], BOB), rows[i].bob_sees);
			assert_int_equal(access_may_see(view, seen[j], EVE), rows[i].eve_sees);
			assert_false(access_owns(view, seen[j], BOB));
			assert_false(access_owns(view, seen[j], EVE));
		}
		/* revoked */
		if (bob)
			assert_int_equal(view_remove(view, bob), 0);
		if (all)
			assert_int_equal(view_remove(view, all), 0);
		for (size_t j = 0; j < ARRAY_SIZE(seen); j++) {
			assert_false(access_may_see(view, seen[j], BOB));
			assert_false(access_may_see(view, seen[j], EVE));
		}
	}
}

/* A share counts for kinds that can be shared only: not for sessions, jobs and accounts. */
static void what_cannot_be_shared_stays_hidden(void **state)
{
	static const struct {
		enum kind_id kind;
		int owner;
	} rows[] = {
		{KIND_JOB, JOB_ACCOUNT_UUID},
		{KIND_SESSION, SESSION_ACCOUNT_UUID},
		{KIND_SHARED_RESOURCE, SHARED_OWNER_UUID},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_view_ struct view *view = view_new();
		const struct object *o = add(view, kind_get(rows[i].kind), VM, rows[i].owner, ALICE);

		(void)share(view, TAG, VM, BOB);
		(void)share(view, NIC, VM, NULL);
		assert_false(access_may_see(view, o, BOB));
		assert_true(access_may_see(view, o, ALICE));
	}
}

static void kinds_without_an_owner_are_for_administrators(void **state)
{
	static const enum owner owners[] = {OWNER_UNSPECIFIED, OWNER_ADMIN};
	struct kind kind = *kind_get(KIND_VM);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		_cleanup_view_ struct view *view = view_new();

		assert_non_null(view);
		kind.owner = owners[i];
		assert_false(access_may_see(view, add(view, &kind, VM, VM_ACCOUNT_UUID, ALICE), ALICE));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_sees_its_own_objects_and_their_parts),
		cmocka_unit_test(objects_without_an_owner_are_for_administrators),
		cmocka_unit_test(parts_without_a_parent_are_visible_to_no_account),
		cmocka_unit_test(shares_show_an_object_and_its_parts_to_their_receivers),
		cmocka_unit_test(what_cannot_be_shared_stays_hidden),
		cmocka_unit_test(kinds_without_an_owner_are_for_administrators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
