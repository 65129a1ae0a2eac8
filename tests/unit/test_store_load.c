/* SPDX-License-Identifier: Apache-2.0 */
/* The rows are read at the start, by several threads if they can. */
#include "tests/unit/fixture.h"

#include <sys/resource.h>

/* Lock, database, log, its index; database and log for texts that have left memory; one that another thread may take. */
#define DESCRIPTORS	 7
#define DESCRIPTORS_MOST 64

/* Only DESCRIPTORS are free from now on. */
static void use_up_descriptors(struct rlimit *ret_former)
{
	int last[DESCRIPTORS], fd;
	struct rlimit limit;
	size_t n = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_former), 0);
	limit = *ret_former;
	limit.rlim_cur = DESCRIPTORS_MOST;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = dup(STDIN_FILENO)) >= 0)
		last[n++ % DESCRIPTORS] = fd;
	assert_true(n > DESCRIPTORS);
	for (size_t i = 0; i < DESCRIPTORS; i++)
		assert_int_equal(close(last[i]), 0);
}

/* A thread that could help to read, and for which there are too few descriptors, does without that. */
static void a_few_descriptors_are_enough(void **state)
{
	struct fixture *f = *state;
	struct rlimit former;

	for (unsigned i = 0; i < 100; i++)
		put(f, make(KIND_ZONE, test_uuid(i)));
	store_close(f->store);
	f->store = NULL;
	use_up_descriptors(&former);
	for (int i = 0; i < 100; i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		struct view *view;

		if (store_open(f->dir, NULL, &f->store, &e) < 0)
			fail_msg("store_open: %s", error_sentence(&e));
		view = store_view(f->store);
		assert_int_equal(view_count(view, KIND_ZONE), 100);
		view_unref(view);
		store_close(f->store);
		f->store = NULL;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &former), 0);
}

static void takes(const struct object *o, int64_t ret[TAKES_MAX])
{
	ret[0] = o->id;
	ret[1] = 1;
}

static int put_owned(struct txn *t, void *arg, struct error *e)
{
	static const enum kind_id kinds[] = {KIND_VM, KIND_VOLUME, KIND_SNAPSHOT, KIND_IMAGE};
	int r = 0;

	(void)arg;
	for (unsigned i = 0; i < 2000 && r == 0; i++) {
		struct object *o = make(kinds[i % ARRAY_SIZE(kinds)], test_uuid(100 + i));

		object_set_str(o, o->kind->owner_field, test_uuid(i % 3));
		r = txn_put(t, o, NULL, e);
	}
	return r;
}

/* Accounts have objects of several kinds, which several threads read. */
static void what_accounts_have_is_summed_up(void **state)
{
	struct fixture *f = *state;
	int64_t sums[3][2];
	struct view *view;

	f->takes = takes;
	fixture_reopen(f);
	assert_int_equal(store_run(f->store, put_owned, NULL, NULL), 0);
	view = store_view(f->store);
	for (unsigned i = 0; i < 3; i++)
		for (int which = 0; which < 2; which++) {
			sums[i][which] = view_taken(view, test_uuid(i), which);
			assert_true(sums[i][which] > 600);
		}
	view_unref(view);
	for (int n = 0; n < 10; n++) {
		fixture_reopen(f);
		view = store_view(f->store);
		for (unsigned i = 0; i < 3; i++)
			for (int which = 0; which < 2; which++)
				assert_int_equal(view_taken(view, test_uuid(i), which), sums[i][which]);
		view_unref(view);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_accounts_have_is_summed_up, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(a_few_descriptors_are_enough, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests_name("store_load", tests, NULL, NULL);
}
