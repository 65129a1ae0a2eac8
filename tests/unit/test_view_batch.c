/* SPDX-License-Identifier: Apache-2.0 */
/* Objects put at once: readers and later changes find the same as after one by one; nothing is left when memory is short. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/view_batch.h"
#include "tests/unit/failing_memory.h"

/* Some of these are equal for queries. */
static const char *const texts[] = {"web", "WEB", "Web ", "wéb", "WÉB", "", " ", "db", "Running", "Stopped"};

/* One of @texts, or one that few others have. */
static const char *some_text(unsigned choice)
{
	static char text[32];

	if (choice % 3)
		return texts[choice % ARRAY_SIZE(texts)];
	snprintf(text, sizeof(text), "text-%u", choice % 100);
	return text;
}

static const struct object *random_object(enum kind_id kind, int64_t id)
{
	_cleanup_object_ struct object *o = object_new(kind_get(kind));
	const struct object *packed;
	char uuid[33];

	assert_non_null(o);
	o->id = id;
	snprintf(uuid, sizeof(uuid), "%032x", (unsigned)id);
	for (int f = 1; f < o->kind->field_count; f++)
		if (field_is_stored(&o->kind->fields[f]) && !field_is_integer(&o->kind->fields[f]) &&
		    rand() % 4)
			object_set_str(o, f, some_text((unsigned)rand()));
	object_set_str(o, FIELD_UUID, uuid);
	packed = object_pack(o);
	assert_non_null(packed);
	return packed;
}

static void assert_same_where(const struct view *a, const struct view *b, enum kind_id kind, int field,
			      const char *text)
{
	struct view_candidates x, y;
	int64_t at = 0;

	assert_int_equal(view_count_where(a, kind, field, text), view_count_where(b, kind, field, text));
	assert_int_equal(view_count_candidates(a, kind, field, text),
			 view_count_candidates(b, kind, field, text));
	assert_ptr_equal(view_newest_where(a, kind, field, text), view_newest_where(b, kind, field, text));
	view_for_each_where (o, a, kind, field, text) {
		assert_ptr_equal(view_next_where(b, kind, field, text, at), o);
		at = o->id;
	}
	assert_null(view_next_where(b, kind, field, text, at));
	view_candidates_init(&x, a, kind, field, text);
	view_candidates_init(&y, b, kind, field, text);
	at = 0;
	for (const struct object *o = view_candidates_next(&x, 0); o;
	     at = o->id, o = view_candidates_next(&x, at))
		assert_ptr_equal(view_candidates_next(&y, at), o);
	assert_null(view_candidates_next(&y, at));
}

/* The views have the very same objects of the kind, up to row id @last. */
static void assert_same(const struct view *a, const struct view *b, enum kind_id kind, int64_t last)
{
	struct view_walk walk;
	int64_t at = 0;

	assert_int_equal(view_count(a, kind), view_count(b, kind));
	view_walk_init(&walk, b, kind, -1);
	view_for_each (o, a, kind) {
		assert_ptr_equal(view_next(b, kind, at), o);
		assert_ptr_equal(view_walk_next(&walk), o);
		assert_ptr_equal(view_get(b, kind, object_uuid(o)), o);
		at = o->id;
	}
	assert_null(view_next(b, kind, at));
	assert_null(view_walk_next(&walk));
	for (int64_t id = 0; id <= last + 1; id++)
		assert_ptr_equal(view_get_id(a, kind, id), view_get_id(b, kind, id));
	for (int f = 1; f < kind_get(kind)->field_count; f++) {
		if (!(kind_get(kind)->fields[f].flags & F_INDEX))
			continue;
		for (unsigned i = 0; i < 300; i += i < 3 * ARRAY_SIZE(texts) ? 1 : 17)
			assert_same_where(a, b, kind, f, some_text(i));
		assert_same_where(a, b, kind, f, "nowhere");
	}
}

/* The same change of both. */
static void change(struct view *a, struct view *b, enum kind_id kind, int64_t last)
{
	int64_t id = 1 + rand() % (last + 10);
	const struct object *old = view_get_id(a, kind, id);
	_cleanup_object_ const struct object *o = NULL;

	if (old && rand() % 2) {
		o = object_ref(old);
		assert_int_equal(view_remove(a, o), 0);
		assert_int_equal(view_remove(b, o), 0);
		return;
	}
	o = random_object(kind, id);
	assert_int_equal(view_put(a, o), 0);
	assert_int_equal(view_put(b, o), 0);
}

/* Fills @one by one, and @batch at once, with the same; returns the last id. */
static int64_t fill(struct view *one, struct view *at_once, enum kind_id kind, int count)
{
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(at_once, kind_get(kind));
	int64_t id = 0;

	assert_non_null(batch);
	for (int i = 0; i < count; i++) {
		_cleanup_object_ const struct object *o = random_object(kind, id += 1 + rand() % 3);

		assert_int_equal(view_put(one, o), 0);
		assert_int_equal(view_batch_add(batch, o), 0);
	}
	assert_int_equal(view_batch_put(batch), 0);
	return id;
}

static void what_is_put_at_once_is_found_and_changed_as_if_put_one_by_one(void **state)
{
	static const int counts[] = {0, 1, 2, 16, 17, 64, 65, 300, 600};
	(void)state;

	srand(5);
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		enum kind_id kind = (enum kind_id)k;
		int count = k == KIND_VM ? 1500 : counts[(size_t)k % ARRAY_SIZE(counts)];
		_cleanup_view_ struct view *one = view_new(), *at_once = view_new();
		_cleanup_view_ struct view *one_before = NULL, *at_once_before = NULL;
		int64_t last = fill(one, at_once, kind, count);

		assert_same(one, at_once, kind, last);
		for (int i = 0; i < count / 2; i++) /* of nodes that nobody else refers to */
			change(one, at_once, kind, last);
		assert_same(one, at_once, kind, last + 10);
		one_before = view_copy(one, 1);
		at_once_before = view_copy(at_once, 1);
		for (int i = 0; i < count / 2; i++) /* of shared ones */
			change(one, at_once, kind, last);
		assert_same(one, at_once, kind, last + 10);
		assert_same(one_before, at_once_before, kind, last + 10);
	}
}

/* So many that some texts have the same bits of the hash, whatever its key. */
static void texts_that_share_a_bucket_by_chance_stay_apart(void **state)
{
	enum { MANY = 20000 };
	_cleanup_view_ struct view *view = view_new();
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_VM));
	size_t candidates = 0;
	char name[16];
	(void)state;

	for (int i = 1; i <= MANY; i++) {
		_cleanup_object_ struct object *o = object_new(kind_get(KIND_VM));
		_cleanup_object_ const struct object *packed = NULL;

		snprintf(name, sizeof(name), "vm-%d", i);
		object_set_str(o, VM_NAME, name);
		o->id = i;
		packed = object_pack(o);
		assert_int_equal(view_batch_add(batch, packed), 0);
	}
	assert_int_equal(view_batch_put(batch), 0);
	for (int i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "vm-%d", i);
		assert_int_equal(view_count_where(view, KIND_VM, VM_NAME, name), 1);
		assert_int_equal(view_next_where(view, KIND_VM, VM_NAME, name, 0)->id, i);
		candidates += view_count_candidates(view, KIND_VM, VM_NAME, name);
	}
	assert_true(candidates > (size_t)MANY);
}

static void ids_ascend_within_limits(void **state)
{
	static const struct {
		int64_t first, second;
		int expected;
	} cases[] = {
		{1, 2, 0},
		{2, 1, -EINVAL},
		{2, 2, -EINVAL},
		{0, 0, -EINVAL},
		{-5, 0, -EINVAL},
		{1, VIEW_ID_MAX - 1, 0},
		{1, VIEW_ID_MAX, -ERANGE},
		{VIEW_ID_MAX, 0, -ERANGE},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_view_ struct view *view = view_new();
		_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_VM));
		_cleanup_object_ const struct object *first = random_object(KIND_VM, cases[i].first);
		_cleanup_object_ const struct object *second = random_object(KIND_VM, cases[i].second);
		int r = view_batch_add(batch, first);

		if (r == 0)
			r = view_batch_add(batch, second);
		assert_int_equal(r, cases[i].expected);
		if (r < 0)
			continue;
		assert_int_equal(view_batch_put(batch), 0);
		assert_int_equal(view_count(view, KIND_VM), 2);
	}
}

static void takes(const struct object *o, int64_t ret[TAKES_MAX])
{
	ret[o->kind->id == KIND_VM ? 0 : 1] = o->id;
}

/* What accounts have is summed up as for objects that are put one by one, of several kinds together. */
static void sums_are_those_of_objects_put_one_by_one(void **state)
{
	static const enum kind_id kinds[] = {KIND_VM, KIND_VOLUME, KIND_ZONE};
	static const char *const accounts[] = {"alice", "bob", "carol", NULL};
	_cleanup_view_ struct view *a = view_new(), *b = view_new();
	const char *account = NULL;
	(void)state;

	srand(6);
	view_tally(a, takes);
	view_tally(b, takes);
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		const struct kind *kind = kind_get(kinds[k]);
		_cleanup_view_batch_ struct view_batch *batch = view_batch_new(b, kind);

		for (int64_t id = 1; id <= 300; id++) {
			_cleanup_object_ const struct object *packed = random_object(kind->id, id);
			_cleanup_object_ struct object *o = object_copy(packed);

			account = rand() % 3 ? account : accounts[rand() % 4];
			if (kind->owner_field >= 0)
				object_set_str(o, kind->owner_field, account);
			assert_int_equal(view_put(a, o), 0);
			assert_int_equal(view_batch_add(batch, o), 0);
		}
		assert_int_equal(view_batch_put(batch), 0);
		assert_int_equal(view_batch_sum(batch), 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_true(view_taken(b, accounts[i], 0) > 300 && view_taken(b, accounts[i], 1) > 300);
		for (int which = 0; which < TAKES_MAX; which++)
			assert_int_equal(view_taken(a, accounts[i], which),
					 view_taken(b, accounts[i], which));
	}
}

/* 0, or -ENOMEM of any of the steps. */
static int put_all(struct view *view, const struct object *const *objects, size_t count)
{
	_cleanup_view_batch_ struct view_batch *batch = view_batch_new(view, kind_get(KIND_VM));
	int r = batch ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && r == 0; i++)
		r = view_batch_add(batch, objects[i]);
	return r < 0 ? r : view_batch_put(batch);
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
	enum { COUNT = 200 };
	const struct object *objects[COUNT];
	_cleanup_view_ struct view *view = view_new();
	int r = -ENOMEM, failures = 0;
	(void)state;

	for (int i = 0; i < COUNT; i++)
		objects[i] = random_object(KIND_VM, i + 1);
	for (; r < 0; failures++) {
		fail_after = failures;
		r = put_all(view, objects, COUNT);
		fail_after = -1;
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(view_count(view, KIND_VM), 0);
		assert_null(view_next_where(view, KIND_VM, VM_STATE, "Running", 0));
		assert_int_equal(view_count_candidates(view, KIND_VM, VM_STATE, "Running"), 0);
		for (int i = 0; i < COUNT; i++)
			assert_true(ref_is_unique(&objects[i]->ref));
	}
	assert_true(failures > 50);
	assert_int_equal(view_count(view, KIND_VM), COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_false(ref_is_unique(&objects[i]->ref));
		object_unref(objects[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_at_once_is_found_and_changed_as_if_put_one_by_one),
		cmocka_unit_test(texts_that_share_a_bucket_by_chance_stay_apart),
		cmocka_unit_test(ids_ascend_within_limits),
		cmocka_unit_test(sums_are_those_of_objects_put_one_by_one),
		cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
