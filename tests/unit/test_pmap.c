/* SPDX-License-Identifier: Apache-2.0 */
/* The persistent map: same answers as an array, old versions unchanged, intact after a failed allocation. */
#include "tests/unit/test.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"
#include "model/pmap.h"

#define KEYS 512

struct counted {
	struct ref ref;
	int number;
};

static int alive;
/* Allocations that succeed before one fails; negative: none fails. */
static int fail_after = -1;

/* Bytes of what malloc() has given and free() has not got back. */
static size_t bytes;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	void *p;

	if (fail_after == 0)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	p = __real_malloc(size);
	bytes += p ? malloc_usable_size(p) : 0;
	return p;
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	bytes -= p ? malloc_usable_size(p) : 0;
	__real_free(p);
}

static void counted_destroy(struct ref *self)
{
	alive--;
	__real_free(self);
}

static struct ref *counted_new(int number)
{
	struct counted *c = __real_malloc(sizeof(*c));

	assert_non_null(c);
	ref_init(&c->ref, counted_destroy);
	c->number = number;
	alive++;
	return &c->ref;
}

/* What a map should hold: a number per key, 0 = absent. Of the keys, which are those of spread(), the place counts. */
typedef int model[KEYS + 1];

/* How far apart the keys are: a leaf has them in one byte each, in more, or in all eight. */
static int apart;

/* The @i-th key, of 1 to KEYS, in ascending order. */
static uint64_t spread(uint64_t i)
{
	switch (apart) {
	case 0:
		return i;
	case 1:
		return i * i * 3;
	case 2:
		return (i / 40) << 40 | (i % 40 + 1) * 1000; /* groups, whose lower parts begin anew */
	case 3:
		return i << 40 | (i * UINT64_C(2654435761) & 0xffffff);
	case 4:
		return i << 50 | (KEYS - i) * 0x7fffffff;
	default:
		return i == KEYS ? UINT64_MAX - 1 : i * (UINT64_MAX / (KEYS + 1));
	}
}
#define APART_COUNT 6

/* A cursor that begins after @key sees what follows it. */
static void check_cursor_after(const struct pmap *map, uint64_t key)
{
	struct pmap_cursor cursor;
	struct ref *value;

	pmap_cursor_init_after(&cursor, map, key);
	for (int i = 0; i < 3 && pmap_next(map, key, &key, &value); i++)
		assert_ptr_equal(pmap_cursor_next(&cursor), value);
	if (!pmap_next(map, key, NULL, NULL))
		assert_null(pmap_cursor_next(&cursor));
}

static void check(const struct pmap *map, const model expected)
{
	size_t count = 0;
	uint64_t at = 0;
	struct pmap_cursor cursor;

	pmap_cursor_init(&cursor, map);
	check_cursor_after(map, 0);
	for (uint64_t i = 1; i <= KEYS; i++) {
		struct ref *value = NULL, *next;
		uint64_t next_key, key = spread(i);

		check_cursor_after(map, key);
		assert_int_equal(pmap_get(map, key, &value), expected[i] != 0);
		assert_false(pmap_get(map, key ^ UINT64_C(1) << 63, NULL));
		if (apart) {
			assert_false(pmap_get(map, key + 1, NULL));
			assert_int_equal(pmap_rank(map, key - 1), count);
			assert_int_equal(pmap_rank(map, key + 1), count + (expected[i] != 0));
		}
		assert_int_equal(pmap_rank(map, key), count);
		assert_int_equal(pmap_previous(map, key, &next_key), at != 0);
		assert_int_equal(at ? next_key : 0, at);
		if (!expected[i])
			continue;
		count++;
		assert_int_equal(((struct counted *)value)->number, expected[i]);
		assert_true(pmap_next(map, at, &next_key, &next));
		assert_int_equal(next_key, key);
		assert_ptr_equal(next, value);
		assert_ptr_equal(pmap_cursor_next(&cursor), value);
		at = key;
	}
	assert_false(pmap_next(map, at, NULL, NULL));
	assert_null(pmap_cursor_next(&cursor));
	assert_null(pmap_cursor_next(&cursor));
	assert_int_equal(pmap_count(map), count);
	assert_int_equal(pmap_rank(map, UINT64_MAX), count);
	assert_int_equal(pmap_previous(map, UINT64_MAX, &at), count != 0);
}

static void change(struct pmap **map, model expected, int step)
{
	unsigned i = 1 + (unsigned)rand() % KEYS;

	if (rand() % 3) {
		struct ref *value = counted_new(step);

		if (pmap_set(map, spread(i), value) == 0)
			expected[i] = step;
		else
			ref_put(value);
	} else {
		int r = pmap_remove(map, spread(i));

		if (!expected[i])
			assert_int_equal(r, -ENOENT);
		else if (r == 0)
			expected[i] = 0;
		else
			assert_int_equal(r, -ENOMEM);
	}
}

static void check_random_operations(void)
{
	enum { VERSIONS = 16 };
	static model expected[VERSIONS];
	struct pmap *maps[VERSIONS] = {NULL};

	memset(expected, 0, sizeof(expected));
	for (int step = 1; step < 20000; step++) {
		int v = rand() % VERSIONS;

		change(&maps[v], expected[v], step);
		if (step % 50 == 0) { /* a copy that is changed independently from here */
			int to = rand() % VERSIONS;
			struct pmap *old = maps[to];

			maps[to] = pmap_ref(maps[v]);
			memmove(expected[to], expected[v], sizeof(model));
			pmap_unref(old);
		}
		if (step % 400 == 0)
			for (int i = 0; i < VERSIONS; i++)
				check(maps[i], expected[i]);
	}
	for (int i = 0; i < VERSIONS; i++)
		pmap_unref(maps[i]);
	assert_int_equal(alive, 0);
}

static void random_operations_match_an_array_in_every_version(void **state)
{
	(void)state;
	srand(1);
	for (apart = 0; apart < APART_COUNT; apart++)
		check_random_operations();
	apart = 0;
}

static void check_failed_allocations(void)
{
	model expected = {0}, snapshot_expected = {0};
	struct pmap *map = NULL, *snapshot = NULL;

	for (int step = 1; step < 6000; step++) {
		if (step % 20 == 0) {
			pmap_unref(snapshot);
			snapshot = pmap_ref(map);
			memcpy(snapshot_expected, expected, sizeof(model));
		}
		fail_after = rand() % 12;
		change(&map, expected, step);
		fail_after = -1;
		if (step % 100 == 0) {
			check(map, expected);
			check(snapshot, snapshot_expected);
		}
	}
	pmap_unref(snapshot);
	pmap_unref(map);
	assert_int_equal(alive, 0);
}

static void a_failed_allocation_changes_nothing(void **state)
{
	(void)state;
	srand(2);
	for (apart = 0; apart < APART_COUNT; apart++)
		check_failed_allocations();
	apart = 0;
}

/* Keys at random distances with a value each; @count of them. */
static void make_entries(size_t count, model expected, uint64_t *keys, struct ref **values)
{
	uint64_t at = 0;

	memset(expected, 0, sizeof(model));
	for (size_t i = 0; i < count; i++) {
		at += 1 + (uint64_t)rand() % (KEYS / count);
		keys[i] = spread(at);
		values[i] = counted_new((int)i + 1);
		expected[at] = (int)i + 1;
	}
}

static void a_map_built_at_once_is_as_good_as_any(void **state)
{
	(void)state;

	srand(3);
	for (size_t count = 0; count <= KEYS; count++) {
		uint64_t keys[KEYS];
		struct ref *values[KEYS];
		static model expected, snapshot_expected;
		struct pmap *map = NULL, *snapshot;

		apart = (int)count % APART_COUNT;
		make_entries(count, expected, keys, values);
		assert_int_equal(pmap_build(keys, values, count, &map), 0);
		check(map, expected);
		for (int step = 1; step <= 100; step++) /* of nodes that nobody else refers to */
			change(&map, expected, step);
		check(map, expected);
		snapshot = pmap_ref(map);
		memcpy(snapshot_expected, expected, sizeof(model));
		for (int step = 1; step <= 100; step++) /* of shared ones */
			change(&map, expected, step);
		check(map, expected);
		check(snapshot, snapshot_expected);
		pmap_unref(map);
		check(snapshot, snapshot_expected);
		pmap_unref(snapshot);
		assert_int_equal(alive, 0);
	}
	apart = 0;
}

static void a_map_that_cannot_be_built_leaves_nothing_behind(void **state)
{
	uint64_t keys[KEYS];
	struct ref *values[KEYS];
	static model expected;
	struct pmap *map = NULL;
	size_t before = bytes;
	int r = -ENOMEM;
	(void)state;

	make_entries(KEYS, expected, keys, values);
	for (int set = 0; set < 2; set++, r = -ENOMEM) {
		for (int n = 0; r < 0; n++) {
			fail_after = n;
			r = pmap_build(keys, set ? NULL : values, KEYS, &map);
			fail_after = -1;
			if (r < 0) {
				assert_int_equal(r, -ENOMEM);
				assert_null(map);
				assert_int_equal(bytes, before);
				assert_int_equal(alive, set ? 0 : KEYS);
			}
		}
		assert_int_equal(pmap_count(map), KEYS);
		pmap_unref(map);
		map = NULL;
		assert_int_equal(bytes, before);
		assert_int_equal(alive, 0);
	}
}

/* Keys alone, in the order in which they come: ascending, descending, at random, in groups that grow at their ends. */
static uint64_t key_in_order(int order, uint64_t i, uint64_t count)
{
	switch (order) {
	case 0:
		return i;
	case 1:
		return count - i;
	case 2:
		return i * UINT64_C(0x9E3779B97F4A7C15);
	default:
		return (i % 7) << 40 | i;
	}
}

static void sets_have_all_keys_whatever_their_order(void **state)
{
	enum { COUNT = 20000 };
	(void)state;

	for (int order = 0; order < 4; order++) {
		struct pmap *set = NULL, *full;
		uint64_t at = 0, key;
		size_t n = 0;

		for (uint64_t i = 0; i < COUNT; i++) {
			assert_int_equal(pmap_set(&set, key_in_order(order, i, COUNT) + 1, NULL), 0);
			assert_int_equal(pmap_set(&set, key_in_order(order, i, COUNT) + 1, NULL), 0);
		}
		for (; pmap_next(set, at, &key, NULL); at = key, n++) {
			assert_true(key > at);
			assert_int_equal(pmap_rank(set, key), n);
		}
		assert_int_equal(n, COUNT);
		full = pmap_ref(set);
		for (uint64_t i = 0; i < COUNT; i++) {
			if (i == COUNT - 10)
				assert_int_equal(pmap_count(set), 10);
			assert_int_equal(pmap_remove(&set, key_in_order(order, i, COUNT) + 1), 0);
			assert_false(pmap_get(set, key_in_order(order, i, COUNT) + 1, NULL));
		}
		assert_null(set);
		assert_int_equal(pmap_count(full), COUNT);
		for (uint64_t i = 0; i < COUNT; i++)
			assert_true(pmap_get(full, key_in_order(order, i, COUNT) + 1, NULL));
		pmap_unref(full);
	}
}

static void a_set_takes_no_values(void **state)
{
	struct ref *rejected = counted_new(1), *value = rejected;
	struct pmap *set = NULL;
	(void)state;

	assert_int_equal(pmap_set(&set, 1, NULL), 0);
	assert_int_equal(pmap_set(&set, 1, value), -EINVAL);
	assert_int_equal(pmap_set(&set, 2, value), -EINVAL);
	assert_int_equal(pmap_count(set), 1);
	assert_true(pmap_get(set, 1, &value));
	assert_null(value);
	pmap_unref(set);
	ref_put(rejected);
	assert_int_equal(alive, 0);
}

static void a_key_of_a_set_takes_few_bytes(void **state)
{
	enum { COUNT = 100000 };
	/* Bytes; where they come in no order, leaves are half full, and the keys far apart. */
	static const size_t most[] = {2, 4, 13, 4};
	(void)state;

	for (int order = 0; order < 4; order++) {
		struct pmap *set = NULL;
		size_t before = bytes, taken;

		for (uint64_t i = 0; i < COUNT; i++)
			assert_int_equal(pmap_set(&set, key_in_order(order, i, COUNT) + 1, NULL), 0);
		taken = bytes - before;
		assert_in_range(taken, COUNT, most[order] * COUNT);
		pmap_unref(set);
	}
}

static void a_set_built_at_once_has_all_keys_in_few_bytes(void **state)
{
	enum { COUNT = 20000 };
	static uint64_t keys[COUNT];
	(void)state;

	for (size_t count = 1; count <= COUNT; count = count * 3 + 1) {
		struct pmap *set = NULL, *full;
		size_t before = bytes;
		uint64_t at = 0, key;
		struct ref *value = NULL;
		size_t n = 0;

		for (size_t i = 0; i < count; i++)
			keys[i] = i << 40 | i * 3;
		assert_int_equal(pmap_build(keys, NULL, count, &set), 0);
		assert_in_range(bytes - before, 2 * count, 4 * count + 100);
		value = counted_new(1);
		assert_int_equal(pmap_set(&set, 1, value), -EINVAL);
		ref_put(value);
		full = pmap_ref(set);
		for (size_t i = 0; i < count; i += 2)
			assert_int_equal(pmap_set(&set, keys[i] + 1, NULL), 0);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(pmap_remove(&set, keys[i]), 0);
		for (; pmap_next(set, at, &key, NULL); at = key, n++) {
			assert_int_equal(key, keys[2 * n] + 1);
			assert_int_equal(pmap_rank(set, key), n);
		}
		assert_int_equal(n, (count + 1) / 2);
		assert_int_equal(pmap_count(full), count);
		for (size_t i = 0; i < count; i++) {
			assert_true(pmap_get(full, keys[i], NULL));
			assert_int_equal(pmap_rank(full, keys[i]), i);
		}
		pmap_unref(set);
		pmap_unref(full);
		assert_int_equal(bytes, before);
	}
}

static void walks_take_the_time_of_a_balanced_tree(void **state)
{
	struct pmap *map = NULL;
	uint64_t key = 0, count = 0;
	(void)state;

	/* Ascending keys: without balancing this is a list, quadratic to build, and overflows the stack. */
	for (uint64_t i = 1; i <= 200000; i++)
		assert_int_equal(pmap_set(&map, i, NULL), 0);
	while (pmap_next(map, key, &key, NULL))
		count++;
	assert_int_equal(count, 200000);
	pmap_unref(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_match_an_array_in_every_version),
		cmocka_unit_test(a_failed_allocation_changes_nothing),
		cmocka_unit_test(a_map_built_at_once_is_as_good_as_any),
		cmocka_unit_test(a_map_that_cannot_be_built_leaves_nothing_behind),
		cmocka_unit_test(a_set_built_at_once_has_all_keys_in_few_bytes),
		cmocka_unit_test(sets_have_all_keys_whatever_their_order),
		cmocka_unit_test(a_set_takes_no_values),
		cmocka_unit_test(a_key_of_a_set_takes_few_bytes),
		cmocka_unit_test(walks_take_the_time_of_a_balanced_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
