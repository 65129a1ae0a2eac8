/* SPDX-License-Identifier: Apache-2.0 */
/* What an update does: to its row, to the times of that, and to those of the owners of what is moved. */
#include "tests/unit/fixture.h"

static int put_stale(struct txn *t, void *arg, struct error *e)
{
	return txn_put(t, object_copy(arg), NULL, e);
}

static void an_object_that_is_gone_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	_cleanup_object_ const struct object *o = NULL;

	put(f, make(KIND_ZONE, test_uuid(1)));
	o = get(f, KIND_ZONE, test_uuid(1));
	assert_int_equal(try_remove(f, test_uuid(1), NULL), 0);
	assert_int_equal(store_run(f->store, put_stale, (void *)(uintptr_t)o, NULL), -ENOENT);
}

static int rename_zone(struct txn *t, void *arg, struct error *e)
{
	struct object *zone;
	int r = txn_edit(t, KIND_ZONE, arg, &zone, e);

	if (r < 0)
		return r;
	object_set_str(zone, ZONE_NAME, "renamed");
	return txn_put(t, zone, NULL, e);
}

static int edit_nothing(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	object_set_str(NULL, ZONE_NAME, "x");
	object_set_int(NULL, ZONE_CREATE_DATE, 1);
	object_set_null(NULL, ZONE_NAME);
	object_set_broken(NULL);
	return txn_put(t, NULL, NULL, e);
}

static void an_edit_changes_its_row_or_says_why_not(void **state)
{
	struct fixture *f = *state;
	_cleanup_(error_done) struct error gone = ERROR_INIT, memory = ERROR_INIT;
	const struct object *zone;
	char uuid[UUID_SIZE];

	snprintf(uuid, sizeof(uuid), "%s", test_uuid(1));
	assert_int_equal(store_run(f->store, rename_zone, uuid, &gone), -ENOENT);
	assert_string_equal(error_sentence(&gone), "zone '00000000000000000000000000000001' is gone");
	put(f, make(KIND_ZONE, uuid));
	assert_int_equal(store_run(f->store, rename_zone, uuid, NULL), 0);
	zone = get(f, KIND_ZONE, uuid);
	assert_string_equal(object_name(zone), "renamed");
	object_unref(zone);
	assert_int_equal(store_run(f->store, edit_nothing, NULL, &memory), -ENOMEM);
	assert_string_equal(error_sentence(&memory), "out of memory");
}

static void dates_and_times_follow_changes(void **state)
{
	struct fixture *f = *state;
	const struct object *a, *b, *c, *d;
	struct object *edit;
	int64_t start = store_now();

	put(f, make(KIND_JOB, test_uuid(7)));
	put(f, make(KIND_ZONE, test_uuid(1)));
	a = get(f, KIND_ZONE, test_uuid(1));
	assert_true(object_int(a, ZONE_CREATE_DATE) >= start);
	assert_int_equal(object_int(a, ZONE_CREATE_DATE), object_int(a, ZONE_LAST_OP_DATE));
	edit = object_copy(a);
	object_set_str(edit, ZONE_DESCRIPTION, "new");
	put(f, edit);
	b = get(f, KIND_ZONE, test_uuid(1));
	assert_int_equal(object_int(b, ZONE_CREATE_DATE), object_int(a, ZONE_CREATE_DATE));
	assert_true(object_int(b, ZONE_LAST_OP_DATE) > object_int(a, ZONE_LAST_OP_DATE));
	assert_int_equal(object_time(b, ZONE_NAME), object_time(a, ZONE_NAME));
	assert_int_equal(object_time(b, ZONE_DESCRIPTION), object_int(b, ZONE_LAST_OP_DATE));
	put(f, object_copy(b)); /* the current value: nothing happens */
	c = get(f, KIND_ZONE, test_uuid(1));
	assert_ptr_equal(b, c);
	/* a change that does not count */
	d = get(f, KIND_JOB, test_uuid(7));
	edit = object_copy(d);
	object_set_int(edit, JOB_PROGRESS, 50);
	put(f, edit);
	object_unref(d);
	d = get(f, KIND_JOB, test_uuid(7));
	assert_int_equal(object_int(d, JOB_PROGRESS), 50);
	assert_true(object_time(d, JOB_PROGRESS) > object_time(d, JOB_STATE));
	object_unref(a);
	object_unref(b);
	object_unref(c);
	object_unref(d);
}

static void moving_a_part_touches_both_owners(void **state)
{
	struct fixture *f = *state;
	const struct object *a, *b, *moved_a, *moved_b;
	struct object *o;

	put(f, make(KIND_VM, test_uuid(1)));
	put(f, make(KIND_VM, test_uuid(2)));
	o = make(KIND_VOLUME, test_uuid(3));
	object_set_str(o, VOLUME_VM_UUID, test_uuid(1));
	put(f, o);
	a = get(f, KIND_VM, test_uuid(1));
	b = get(f, KIND_VM, test_uuid(2));
	assert_true(a->changed > b->changed);
	const struct object *volume = get(f, KIND_VOLUME, test_uuid(3));
	o = object_copy(volume);
	object_unref(volume);
	object_set_str(o, VOLUME_VM_UUID, test_uuid(2));
	put(f, o);
	moved_a = get(f, KIND_VM, test_uuid(1));
	moved_b = get(f, KIND_VM, test_uuid(2));
	assert_true(moved_a->changed > a->changed);
	assert_int_equal(moved_a->changed, moved_b->changed);
	object_unref(a);
	object_unref(b);
	object_unref(moved_a);
	object_unref(moved_b);
}

#define on_store(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_store(an_object_that_is_gone_cannot_be_written),
		on_store(an_edit_changes_its_row_or_says_why_not),
		on_store(dates_and_times_follow_changes),
		on_store(moving_a_part_touches_both_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
