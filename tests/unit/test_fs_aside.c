/* SPDX-License-Identifier: Apache-2.0 */
/* Files moved aside: for how long, and for whom. */
#include "tests/unit/test.h"

#include <unistd.h>

#include "fs/tree/aside.h"
#include "model/keep.h"
#include "model/store.h"
#include "tests/unit/shifted_clock.h"

static const struct node file = {.class = N_VALUE, .kind = KIND_VM, .row = 1, .index = 1};

static struct aside *new_aside(struct keep *keep)
{
	struct aside *a = aside_new(keep);

	assert_non_null(a);
	return a;
}

static void test_missing_for_a_while(void **state)
{
	struct aside *a = new_aside(NULL);

	(void)state;
	assert_false(aside_is(a, file, 1));
	aside_begin(a, file, 1);
	assert_true(aside_is(a, file, 1));
	assert_false(aside_is(a, file, 2));
	monotonic_ahead += ASIDE_S + 1;
	assert_false(aside_is(a, file, 1));
	aside_end(a, file, 1);
	assert_false(aside_was(a, file, 1));
	aside_begin(a, file, 1);
	aside_end(a, file, 1);
	assert_false(aside_is(a, file, 1));
	assert_true(aside_was(a, file, 1));
	monotonic_ahead += ASIDE_S + 1;
	assert_false(aside_was(a, file, 1));
	aside_free(a);
}

/* Neither lets the file be missing for longer, nor have it back at once. */
static void test_the_time_of_day_is_set(void **state)
{
	struct aside *a = new_aside(NULL);

	(void)state;
	aside_begin(a, file, 1);
	wall_ahead += 86400;
	assert_true(aside_is(a, file, 1));
	wall_ahead -= 2 * 86400;
	assert_true(aside_is(a, file, 1));
	monotonic_ahead += ASIDE_S + 1;
	assert_false(aside_is(a, file, 1));
	wall_ahead = 0;
	aside_free(a);
}

/* As versions kept it that took the time of day. */
static void test_kept_by_another_version(void **state)
{
	const struct {
		uint64_t file;
		uid_t uid;
		int64_t until;
		bool is_back;
	} kept = {.file = node_pack(file), .uid = 1, .until = store_now() + NS_PER_S};
	struct keep *keep;
	struct aside *a;
	int fd;

	(void)state;
	assert_int_equal(keep_new(&fd, NULL), 0);
	assert_int_equal(keep_open(fd, &keep, NULL), 0);
	a = new_aside(keep);
	aside_begin(a, file, 2);
	aside_free(a);
	assert_int_equal(keep_set(keep, KEEP_ASIDE, 1, &kept, sizeof(kept)), 0);
	a = new_aside(keep);
	assert_true(aside_is(a, file, 2));
	assert_false(aside_is(a, file, 1));
	aside_begin(a, file, 1);
	assert_true(aside_is(a, file, 1));
	aside_free(a);
	keep_free(keep);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_for_a_while),
		cmocka_unit_test(test_the_time_of_day_is_set),
		cmocka_unit_test(test_kept_by_another_version),
	};

	return cmocka_run_group_tests_name("fs_aside", tests, NULL, NULL);
}
