/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas are enforced where rows are written: for each name, what counts, that the
 * last unit fits and the next does not, by creation, by growth and by a change of
 * the owner; and what is never refused.
 */
#include "tests/unit/fixture.h"

#include <errno.h>
#include <stdatomic.h>

#include "actions/account/quota.h"
#include "actions/account/sharing.h"
#include "actions/engine/access.h"

#define BOB   "00000000000000000000000000000b0b"
#define LIMIT 3

static int defaults_fn(struct txn *t, void *arg, struct error *e)
{
	return quota_put_defaults(t, arg, e);
}

static int limit_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *copy = object_copy(quota_find(txn_view(t), BOB, arg));

	object_set_int(copy, QUOTA_VALUE, LIMIT);
	return txn_put(t, copy, NULL, e);
}

static int setup(void **state)
{
	int r = fixture_setup(state);
	struct fixture *f = *state;
	struct object *o;

	store_set_cause(&(struct cause){.uid = -1, .source = "rest"});
	o = make(KIND_ACCOUNT, ADMIN_ACCOUNT_UUID);
	object_set_str(o, ACCOUNT_TYPE, "SystemAdmin");
	put(f, o);
	o = make(KIND_ACCOUNT, BOB);
	object_set_str(o, ACCOUNT_TYPE, "Normal");
	put(f, o);
	assert_int_equal(store_run(f->store, defaults_fn, (void *)(uintptr_t)BOB, NULL), 0);
	f->takes = quota_takes;
	fixture_reopen(f);
	assert_int_equal(store_guard(f->store, quota_guard), 0);
	return r;
}

static int teardown(void **state)
{
	store_set_cause(&CAUSE_NONE);
	return fixture_teardown(state);
}

/* What each quota counts: the text and the number that make an object of the kind take 1, and a text by which
 * it takes nothing. */
static const struct row {
	const char *quota;
	enum kind_id kind;
	int text, number; /* fields, 0 = none */
	const char *takes, *takes_not;
	int owner;
} rows[] = {
	{"image.num", KIND_IMAGE, 0, 0, NULL, NULL, IMAGE_ACCOUNT_UUID},
	{"image.size", KIND_IMAGE, 0, IMAGE_ACTUAL_SIZE, NULL, NULL, IMAGE_ACCOUNT_UUID},
	{"l3.num", KIND_L3_NETWORK, 0, 0, NULL, NULL, L3_ACCOUNT_UUID},
	{"snapshot.volume.num", KIND_SNAPSHOT, 0, 0, NULL, NULL, SNAPSHOT_ACCOUNT_UUID},
	{"vm.cpuNum", KIND_VM, VM_STATE, VM_CPU_NUM, "Running", "Stopped", VM_ACCOUNT_UUID},
	{"vm.memorySize", KIND_VM, VM_STATE, VM_MEMORY_SIZE, "Unknown", "Created", VM_ACCOUNT_UUID},
	{"vm.num", KIND_VM, VM_STATE, 0, "Starting", "Stopped", VM_ACCOUNT_UUID},
	{"vm.totalNum", KIND_VM, VM_STATE, 0, "Stopped", "Destroyed", VM_ACCOUNT_UUID},
	{"volume.capacity", KIND_VOLUME, VOLUME_STATUS, VOLUME_SIZE, "Deleted", NULL, VOLUME_ACCOUNT_UUID},
	{"volume.data.num", KIND_VOLUME, VOLUME_STATUS, 0, "Ready", "Deleted", VOLUME_ACCOUNT_UUID},
};

static struct object *make_one(const struct row *row, unsigned n, const char *account, const char *text)
{
	struct object *o = make(row->kind, test_uuid(n));

	object_set_str(o, row->owner, account);
	if (row->text)
		object_set_str(o, row->text, text);
	if (row->number)
		object_set_int(o, row->number, 1);
	if (row->kind == KIND_VOLUME)
		object_set_str(o, VOLUME_TYPE, "Data");
	return o;
}

static void refused(struct fixture *f, struct object *o, const char *quota)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char text[128];

	assert_int_equal(try_put(f, o, &e), -EDQUOT);
	assert_string_equal(e.code, "ID.1003");
	snprintf(text, sizeof(text),
		 "account[uuid: %s] exceeds a quota[name: %s, value: %d], Current used:%d", BOB, quota, LIMIT,
		 LIMIT);
	if (!strstr(error_sentence(&e), text))
		fail_msg("%s: '%s'", quota, error_sentence(&e));
}

static struct object *edited(struct fixture *f, enum kind_id kind, unsigned n)
{
	_cleanup_object_ const struct object *o = get(f, kind, test_uuid(n));

	return object_copy(o);
}

static int give_fn(struct txn *t, void *arg, struct error *e)
{
	return owner_change(t, view_get_any(txn_view(t), arg), BOB, e);
}

static void each_quota_holds(void **state)
{
	unsigned n = 1000, first;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct fixture *f;
		struct object *o;

		assert_int_equal(setup(state), 0);
		f = *state;
		first = n;
		assert_int_equal(store_run(f->store, limit_fn, (void *)(uintptr_t)row->quota, NULL), 0);
		/* the limit itself fits, what does not count fits, and others' objects do not count */
		for (int k = 0; k < LIMIT; k++)
			put(f, make_one(row, n++, BOB, row->takes));
		put(f, make_one(row, n++, ADMIN_ACCOUNT_UUID, row->takes));
		refused(f, make_one(row, n++, BOB, row->takes), row->quota);
		if (row->takes_not) {
			put(f, make_one(row, n, BOB, row->takes_not));
			/* start, recover */
			o = edited(f, row->kind, n++);
			object_set_str(o, row->text, row->takes);
			refused(f, o, row->quota);
		}
		/* given by an administrator */
		put(f, make_one(row, n, ADMIN_ACCOUNT_UUID, row->takes));
		assert_int_equal(store_run(f->store, give_fn, (void *)(uintptr_t)test_uuid(n), NULL),
				 -EDQUOT);
		n++;
		/* what changes nothing that counts is not refused */
		o = edited(f, row->kind, first);
		object_set_str(o, o->kind->name_field, "renamed");
		put(f, o);
		teardown(state);
	}
}

static void growth_is_refused_and_facts_are_not(void **state)
{
	struct fixture *f;
	struct object *o;

	assert_int_equal(setup(state), 0);
	f = *state;
	assert_int_equal(store_run(f->store, limit_fn, (void *)(uintptr_t) "volume.capacity", NULL), 0);
	put(f, make_one(&rows[8], 1, BOB, "Ready"));
	o = edited(f, KIND_VOLUME, 1);
	object_set_int(o, VOLUME_SIZE, LIMIT);
	put(f, o);
	/* what a job is enlarging it to counts from the moment that it is written */
	o = edited(f, KIND_VOLUME, 1);
	object_set_int(o, VOLUME_NEXT_SIZE, LIMIT + 1);
	refused(f, o, "volume.capacity");
	o = edited(f, KIND_VOLUME, 1);
	object_set_int(o, VOLUME_SIZE, 1);
	object_set_int(o, VOLUME_NEXT_SIZE, LIMIT);
	put(f, o);
	refused(f, make_one(&rows[8], 2, BOB, "Ready"), "volume.capacity");
	/* what a host reports has happened */
	store_set_cause(&CAUSE_NONE);
	o = edited(f, KIND_VOLUME, 1);
	object_set_int(o, VOLUME_SIZE, 1000);
	put(f, o);
	teardown(state);
}

static atomic_int done, over;

static void count_done(void *arg, int result, struct error *e)
{
	(void)arg;
	(void)e;
	if (result == -EDQUOT)
		atomic_fetch_add(&over, 1);
	atomic_fetch_add(&done, 1);
}

/* Changes that are posted together: each sees what the others have written. */
static void parallel_requests_cannot_pass_it(void **state)
{
	struct fixture *f;

	assert_int_equal(setup(state), 0);
	f = *state;
	assert_int_equal(store_run(f->store, limit_fn, (void *)(uintptr_t) "vm.totalNum", NULL), 0);
	for (unsigned n = 1; n <= 20; n++)
		assert_int_equal(store_post(f->store, fixture_put_fn, make_one(&rows[7], n, BOB, "Stopped"),
					    count_done),
				 0);
	/* the store answers in order */
	assert_int_equal(store_run(f->store, defaults_fn, (void *)(uintptr_t)BOB, NULL), 0);
	assert_int_equal(atomic_load(&done), 20);
	assert_int_equal(atomic_load(&over), 20 - LIMIT);
	teardown(state);
}

static void usage_is_what_counts(void **state)
{
	_cleanup_view_ struct view *view = NULL;
	struct fixture *f;
	const json_t *item;
	json_t *list;
	size_t i;

	assert_int_equal(setup(state), 0);
	f = *state;
	put(f, make_one(&rows[4], 1, BOB, "Running"));
	put(f, make_one(&rows[4], 2, BOB, "Stopped"));
	view = store_view(f->store);
	list = quota_usages(view, BOB);
	assert_int_equal(json_array_size(list), ARRAY_SIZE(rows));
	json_array_foreach (list, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		json_int_t used = json_integer_value(json_object_get(item, "used"));

		assert_true(json_integer_value(json_object_get(item, "total")) >= 20);
		if (strcmp(name, "vm.totalNum") == 0)
			assert_int_equal(used, 2);
		else if (strcmp(name, "vm.num") == 0 || strcmp(name, "vm.cpuNum") == 0)
			assert_int_equal(used, 1);
		else
			assert_int_equal(used, 0);
	}
	json_decref(list);
	list = quota_usages(view, ADMIN_ACCOUNT_UUID);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	teardown(state);
}

static int fill_fn(struct txn *t, void *arg, struct error *e)
{
	(void)arg;
	return quota_fill(t, e);
}

/* Accounts of older databases get theirs at the start, and what no version knows any more goes. */
static void missing_quotas_are_filled_in(void **state)
{
	_cleanup_view_ struct view *view = NULL;
	struct fixture *f;
	struct object *o;

	assert_int_equal(setup(state), 0);
	f = *state;
	o = make(KIND_ACCOUNT, test_uuid(5));
	object_set_str(o, ACCOUNT_TYPE, "Normal");
	put(f, o);
	o = make(KIND_QUOTA, test_uuid(6));
	object_set_str(o, QUOTA_IDENTITY_UUID, BOB);
	object_set_str(o, QUOTA_NAME, "vip.num");
	put(f, o);
	assert_int_equal(store_run(f->store, fill_fn, NULL, NULL), 0);
	view = store_view(f->store);
	assert_int_equal(view_count(view, KIND_QUOTA), 2 * ARRAY_SIZE(rows));
	assert_non_null(quota_find(view, test_uuid(5), "vm.num"));
	assert_null(quota_find(view, BOB, "vip.num"));
	assert_null(quota_find(view, ADMIN_ACCOUNT_UUID, "vm.num"));
	teardown(state);
}

/* With a VM go its volumes, their snapshots and the schedulers; shares follow. */
static void what_belongs_to_an_object_goes_with_it(void **state)
{
	static const struct {
		enum kind_id kind;
		int owner, link;
		const char *to;
	} parts[] = {
		{KIND_VM, VM_ACCOUNT_UUID, 0, NULL},
		{KIND_VOLUME, VOLUME_ACCOUNT_UUID, VOLUME_VM_UUID, "00000000000000000000000000000001"},
		{KIND_SNAPSHOT, SNAPSHOT_ACCOUNT_UUID, SNAPSHOT_VOLUME_UUID,
		 "00000000000000000000000000000002"},
		{KIND_SCHEDULER, SCHEDULER_ACCOUNT_UUID, SCHEDULER_TARGET_UUID,
		 "00000000000000000000000000000001"},
		{KIND_SCHEDULER, SCHEDULER_ACCOUNT_UUID, SCHEDULER_TARGET_UUID,
		 "00000000000000000000000000000002"},
		{KIND_VOLUME, VOLUME_ACCOUNT_UUID, 0, NULL}, /* detached: stays */
	};
	_cleanup_view_ struct view *view = NULL;
	struct fixture *f;

	assert_int_equal(setup(state), 0);
	f = *state;
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		struct object *o = make(parts[i].kind, test_uuid(i + 1));

		object_set_str(o, parts[i].owner, ADMIN_ACCOUNT_UUID);
		if (parts[i].link)
			object_set_str(o, parts[i].link, parts[i].to);
		put(f, o);
	}
	assert_int_equal(store_run(f->store, give_fn, (void *)(uintptr_t)test_uuid(1), NULL), 0);
	view = store_view(f->store);
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		assert_string_equal(
			object_str(view_get(view, parts[i].kind, test_uuid(i + 1)), parts[i].owner),
			i + 1 < ARRAY_SIZE(parts) ? BOB : ADMIN_ACCOUNT_UUID);
	teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_quota_holds),
		cmocka_unit_test(growth_is_refused_and_facts_are_not),
		cmocka_unit_test(parallel_requests_cannot_pass_it),
		cmocka_unit_test(usage_is_what_counts),
		cmocka_unit_test(missing_quotas_are_filled_in),
		cmocka_unit_test(what_belongs_to_an_object_goes_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
