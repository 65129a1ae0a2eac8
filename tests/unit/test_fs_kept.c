/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes whose attributes the kernel may keep. */
#include "tests/unit/test.h"

#include "fs/tree/kept.h"
#include "model/cleanup.h"
#include "model/keep.h"

#define ALL (~UINT64_C(0))

static struct node node_of(int64_t row, enum node_class class, unsigned index)
{
	return (struct node){.kind = KIND_VM, .row = row, .class = class, .index = index};
}

static int setup(void **state)
{
	*state = kept_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	kept_free(*state);
	return 0;
}

static void nodes_are_taken_once(void **state)
{
	struct kept *kept = *state;
	const struct node self = node_of(7, N_OBJECT, 0), value = node_of(7, N_VALUE, 5);

	assert_int_equal(kept_take(kept, self, ALL), 0);
	assert_int_equal(kept_add(kept, self), 0);
	assert_int_equal(kept_add(kept, value), 0);
	assert_int_equal(kept_add(kept, value), 0);
	assert_int_equal(kept_take(kept, self, kept_bit(node_of(7, N_VALUE, 6))), 0);
	assert_int_equal(kept_take(kept, self, kept_bit(value)), kept_bit(value));
	assert_int_equal(kept_take(kept, self, kept_bit(value)), 0);
	assert_int_equal(kept_take(kept, value, ALL), kept_bit(self));
	assert_int_equal(kept_take(kept, self, ALL), 0);
}

static void nodes_without_object_are_their_own(void **state)
{
	struct kept *kept = *state;
	const struct node a = {.class = N_FOLDER, .index = 3}, b = {.class = N_FOLDER, .index = 4};

	assert_int_equal(kept_add(kept, a), 0);
	assert_int_equal(kept_take(kept, b, ALL), 0);
	assert_int_equal(kept_take(kept, a, kept_bit(a)), kept_bit(a));
}

/* Files of one object have bits of their own. */
static void bits_differ(void **state)
{
	static const enum node_class single[] = {N_OBJECT, N_JOB, N_INVENTORY};
	uint64_t seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(single); i++) {
		assert_int_equal(seen & kept_bit(node_of(1, single[i], 0)), 0);
		seen |= kept_bit(node_of(1, single[i], 0));
	}
	for (unsigned i = 0; i < 61; i++) {
		assert_int_equal(seen & kept_bit(node_of(1, N_VALUE, i)), 0);
		seen |= kept_bit(node_of(1, N_VALUE, i));
	}
	assert_int_equal(seen, ALL);
}

/* The table grows, and removing an object loses none of those whose slots follow. */
static void many_objects_come_and_go(void **state)
{
	enum { COUNT = 20000 };
	struct kept *kept = *state;

	for (int64_t row = 1; row <= COUNT; row++)
		assert_int_equal(kept_add(kept, node_of(row, N_VALUE, (unsigned)row % 20)), 0);
	for (int64_t row = 1; row <= COUNT; row += 3) {
		assert_int_not_equal(kept_take(kept, node_of(row, N_OBJECT, 0), ALL), 0);
		kept_forget(kept, node_of(row, N_VALUE, 1));
	}
	for (int64_t row = 1; row <= COUNT; row++) {
		uint64_t bit = kept_bit(node_of(row, N_VALUE, (unsigned)row % 20));

		assert_int_equal(kept_take(kept, node_of(row, N_OBJECT, 0), ALL), row % 3 == 1 ? 0 : bit);
	}
}

/*
 * The next process counts as kept by the kernel all that the former ones have given it, whether it was taken meanwhile or
 * not, of objects that are not gone.
 */
static void the_next_process_knows_what_was_given(void **state)
{
	const struct node a = node_of(7, N_VALUE, 5), b = node_of(7, N_OBJECT, 0),
			  gone = node_of(8, N_OBJECT, 0), folder = {.class = N_FOLDER, .index = 3};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ uint64_t *list = NULL;
	struct keep *keep = NULL;
	struct kept *kept;
	size_t count = 0;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	kept = kept_new(keep);
	assert_non_null(kept);
	/* in the middle of a request, of which nothing becomes valid */
	assert_true(keep_begin(keep));
	assert_int_equal(kept_add(kept, a), 0);
	assert_int_equal(kept_add(kept, b), 0);
	assert_int_equal(kept_add(kept, folder), 0);
	keep_flush_with(keep, KEEP_LAST_ERROR, 1, "changed", 7);
	assert_false(keep_has(keep, KEEP_LAST_ERROR, 1)); /* nothing waits for the end of the request */
	keep_commit(keep);
	assert_int_equal(kept_add(kept, gone), 0);
	assert_int_equal(kept_take(kept, b, kept_bit(a)), kept_bit(a));
	assert_int_equal(kept_take(kept, gone, ALL), kept_bit(gone));
	kept_forget(kept, gone);
	kept_free(kept); /* as by SIGKILL: the keep is not told */
	keep_free(keep);

	assert_int_equal(keep_open(fd, &keep, &e), 0);
	kept = kept_new(keep);
	assert_non_null(kept);
	list = kept_list(kept, &count);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		assert_true(list[i] == node_pack(b) || list[i] == node_pack(folder));
	assert_int_not_equal(list[0], list[1]);
	assert_int_equal(kept_take(kept, b, ALL), kept_bit(a) | kept_bit(b));
	assert_int_equal(kept_take(kept, b, ALL), 0);
	assert_int_equal(kept_take(kept, folder, kept_bit(folder)), kept_bit(folder));
	assert_int_equal(kept_take(kept, gone, ALL), 0);
	kept_free(kept);
	keep_free(keep);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nodes_are_taken_once, setup, teardown),
		cmocka_unit_test_setup_teardown(nodes_without_object_are_their_own, setup, teardown),
		cmocka_unit_test(bits_differ),
		cmocka_unit_test(the_next_process_knows_what_was_given),
		cmocka_unit_test_setup_teardown(many_objects_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests_name("fs_kept", tests, NULL, NULL);
}
