/* SPDX-License-Identifier: Apache-2.0 */
/* Which failed requests poolfs-rest tells: nobody hides those of others. */
#include "tests/unit/test.h"

#include "rest/failures.h"

static void causes_are_counted_apart(void **state)
{
	static const struct {
		enum cause cause;
		bool limited;
	} rows[] = {{CAUSE_ANYBODY, true}, {CAUSE_NO_POOL, true}, {CAUSE_SESSION, false}};
	struct failures *failures = failures_new();

	(void)state;
	assert_non_null(failures);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int n = 0; n < FAILURES_TOLD; n++)
			assert_true(failures_count(failures, rows[i].cause));
		assert_int_equal(failures_count(failures, rows[i].cause), !rows[i].limited);
		failures_tend(failures); /* the minute has not ended */
		assert_int_equal(failures_count(failures, rows[i].cause), !rows[i].limited);
	}
	failures_free(failures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
