/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes whose attributes the kernel may keep. */
#include "tests/unit/test.h"

#include "fs/tree/kept.h"
#include "model/cleanup.h"

#define ALL (~UINT64_C(0))

static struct node node_of(int64_t row, enum node_class class, unsigned index)
{
	return (struct node){.kind = KIND_VM, .row = row, .class = class, .index = index};
}

static int setup(void **state)
{
	*state = kept_new();
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
	for (int64_t row = 1; row <= COUNT; row += 3)
		assert_int_not_equal(kept_take(kept, node_of(row, N_OBJECT, 0), ALL), 0);
	for (int64_t row = 1; row <= COUNT; row++) {
		uint64_t bit = kept_bit(node_of(row, N_VALUE, (unsigned)row % 20));

		assert_int_equal(kept_take(kept, node_of(row, N_OBJECT, 0), ALL), row % 3 == 1 ? 0 : bit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nodes_are_taken_once, setup, teardown),
		cmocka_unit_test_setup_teardown(nodes_without_object_are_their_own, setup, teardown),
		cmocka_unit_test(bits_differ),
		cmocka_unit_test_setup_teardown(many_objects_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests_name("fs_kept", tests, NULL, NULL);
}
