/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of keys: sorted as by comparison, in their order where they are equal, as they were when memory is short. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/key_list.h"

static bool fails;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return fails ? NULL : __real_malloc(size);
}

static void fill(struct key_list *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t random = (uint64_t)rand() << 33 ^ (uint64_t)rand() << 10 ^ (uint64_t)rand();

		/* Some differ in a few bits only. */
		assert_int_equal(key_list_add(list, i % 3 ? random : random & 0xF00F00000000FFFFU), 0);
	}
	assert_int_equal(list->count, count);
}

/* By insertion, which keeps the order of equal keys. */
static void sort_simply(uint64_t *keys, size_t count, unsigned bit)
{
	for (size_t i = 1; i < count; i++) {
		uint64_t key = keys[i];
		size_t at = i;

		for (; at > 0 && keys[at - 1] >> bit > key >> bit; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

static void keys_are_sorted_from_a_bit_and_else_keep_their_order(void **state)
{
	(void)state;

	srand(1);
	for (unsigned bit = 0; bit < 64; bit += 8)
		for (size_t count = 0; count < 1500; count = count * 2 + 1) {
			struct key_list list = {0};
			uint64_t *expected = calloc(count + 1, sizeof(*expected));

			fill(&list, count);
			for (size_t i = 0; i < count; i++)
				expected[i] = list.keys[i];
			sort_simply(expected, count, bit);
			assert_int_equal(key_list_sort(&list, bit), 0);
			assert_int_equal(list.count, count);
			if (count)
				assert_memory_equal(list.keys, expected, count * sizeof(*expected));
			assert_int_equal(key_list_add(&list, 7), 0); /* it grows on */
			assert_int_equal(list.keys[count], 7);
			key_list_done(&list);
			assert_int_equal(list.count, 0);
			free(expected);
		}
}

static void a_list_that_cannot_be_sorted_is_as_it_was(void **state)
{
	struct key_list list = {0};
	uint64_t before[1000];
	(void)state;

	fill(&list, 1000);
	memcpy(before, list.keys, sizeof(before));
	fails = true;
	assert_int_equal(key_list_sort(&list, 0), -ENOMEM);
	fails = false;
	assert_int_equal(list.count, 1000);
	assert_memory_equal(list.keys, before, sizeof(before));
	key_list_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_sorted_from_a_bit_and_else_keep_their_order),
		cmocka_unit_test(a_list_that_cannot_be_sorted_is_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
