/* SPDX-License-Identifier: Apache-2.0 */
/* What the numbers of nodes mean, to one program and the next. */
#include "tests/unit/test.h"

#include "fs/numbering.h"
#include "model/cleanup.h"
#include "model/keep.h"

static void what_is_added_at_the_end_continues(void **state)
{
	(void)state;
	assert_true(numbering_continues("kinds|a|b|\nfiles|x|\n", "kinds|a|b|\nfiles|x|\n"));
	assert_true(numbering_continues("kinds|a|b|\nfiles|x|\n", "kinds|a|b|c|\nfiles|x|y|\nc|z|\n"));
	assert_true(numbering_continues("", "kinds|a|\n"));
}

static void what_has_another_number_does_not(void **state)
{
	(void)state;
	assert_false(numbering_continues("kinds|a|b|\n", "kinds|a|c|b|\n")); /* in between */
	assert_false(numbering_continues("kinds|a|b|\n", "kinds|a|\n"));     /* an older program */
	assert_false(numbering_continues("kinds|a|\n", "kinds|ab|\n"));	     /* another name */
	assert_false(numbering_continues("kinds|a|\nfiles|x|\n", "kinds|a|\n"));
	assert_false(numbering_continues("kinds|a|\nfiles|x|\n", "kinds|a|\nother|q|\nfiles|x|\n"));
}

static void a_program_goes_on_with_itself(void **state)
{
	static const char other[] = "classes|something else|\n";
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct keep *keep;
	int fd;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	assert_int_equal(numbering_check(keep, &e), 0); /* nothing is kept */
	assert_int_equal(numbering_keep(keep, &e), 0);
	assert_int_equal(numbering_check(keep, &e), 0);
	assert_int_equal(keep_set(keep, KEEP_NUMBERING, 0, other, sizeof(other) - 1), 0);
	assert_int_equal(numbering_check(keep, &e), -EPROTO);
	keep_free(keep);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_at_the_end_continues),
		cmocka_unit_test(what_has_another_number_does_not),
		cmocka_unit_test(a_program_goes_on_with_itself),
	};

	return cmocka_run_group_tests_name("fs_numbering", tests, NULL, NULL);
}
