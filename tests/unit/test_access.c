/* SPDX-License-Identifier: Apache-2.0 */
/* Access to an object follows from the owner column of its kind; nothing is visible by default. */
#include "tests/unit/test.h"

#include "model/access.h"
#include "model/uuid.h"

#define ALICE "00000000000000000000000000000a11"
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
	return o;
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
		cmocka_unit_test(kinds_without_an_owner_are_for_administrators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
