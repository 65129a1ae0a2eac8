/* SPDX-License-Identifier: Apache-2.0 */
/* Which answers are kept for who asks the same again. */
#include "rest/answer_cache.h"

#include "tests/unit/test.h"

#define LIST (200 << 10) /* bytes: of a list of a hundred VMs */

static struct answer_cache *cache;

static bool is_kept(const char *target, int64_t stamp)
{
	struct response *found =
		answer_cache_find(cache, &(struct answer_cache_key){.target = target}, stamp);

	if (found)
		response_unref(found);
	return found;
}

static void put(const char *target, int64_t stamp, size_t len)
{
	char *body = calloc(1, len);
	struct response *response = response_take(200, "application/json", body, body, len);

	assert_non_null(response);
	answer_cache_put(cache, &(struct answer_cache_key){.target = target}, stamp, response);
	response_unref(response);
}

static int begin(void **state)
{
	(void)state;
	cache = answer_cache_new();
	return cache ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	answer_cache_free(cache);
	return 0;
}

static void a_long_list_is_kept_until_the_pool_changes(void **state)
{
	(void)state;
	put("/v1/vm-instances?limit=100", 7, LIST);
	assert_true(is_kept("/v1/vm-instances?limit=100", 7));
	assert_false(is_kept("/v1/vm-instances?limit=100", 8));
	assert_false(is_kept("/v1/vm-instances?limit=99", 7));
}

static void what_is_kept_is_bounded_and_given_back(void **state)
{
	enum { MANY = 2000 };
	char target[32];
	int kept = 0;

	(void)state;
	put("/huge", 1, (size_t)5 << 20);
	assert_false(is_kept("/huge", 1));
	for (int round = 1; round <= 3; round++) {
		kept = 0;
		for (int i = 0; i < MANY; i++) {
			snprintf(target, sizeof(target), "/%d", i);
			put(target, round, LIST);
		}
		for (int i = 0; i < MANY; i++) {
			snprintf(target, sizeof(target), "/%d", i);
			kept += is_kept(target, round);
		}
		/* 64 MiB, full of answers of this round: those of the one before were replaced */
		assert_in_range(kept, 200, (64 << 20) / LIST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_long_list_is_kept_until_the_pool_changes, begin, end),
		cmocka_unit_test_setup_teardown(what_is_kept_is_bounded_and_given_back, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
