/* SPDX-License-Identifier: Apache-2.0 */
/* The times of fields as they are in the database. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "model/field_times.h"

#define COUNT	62
#define UNKNOWN 7

/* Reads what was written from memory of just that size. */
static void check(const int64_t *times, int count, size_t expected)
{
	char bytes[COUNT * FIELD_TIMES_RUN];
	size_t size = field_times_write(times, count, bytes);
	char *exact = malloc(size + 1);
	int64_t read[COUNT];

	assert_int_equal(size, expected);
	memcpy(exact, bytes, size);
	field_times_read(exact, size, UNKNOWN, COUNT, read);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(read[i], i < count ? times[i] : UNKNOWN);
	free(exact);
}

static void times_come_back(void **state)
{
	int64_t same[COUNT], different[COUNT], some[COUNT];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		same[i] = INT64_MAX;
		different[i] = i % 2 ? -i : i;
		some[i] = i < 3 || i > 40;
	}
	for (int count = 0; count <= COUNT; count++) {
		check(same, count, count ? FIELD_TIMES_RUN : 0);
		check(different, count, (size_t)count * FIELD_TIMES_RUN);
	}
	check(some, COUNT, 3 * FIELD_TIMES_RUN);
}

/* More than the reader knows, a part of a run, nothing: no byte outside of either is touched. */
static void other_sizes_do_no_harm(void **state)
{
	int64_t times[COUNT], read[3] = {0};
	char bytes[COUNT * FIELD_TIMES_RUN];
	size_t size;

	(void)state;
	for (int i = 0; i < COUNT; i++)
		times[i] = i;
	size = field_times_write(times, COUNT, bytes);
	field_times_read(bytes, size, UNKNOWN, 2, read);
	assert_int_equal(read[1], 1);
	assert_int_equal(read[2], 0);
	field_times_read(bytes, FIELD_TIMES_RUN + 1, UNKNOWN, 3, read);
	assert_int_equal(read[0], 0);
	assert_int_equal(read[1], UNKNOWN);
	field_times_read(NULL, 0, UNKNOWN, 3, read);
	assert_int_equal(read[0], UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_come_back),
		cmocka_unit_test(other_sizes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
