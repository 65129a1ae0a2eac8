/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asked how often, and who gets which answer: when there is one is up to the tests. */
#include "tests/unit/test.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "actions/engine/single_flight.h"
#include "model/cleanup.h"
#include "model/clock.h"
#include "tests/unit/shifted_clock.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define MAX_AGE	    (10 * NS_PER_S)
#define KEPT	    (100 * NS_PER_S)
#define PATIENCE_MS 20000
#define BRIEFLY_MS  10

struct answer {
	struct ref ref;
	int number, before; /* of the question; of the answer before, 0: none */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked;    /* lock: questions */
static int allowed;  /* lock: questions about A after so many are not answered */
static bool no_room; /* lock: the answer finds no memory */
static atomic_int alive;

static void destroy(struct ref *self)
{
	(void)atomic_fetch_sub(&alive, 1);
	free(self);
}

static struct ref *ask(void *ctx, const char *subject, const struct ref *before)
{
	struct answer *answer;
	int number;
	bool none;

	assert_ptr_equal(ctx, &asked);
	pthread_mutex_lock(&lock);
	number = ++asked;
	pthread_cond_broadcast(&changed);
	while (number > allowed && strcmp(subject, A) == 0)
		pthread_cond_wait(&changed, &lock);
	none = no_room;
	pthread_mutex_unlock(&lock);
	if (none)
		return NULL;
	answer = calloc(1, sizeof(*answer));
	assert_non_null(answer);
	ref_init(&answer->ref, destroy);
	(void)atomic_fetch_add(&alive, 1);
	answer->number = number;
	answer->before = before ? ((const struct answer *)before)->number : 0;
	return &answer->ref;
}

static struct single_flight *start(int threads)
{
	struct single_flight *s = single_flight_new(
		&(struct single_flight_options){"test", threads, .kept = KEPT, .ask = ask, .ctx = &asked});

	assert_non_null(s);
	asked = 0;
	allowed = INT_MAX;
	no_room = false;
	monotonic_ahead = 0;
	return s;
}

static void allow(int count)
{
	scoped_lock(&lock);
	allowed = count;
	pthread_cond_broadcast(&changed);
}

static void wait_for_question(int number)
{
	scoped_lock(&lock);
	while (asked < number)
		(void)pthread_cond_wait(&changed, &lock);
}

static int asked_now(void)
{
	scoped_lock(&lock);
	return asked;
}

static void finish(struct single_flight *s)
{
	single_flight_stop(s);
	single_flight_free(s);
	assert_int_equal(alive, 0);
}

/* The number of the answer, or a negative errno. */
static int await(struct flight *flight, int ms)
{
	struct timespec now;
	struct ref *answer;
	int r;

	/* pthread_cond_timedwait() knows nothing of shifted clocks */
	(void)__real_clock_gettime(CLOCK_MONOTONIC, &now);
	r = flight_wait(flight, now.tv_sec * NS_PER_S + now.tv_nsec + ms * (NS_PER_S / 1000), &answer);
	if (r < 0)
		return r;
	r = ((struct answer *)answer)->number;
	ref_put(answer);
	return r;
}

static int get(struct single_flight *s, const char *subject, int64_t max_age, int ms)
{
	return await(single_flight_begin(s, subject, max_age), ms);
}

static void who_asks_meanwhile_gets_the_same(void **state)
{
	struct single_flight *s = start(2);
	struct flight *flights[8];

	(void)state;
	allow(0);
	for (size_t i = 0; i < ARRAY_SIZE(flights); i++)
		flights[i] = single_flight_begin(s, A, i % 2 ? MAX_AGE : 0);
	wait_for_question(1);
	allow(INT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(flights); i++)
		assert_int_equal(await(flights[i], PATIENCE_MS), 1);
	assert_int_equal(asked, 1);
	finish(s);
}

static void young_answers_are_given_again(void **state)
{
	struct single_flight *s = start(2);
	struct flight *flight;
	struct ref *answer;

	(void)state;
	assert_int_equal(get(s, A, MAX_AGE, PATIENCE_MS), 1);
	monotonic_ahead += 9;
	assert_int_equal(get(s, A, MAX_AGE, 0), 1);
	assert_int_equal(get(s, B, MAX_AGE, PATIENCE_MS), 2);
	monotonic_ahead += 2;
	assert_int_equal(get(s, A, MAX_AGE, PATIENCE_MS), 3);
	assert_int_equal(get(s, A, 0, PATIENCE_MS), 4);
	flight = single_flight_begin(s, A, 0);
	assert_int_equal(flight_wait(flight, INT64_MAX, &answer), 0);
	assert_int_equal(((struct answer *)answer)->before, 4);
	ref_put(answer);
	finish(s);
}

static void old_answers_are_forgotten(void **state)
{
	struct single_flight *s = start(2);
	struct flight *flight;
	struct ref *answer;

	(void)state;
	assert_int_equal(get(s, A, MAX_AGE, PATIENCE_MS), 1);
	monotonic_ahead += 200;
	assert_int_equal(get(s, A, 300 * NS_PER_S, 0), 1); /* not by who takes it */
	assert_int_equal(get(s, B, MAX_AGE, PATIENCE_MS), 2);
	assert_int_equal(alive, 1);
	flight = single_flight_begin(s, A, MAX_AGE);
	assert_int_equal(flight_wait(flight, INT64_MAX, &answer), 0);
	assert_int_equal(((struct answer *)answer)->number, 3);
	assert_int_equal(((struct answer *)answer)->before, 0);
	ref_put(answer);
	finish(s);
}

static void a_silent_subject_delays_no_other(void **state)
{
	struct single_flight *s = start(2);
	struct flight *silent;

	(void)state;
	allow(0);
	silent = single_flight_begin(s, A, MAX_AGE);
	wait_for_question(1);
	assert_int_equal(get(s, B, MAX_AGE, PATIENCE_MS), 2);
	assert_int_equal(await(silent, 0), -ETIMEDOUT);
	assert_int_equal(get(s, A, MAX_AGE, BRIEFLY_MS), -ETIMEDOUT);
	assert_int_equal(asked, 2);
	allow(INT_MAX);
	finish(s);
}

/* Who never waits long enough is told of what came meanwhile, but of nothing that somebody has waited for. */
static void a_slow_subject_is_told_of_late(void **state)
{
	struct single_flight *s = start(2);
	struct flight *flight;

	(void)state;
	assert_int_equal(get(s, A, 0, PATIENCE_MS), 1);
	allow(1);
	assert_int_equal(get(s, A, 0, BRIEFLY_MS), -ETIMEDOUT);
	allow(2);
	while (asked_now() < 3)
		(void)get(s, A, 0, BRIEFLY_MS);
	assert_int_equal(get(s, A, 0, BRIEFLY_MS), 2);
	assert_int_equal(asked, 3);
	flight = single_flight_begin(s, A, 0);
	allow(INT_MAX);
	assert_int_equal(await(flight, PATIENCE_MS), 3);
	assert_int_equal(get(s, A, 0, PATIENCE_MS), 4);
	allow(0);
	assert_int_equal(get(s, A, 0, BRIEFLY_MS), -ETIMEDOUT);
	allow(INT_MAX);
	finish(s);
}

static void no_answer_is_kept_when_memory_is_short(void **state)
{
	struct single_flight *s = start(2);
	struct flight *flights[2];

	(void)state;
	no_room = true;
	allow(0);
	for (size_t i = 0; i < ARRAY_SIZE(flights); i++)
		flights[i] = single_flight_begin(s, A, MAX_AGE);
	wait_for_question(1);
	allow(INT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(flights); i++)
		assert_int_equal(await(flights[i], PATIENCE_MS), -ENOMEM);
	assert_int_equal(await(NULL, 0), -ENOMEM);
	no_room = false;
	assert_int_equal(get(s, A, MAX_AGE, PATIENCE_MS), 2);
	finish(s);
}

static void nobody_is_asked_after_the_end(void **state)
{
	struct single_flight *s = start(1);
	struct flight *flight = single_flight_begin(s, A, MAX_AGE);

	(void)state;
	single_flight_stop(s);
	assert_int_equal(await(flight, 0), 1);
	assert_int_equal(get(s, A, MAX_AGE, 0), 1);
	assert_int_equal(get(s, B, MAX_AGE, PATIENCE_MS), -ESHUTDOWN);
	assert_int_equal(asked, 1);
	finish(s);
}

/* ------------------------------------------------------------- many threads */

#define THREADS 6
#define ROUNDS	500

static void *want(void *arg)
{
	static const char *const subjects[] = {A, B, "cccccccccccccccccccccccccccccccc"};
	struct single_flight *s = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct flight *flights[ARRAY_SIZE(subjects)];

		for (size_t k = 0; k < ARRAY_SIZE(subjects); k++)
			flights[k] = single_flight_begin(s, subjects[k], i % 3 ? MAX_AGE : 0);
		for (size_t k = 0; k < ARRAY_SIZE(subjects); k++) {
			int r = await(flights[k], i % 2 ? PATIENCE_MS : 0);

			if (r != -ETIMEDOUT || i % 2)
				assert_in_range(r, 1, THREADS * ROUNDS * ARRAY_SIZE(subjects));
		}
		if (i % 50 == 0)
			monotonic_ahead += 101; /* all is forgotten */
	}
	return NULL;
}

static void many_threads_want_many_answers(void **state)
{
	struct single_flight *s = start(3);
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, want, s), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	finish(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_meanwhile_gets_the_same),
		cmocka_unit_test(young_answers_are_given_again),
		cmocka_unit_test(old_answers_are_forgotten),
		cmocka_unit_test(a_silent_subject_delays_no_other),
		cmocka_unit_test(a_slow_subject_is_told_of_late),
		cmocka_unit_test(no_answer_is_kept_when_memory_is_short),
		cmocka_unit_test(nobody_is_asked_after_the_end),
		cmocka_unit_test(many_threads_want_many_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
