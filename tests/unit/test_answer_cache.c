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
	bool turn;

	return answer_cache_find(cache, &(struct answer_cache_key){.target = target}, stamp, &turn);
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

/* One who asks for what another one is asking for. */
struct asker {
	pthread_t thread;
	int64_t stamp; /* in which it comes */
	struct response *found;
	bool turn;
};
static const struct answer_cache_key list_key = {.target = "/v1/vm-instances"};

static void *ask(void *arg)
{
	struct asker *a = arg;

	a->found = answer_cache_find(cache, &list_key, a->stamp, &a->turn);
	if (a->turn) {
		struct response *made = answer(2);

		answer_cache_put(cache, &list_key, a->stamp, made);
		response_unref(made);
		answer_cache_end_turn(cache, &list_key);
	}
	return NULL;
}

/* Starts them while somebody has the turn; ends that with an answer of @stamp (0: none), and waits for them. */
static void ask_all(struct asker *askers, size_t count, const struct answer_cache_key *key, int64_t stamp)
{
	struct response *made = answer(3);

	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
	(void)usleep(50000); /* most wait by then; those that come later find the same */
	if (stamp)
		answer_cache_put(cache, key, stamp, made);
	answer_cache_end_turn(cache, key);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
	response_unref(made);
}

static bool takes_turn(const struct answer_cache_key *key, int64_t stamp)
{
	bool turn;

	assert_null(answer_cache_find(cache, key, stamp, &turn));
	return turn;
}

static void one_asks_for_all_that_ask_the_same(void **state)
{
	struct asker askers[8] = {0};
	struct response *first = answer(1);
	int turns = 0;

	(void)state;
	assert_false(takes_turn(&list_key, 1)); /* nobody knows whether it can be shared */
	answer_cache_put(cache, &list_key, 1, first);
	assert_true(takes_turn(&list_key, 2));
	/* The answer shows state 3: not 4, in which half of them come. */
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++)
		askers[i].stamp = i % 2 ? 4 : 2;
	ask_all(askers, ARRAY_SIZE(askers), &list_key, 3);
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
		turns += askers[i].turn;
		assert_true(askers[i].turn || askers[i].found || askers[i].stamp == 2);
		if (askers[i].stamp == 4 && askers[i].found)
			assert_int_equal(askers[i].found->len, 2);
		response_unref(askers[i].found);
	}
	assert_in_range(
		turns, 1,
		5); /* one more for each that came after the end, in a state that nobody has asked for */
	response_unref(first);
}

static void without_an_answer_to_share_each_asks_for_itself(void **state)
{
	struct asker askers[4] = {0};
	struct response *first = answer(1);

	(void)state;
	answer_cache_put(cache, &list_key, 1, first);
	assert_true(takes_turn(&list_key, 2));
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++)
		askers[i].stamp = 2;
	ask_all(askers, ARRAY_SIZE(askers), &list_key, 0);
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
		assert_true(!askers[i].found || askers[i].found->len == 2);
		response_unref(askers[i].found);
	}
	response_unref(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_long_list_is_kept_and_no_other_given_for_it, begin, end),
		cmocka_unit_test_setup_teardown(what_is_kept_is_bounded_and_given_back, begin, end),
		cmocka_unit_test_setup_teardown(one_asks_for_all_that_ask_the_same, begin, end),
		cmocka_unit_test_setup_teardown(without_an_answer_to_share_each_asks_for_itself, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
