/* SPDX-License-Identifier: Apache-2.0 */
/* Views: indexes follow every change, walks are in order of creation, a snapshot never changes. */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "model/uuid.h"
#include "model/view.h"

static struct object *vm(int64_t id, const char *name, const char *host)
{
	struct object *o = object_new(kind_get(KIND_VM));
	char uuid[UUID_SIZE];

	assert_non_null(o);
	snprintf(uuid, sizeof(uuid), "%032x", (unsigned)id);
	object_set_str(o, VM_UUID, uuid);
	object_set_str(o, VM_NAME, name);
	object_set_str(o, VM_HOST_UUID, host);
	o->id = id;
	return o;
}

static void put(struct view *view, struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

static void indexes_follow_changes(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	const struct object *o;
	int n = 0;
	(void)state;

	put(view, vm(1, "a", "h1"));
	put(view, vm(2, "b", "h1"));
	put(view, vm(3, "c", NULL));
	assert_int_equal(view_count(view, KIND_VM), 3);
	view_for_each_where (each, view, KIND_VM, VM_HOST_UUID, "h1")
		assert_int_equal(each->id, ++n);
	assert_int_equal(n, 2);
	put(view, vm(1, "a", "h2"));
	put(view, vm(3, "c2", "h1"));
	o = view_next_where(view, KIND_VM, VM_HOST_UUID, "h1", 0);
	assert_int_equal(o->id, 2);
	o = view_next_where(view, KIND_VM, VM_HOST_UUID, "h1", 2);
	assert_int_equal(o->id, 3);
	assert_null(view_next_where(view, KIND_VM, VM_HOST_UUID, "h1", 3));
	assert_null(view_next_where(view, KIND_VM, VM_NAME, "c", 0));
	o = view_get(view, KIND_VM, "00000000000000000000000000000003");
	assert_int_equal(view_remove(view, o), 0);
	assert_null(view_get(view, KIND_VM, "00000000000000000000000000000003"));
	assert_null(view_get_id(view, KIND_VM, 3));
	assert_int_equal(view_count_where(view, KIND_VM, VM_HOST_UUID, "h1"), 1);
	assert_null(view_get(view, KIND_VM, NULL));
	assert_null(view_get_any(view, "nonsense"));
}

/* Same hash because equal for queries, yet different texts: lookups are exact, candidates are all of them. */
static void texts_that_differ_in_case_share_a_bucket_and_stay_apart(void **state)
{
	static const char *const names[] = {"web", "WEB", "Web ", "web", "wéb", "WÉB"};
	_cleanup_view_ struct view *view = view_new();
	struct view_candidates candidates;
	int exact = 0, count = 0;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put(view, vm((int64_t)i + 1, names[i], NULL));
	view_for_each_where (o, view, KIND_VM, VM_NAME, "web")
		exact++;
	assert_int_equal(exact, 2);
	view_candidates_init(&candidates, view, KIND_VM, VM_NAME, "wEb");
	for (const struct object *o = view_candidates_next(&candidates, 0); o;
	     o = view_candidates_next(&candidates, o->id))
		count++;
	assert_int_equal(count, 4);
	assert_int_equal(view_count_candidates(view, KIND_VM, VM_NAME, "wEb"), 4);
	assert_int_equal(view_count_where(view, KIND_VM, VM_NAME, "web"), 2);
	assert_null(view_next_where(view, KIND_VM, VM_NAME, "wEb", 0));
	assert_int_equal(view_next_where(view, KIND_VM, VM_NAME, "WÉB", 0)->id, 6);
}

/* So many that some have the same bits of the hash, whatever its key. */
static void those_that_have_a_text_are_walked(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	struct view_having having;
	const struct object *o;
	bool seen[5] = {false};
	(void)state;

	view_having_init(&having, view, KIND_VM, VM_HOST_UUID);
	assert_null(view_having_next(&having));
	put(view, vm(1, "a", NULL));
	put(view, vm(2, "b", "h1"));
	put(view, vm(3, "c", "h2"));
	put(view, vm(4, "d", "h1"));
	put(view, vm(3, "c", NULL));
	view_having_init(&having, view, KIND_VM, VM_HOST_UUID);
	while ((o = view_having_next(&having))) {
		assert_false(seen[o->id]);
		seen[o->id] = true;
	}
	assert_true(seen[2] && seen[4] && !seen[1] && !seen[3]);
}

static void texts_that_share_a_bucket_by_chance_stay_apart(void **state)
{
	const int many = 40000;
	_cleanup_view_ struct view *view = view_new();
	size_t candidates = 0;
	char name[16];
	(void)state;

	for (int i = 1; i <= many; i++) {
		snprintf(name, sizeof(name), "vm-%d", i);
		put(view, vm(i, name, NULL));
	}
	for (int i = 1; i <= many; i++) {
		snprintf(name, sizeof(name), "vm-%d", i);
		assert_int_equal(view_count_where(view, KIND_VM, VM_NAME, name), 1);
		assert_int_equal(view_next_where(view, KIND_VM, VM_NAME, name, 0)->id, i);
		assert_null(view_next_where(view, KIND_VM, VM_NAME, name, i));
		candidates += view_count_candidates(view, KIND_VM, VM_NAME, name);
	}
	assert_true(candidates > (size_t)many);
}

static void names_longer_than_the_hashed_part_work(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	char a[2000], b[2000];
	(void)state;

	memset(a, 'x', sizeof(a));
	a[sizeof(a) - 1] = '\0';
	memcpy(b, a, sizeof(b));
	b[sizeof(b) - 2] = 'y';
	put(view, vm(1, a, NULL));
	put(view, vm(2, b, NULL));
	assert_int_equal(view_next_where(view, KIND_VM, VM_NAME, a, 0)->id, 1);
	assert_int_equal(view_next_where(view, KIND_VM, VM_NAME, b, 0)->id, 2);
	assert_null(view_next_where(view, KIND_VM, VM_NAME, a, 1));
}

static void a_snapshot_never_changes(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	_cleanup_view_ struct view *old = NULL;
	(void)state;

	for (int i = 1; i <= 1000; i++)
		put(view, vm(i, i % 2 ? "odd" : "even", NULL));
	old = view_copy(view, 1);
	for (int i = 1; i <= 1000; i++) {
		const struct object *o = view_get_id(view, KIND_VM, i);

		if (i % 3 == 0)
			assert_int_equal(view_remove(view, o), 0);
		else
			put(view, vm(i, "new", NULL));
	}
	view_set_changed(view, KIND_VM, 7);
	assert_int_equal(view_count(view, KIND_VM), 667);
	assert_int_equal(view_count_where(view, KIND_VM, VM_NAME, "new"), 667);
	assert_int_equal(view_count_where(view, KIND_VM, VM_NAME, "odd"), 0);
	assert_int_equal(view_count(old, KIND_VM), 1000);
	assert_int_equal(view_count_where(old, KIND_VM, VM_NAME, "odd"), 500);
	assert_int_equal(view_changed(old, KIND_VM), 0);
	assert_int_equal(view_version(old), 1);
	int64_t id = 0;
	view_for_each (o, old, KIND_VM) {
		assert_int_equal(o->id, ++id);
		assert_string_equal(object_str(o, VM_NAME), id % 2 ? "odd" : "even");
	}
	assert_int_equal(id, 1000);
	struct view_walk walk;
	view_walk_init(&walk, old, KIND_VM, VM_NAME);
	for (id = 1; id <= 1000; id++)
		assert_int_equal(view_walk_next(&walk)->id, id);
	assert_null(view_walk_next(&walk));
	assert_null(view_walk_next(&walk));
}

static void walks_prefetch_long_texts_too(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	struct object *job = object_new(kind_get(KIND_JOB));
	_cleanup_free_ char *text = NULL;
	struct view_walk walk;
	(void)state;

	object_set_str(job, JOB_UUID, "00000000000000000000000000000001");
	object_set_str(job, JOB_REQUEST, "{}");
	job->id = 1;
	put(view, job);
	view_walk_init(&walk, view, KIND_JOB, JOB_REQUEST);
	text = object_long_text(view_walk_next(&walk), JOB_REQUEST);
	assert_string_equal(text, "{}");
	assert_null(view_walk_next(&walk));
}

static void walks_resume_after_an_id_that_is_gone(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	(void)state;

	put(view, vm(10, "a", NULL));
	put(view, vm(30, "b", NULL));
	assert_int_equal(view_next(view, KIND_VM, 20)->id, 30);
	assert_int_equal(view_next(view, KIND_VM, 0)->id, 10);
	assert_null(view_next(view, KIND_VM, 30));
	assert_null(view_next(view, KIND_HOST, 0));
}

static void ids_are_limited(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	_cleanup_object_ struct object *beyond = vm(VIEW_ID_MAX, "a", NULL);
	(void)state;

	put(view, vm(1, "a", NULL));
	put(view, vm(VIEW_ID_MAX - 1, "a", NULL));
	assert_int_equal(view_put(view, beyond), -ERANGE);
	assert_int_equal(view_count(view, KIND_VM), 2);
	assert_int_equal(view_count_where(view, KIND_VM, VM_NAME, "a"), 2);
	assert_int_equal(view_newest_where(view, KIND_VM, VM_NAME, "a")->id, VIEW_ID_MAX - 1);
	assert_int_equal(view_next_where(view, KIND_VM, VM_NAME, "a", 1)->id, VIEW_ID_MAX - 1);
	assert_null(view_next_where(view, KIND_VM, VM_NAME, "a", VIEW_ID_MAX - 1));
}

static int asked;

/* A VM takes 1 of the first number, and its CPUs of the second. */
static void takes(const struct object *o, int64_t ret[TAKES_MAX])
{
	asked++;
	if (o->kind->id != KIND_VM)
		return;
	ret[0] = 1;
	ret[1] = object_int(o, VM_CPU_NUM);
}

static struct object *owned(int64_t id, const char *account, int64_t cpus)
{
	struct object *o = vm(id, "a", NULL);

	object_set_str(o, VM_ACCOUNT_UUID, account);
	object_set_int(o, VM_CPU_NUM, cpus);
	return o;
}

static void assert_taken(const struct view *view, const char *account)
{
	int64_t count = 0, cpus = 0;

	view_for_each_where (o, view, KIND_VM, VM_ACCOUNT_UUID, account) {
		count++;
		cpus += object_int(o, VM_CPU_NUM);
	}
	assert_int_equal(view_taken(view, account, 0), count);
	assert_int_equal(view_taken(view, account, 1), cpus);
}

static void sums_follow_every_change(void **state)
{
	static const char *const accounts[] = {"alice", "bob", NULL};
	_cleanup_view_ struct view *view = view_new(), *before = NULL;
	(void)state;

	srand(4);
	view_tally(view, takes);
	put(view, owned(1, "alice", 3));
	before = view_copy(view, 1);
	for (int i = 0; i < 2000; i++) {
		int64_t id = 1 + rand() % 50;
		const struct object *o = rand() % 4 ? NULL : view_get_id(view, KIND_VM, id);

		if (o)
			assert_int_equal(view_remove(view, o), 0);
		else
			put(view, owned(id, accounts[rand() % 3], rand() % 9));
		assert_taken(view, "alice");
		assert_taken(view, "bob");
	}
	assert_int_equal(view_taken(before, "alice", 1), 3);
	assert_int_equal(view_taken(before, "bob", 0), 0);
	put(before, owned(2, "bob", INT32_MAX));
	assert_int_equal(view_taken(before, "bob", 1), INT32_MAX);
}

static void a_change_costs_the_same_however_much_there_is(void **state)
{
	_cleanup_view_ struct view *view = view_new();
	(void)state;

	view_tally(view, takes);
	for (int i = 1; i <= 10000; i++)
		put(view, owned(i, "alice", 1));
	asked = 0;
	put(view, owned(10001, "alice", 1));
	assert_int_equal(asked, 1);
	put(view, owned(10001, "alice", 2));
	assert_int_equal(asked, 3);
	assert_int_equal(view_taken(view, "alice", 1), 10002);
	assert_int_equal(asked, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indexes_follow_changes),
		cmocka_unit_test(texts_that_differ_in_case_share_a_bucket_and_stay_apart),
		cmocka_unit_test(those_that_have_a_text_are_walked),
		cmocka_unit_test(texts_that_share_a_bucket_by_chance_stay_apart),
		cmocka_unit_test(names_longer_than_the_hashed_part_work),
		cmocka_unit_test(a_snapshot_never_changes),
		cmocka_unit_test(walks_prefetch_long_texts_too),
		cmocka_unit_test(walks_resume_after_an_id_that_is_gone),
		cmocka_unit_test(ids_are_limited),
		cmocka_unit_test(sums_follow_every_change),
		cmocka_unit_test(a_change_costs_the_same_however_much_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
