/* SPDX-License-Identifier: Apache-2.0 */
/* Which answers are kept for who asks the same again. */
#include "rest/answer_cache.h"

#include "tests/unit/test.h"

#define LIST (200 << 10) /* bytes: of a list of a hundred VMs */

static struct answer_cache *cache;

static struct response *answer(size_t len)
{
	static const char body[] = "{}";
	struct response *response = response_new(200, "application/json", body, sizeof(body) - 1);

	assert_non_null(response);
	response->len = len; /* all that counts: nobody reads it */
	return response;
}

/* Whether the cache has it, besides the test. */
static bool is_kept(struct response *response)
{
	return atomic_load(&response->refs) == 2;
}

static void put(const char *target, int64_t stamp, struct response *response)
{
	answer_cache_put(cache, &(struct answer_cache_key){.target = target}, stamp, response);
}

static struct response *find(const char *target, int64_t stamp)
{
	return answer_cache_find(cache, &(struct answer_cache_key){.target = target}, stamp);
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

static void a_long_list_is_kept_and_no_other_given_for_it(void **state)
{
	struct response *list = answer(LIST), *huge = answer((size_t)5 << 20);

	(void)state;
	put("/v1/vm-instances?limit=100", 7, list);
	assert_true(is_kept(list));
	assert_null(find("/v1/vm-instances?limit=100", 8));
	assert_null(find("/v1/vm-instances?limit=99", 7));
	put("/v1/vm-instances?limit=100", 8, huge);
	assert_false(is_kept(huge));
	answer_cache_free(cache);
	cache = NULL;
	assert_false(is_kept(list));
	response_unref(list);
	response_unref(huge);
}

static void what_is_kept_is_bounded_and_given_back(void **state)
{
	enum { ROUNDS = 3, MANY = 2000, ROOM = (64 << 20) / LIST };
	static struct response *answers[ROUNDS][MANY];
	char target[32];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		int kept = 0, kept_of_round = 0;

		for (int i = 0; i < MANY; i++) {
			snprintf(target, sizeof(target), "/%d", i);
			answers[round][i] = answer(LIST);
			put(target, round, answers[round][i]);
		}
		for (int r = 0; r <= round; r++)
			for (int i = 0; i < MANY; i++) {
				kept += is_kept(answers[r][i]);
				kept_of_round += r == round && is_kept(answers[r][i]);
			}
		assert_in_range(kept, ROOM - 1, ROOM);
		assert_in_range(kept_of_round, 1, ROOM);
	}
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < MANY; i++)
			response_unref(answers[r][i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_long_list_is_kept_and_no_other_given_for_it, begin, end),
		cmocka_unit_test_setup_teardown(what_is_kept_is_bounded_and_given_back, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
