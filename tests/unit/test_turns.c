/* SPDX-License-Identifier: Apache-2.0 */
/* Clients take turns: each in order, a few at a time, and none waits for all the work of another. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "actions/engine/turns.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static int at_work, most_at_work, per_client[4];
static char order[256];
static size_t begun, done;
/* The first works go on in pairs, so that no thread gets ahead of one that waits for a processor. */
#define PAIRED 20

/* Work of the client whose letter @arg points to; waits until the gate is open. */
static void work(void *arg)
{
	const char *client = arg;
	int i = *client - 'a';
	size_t mine;

	pthread_mutex_lock(&lock);
	assert_int_equal(per_client[i]++, 0);
	if (++at_work > most_at_work)
		most_at_work = at_work;
	pthread_cond_broadcast(&cond);
	while (!gate_open)
		pthread_cond_wait(&cond, &lock);
	mine = ++begun;
	order[mine - 1] = *client;
	pthread_cond_broadcast(&cond);
	while (mine <= PAIRED && begun < mine + mine % 2)
		pthread_cond_wait(&cond, &lock);
	at_work--;
	per_client[i]--;
	done++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
}

static void submit(struct turns *turns, const char *client, int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(turns_run(turns, client, work, (void *)(uintptr_t)client), 0);
}

static void clients_take_turns(void **state)
{
	struct workers *workers = workers_new("test", 4);
	struct turns *turns = turns_new(workers, 2);

	(void)state;
	submit(turns, "a", 50);
	submit(turns, "b", 50);
	pthread_mutex_lock(&lock);
	while (at_work < 2)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	/* Two clients have both turns and more work queued; new clients still come next. */
	submit(turns, "c", 2);
	submit(turns, "d", 1);
	pthread_mutex_lock(&lock);
	gate_open = true;
	pthread_cond_broadcast(&cond);
	while (done < 103)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	workers_free(workers);
	turns_free(turns);
	assert_int_equal(most_at_work, 2);
	assert_true(strcspn(order, "c") < 10);
	assert_true(strcspn(order, "d") < 10);
}

static void work_is_done_after_the_end_of_the_workers(void **state)
{
	struct workers *workers = workers_new("test", 4);
	struct turns *turns = turns_new(workers, 2);

	(void)state;
	begun = PAIRED; /* by one thread */
	done = 0;
	workers_stop(workers);
	submit(turns, "a", 3);
	assert_int_equal(done, 3);
	workers_free(workers);
	turns_free(turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_take_turns),
		cmocka_unit_test(work_is_done_after_the_end_of_the_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
