/* SPDX-License-Identifier: Apache-2.0 */
/* model/in_hand.c: what is in the hands of a process is seen by the next one, whoever works on it. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/engine/turns.h"
#include "actions/engine/workers.h"
#include "model/in_hand.h"
#include "model/keep.h"

static size_t count(const struct in_hand *table, uint64_t number)
{
	size_t n = 0;

	for (size_t i = 0; i < IN_HAND_MAX; i++)
		n += atomic_load(&table->requests[i]) == number;
	return n;
}

static uint64_t present(void)
{
	uint64_t number = in_hand_lend();

	in_hand_drop(number);
	return number;
}

static void test_threads_say_what_they_work_on(void **state)
{
	static struct in_hand table;

	(void)state;
	assert_int_equal(in_hand_set(1), 0); /* there is no table yet */
	assert_int_equal(in_hand_set(0), 1);
	in_hand_open(&table);
	assert_int_equal(in_hand_set(7), 0);
	assert_int_equal(count(&table, 7), 1);
	assert_int_equal(in_hand_set(8), 7);
	assert_int_equal(count(&table, 7), 0);
	assert_int_equal(count(&table, 8), 1);
	assert_int_equal(present(), 8);
	assert_int_equal(in_hand_set(0), 8);
	assert_int_equal(count(&table, 0), IN_HAND_MAX);
	in_hand_open(NULL);
}

static sem_t begun, may_end;

static void work(void *arg)
{
	uint64_t *ret = arg;

	*ret = present();
	sem_post(&begun);
	sem_wait(&may_end);
}

/* Work that is handed to other threads; when it is done, and between, they work on nothing. */
static void test_work_keeps_its_request(void **state)
{
	static struct in_hand table;
	struct workers *workers = workers_new("test", 4);
	struct turns *turns = turns_new(workers, 2);
	uint64_t got[5] = {0};

	(void)state;
	sem_init(&begun, 0, 0);
	sem_init(&may_end, 0, 0);
	in_hand_open(&table);
	(void)in_hand_set(20);
	assert_int_equal(workers_run(workers, work, &got[0]), 0);
	(void)in_hand_set(22);
	assert_int_equal(turns_run(turns, "one", work, &got[1]), 0);
	assert_int_equal(turns_run(turns, "two", work, &got[2]), 0);
	(void)in_hand_set(24);
	assert_int_equal(turns_run(turns, "two", work, &got[4]), 0);
	(void)in_hand_set(0);
	assert_int_equal(workers_run(workers, work, &got[3]), 0);
	for (int i = 0; i < 4; i++)
		sem_wait(&begun);
	assert_int_equal(count(&table, 20), 1);
	assert_int_equal(count(&table, 22), 2);
	assert_int_equal(count(&table, 0), IN_HAND_MAX - 3);
	/* 24 waits for its turn */
	assert_true(in_hand_is(20) && in_hand_is(22) && in_hand_is(24));
	for (int i = 0; i < 5; i++)
		sem_post(&may_end);
	workers_stop(workers);
	assert_int_equal(got[0], 20);
	assert_int_equal(got[1], 22);
	assert_int_equal(got[2], 22);
	assert_int_equal(got[3], 0);
	assert_int_equal(got[4], 24);
	assert_false(in_hand_is(20) || in_hand_is(22) || in_hand_is(24));
	assert_int_equal(count(&table, 0), IN_HAND_MAX);
	turns_free(turns);
	workers_free(workers);
	in_hand_open(NULL);
	sem_destroy(&begun);
	sem_destroy(&may_end);
}

/* More threads than there is room for work all the same. */
static void test_a_full_table(void **state)
{
	static struct in_hand table;

	(void)state;
	for (size_t i = 0; i < IN_HAND_MAX; i++)
		atomic_store(&table.requests[i], 1000 + i);
	in_hand_open(&table);
	assert_int_equal(in_hand_set(5), 0);
	assert_int_equal(present(), 5);
	assert_int_equal(in_hand_set(0), 5);
	assert_int_equal(count(&table, 0) + count(&table, 5), 0);
	in_hand_open(NULL);
}

static void test_a_killed_process_leaves_them(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct keep *keep;
	int fd, status;
	pid_t pid;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	pid = fork();
	if (pid == 0) {
		if (keep_open(fd, &keep, &e) < 0)
			_exit(1);
		in_hand_open(keep_in_hand(keep));
		(void)in_hand_set(30);
		(void)in_hand_set(31);
		(void)keep_set(keep, KEEP_REQUEST, 31, "request", 7);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	assert_int_equal(count(keep_in_hand(keep), 31), 1);
	assert_int_equal(count(keep_in_hand(keep), 0), IN_HAND_MAX - 1);
	assert_true(keep_has(keep, KEEP_REQUEST, 31));
	keep_free(keep);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_say_what_they_work_on),
		cmocka_unit_test(test_work_keeps_its_request),
		cmocka_unit_test(test_a_full_table),
		cmocka_unit_test(test_a_killed_process_leaves_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
