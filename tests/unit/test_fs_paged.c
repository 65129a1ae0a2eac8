/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the kernel reads through its pages: whose an inode is, where the name leads, and who waits for what. */
#include "tests/unit/paged_fixture.h"

#include "tests/unit/failing_memory.h"

static void test_readers_share_the_inode(void **state)
{
	struct paged *paged = *state;
	struct handle *a, *b, *c;
	struct stat longer = content(1);

	check_inode(paged, 1, 1, PAGED_OF_NAME, 0);
	a = begin(paged, 1, 1);
	b = begin(paged, 1, 1);
	check_inode(paged, 1, 1, PAGED_OF_NAME, 0);
	assert_true(paged_note(paged, a));
	assert_true(paged_note(paged, b));
	assert_false(begins(paged, 1, 2)); /* another content */
	longer.st_size++;
	c = open_content(1, 1);
	assert_false(paged_begin(paged, c, &longer));
	handle_unref(c);
	check_inode(paged, 1, 1, PAGED_OF_NAME, 0);
	assert_true(begins(paged, 2, 2)); /* of another file */
	assert_true(paged_has_readers(paged, node_of(1)));
	assert_false(paged_has_readers(paged, node_of(2)));
	assert_false(end(paged, a));
	assert_true(paged_has_readers(paged, node_of(1)));
	assert_false(begins(paged, 1, 2));
	assert_false(end(paged, b)); /* the inode was that of the name all the time */
	assert_false(paged_has_readers(paged, node_of(1)));
	assert_true(begins(paged, 1, 2)); /* nobody reads the former one any more */
	assert_int_equal(asked.count, 0);
}

/* Without somebody who has the kernel forget names nothing is read through pages. */
static void test_not_started(void **state)
{
	assert_false(begins(*state, 1, 1));
	check_inode(*state, 1, 2, PAGED_OF_NAME, 0);
	paged_start(*state, ask, &asked);
	assert_true(begins(*state, 1, 1));
	assert_int_equal(asked.count, 0);
}

static void test_a_change_leaves_the_inode(void **state)
{
	struct paged *paged = *state;
	struct handle *a = begin(paged, 1, 1), *b = begin(paged, 1, 1), *other = begin(paged, 2, 1);
	uint64_t first;

	assert_true(paged_leave(paged, node_of(1)));
	assert_int_equal(asked.count, 1);
	assert_int_equal(node_pack(asked.node), node_pack(node_of(1)));
	first = asked.number;
	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1);
	check_inode(paged, 1, 1, PAGED_UNKNOWN, 1); /* also if it changes back */
	assert_false(begins(paged, 1, 1));
	assert_false(begins(paged, 1, 2));
	assert_true(paged_leave(paged, node_of(1))); /* a further change */
	assert_int_equal(asked.count, 1);

	paged_forgotten(paged, node_of(1), first + 1);
	paged_forgotten(paged, node_of(2), first);
	paged_forgotten(paged, node_of(3), first);
	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1);
	paged_forgotten(paged, node_of(1), first);
	check_inode(paged, 1, 3, PAGED_OF_READERS, 1);
	check_inode(paged, 1, 1, PAGED_OF_READERS, 1);
	assert_false(begins(paged, 1, 3));
	assert_true(paged_leave(paged, node_of(1)));
	assert_int_equal(asked.count, 1);
	assert_true(paged_note(paged, a)); /* it has lost nothing */
	check_inode(paged, 2, 1, PAGED_OF_NAME, 0);

	assert_false(end(paged, a));
	check_inode(paged, 1, 3, PAGED_OF_READERS, 1);
	assert_true(end(paged, b)); /* the kernel has attributes of what they showed */
	check_inode(paged, 1, 3, PAGED_OF_NAME, 0);
	assert_false(end(paged, other));
}

/* The next readers of a file whose former ones have gone are not taken for them. */
static void test_an_old_number_does_nothing(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1);
	uint64_t old;

	assert_true(paged_leave(paged, node_of(1)));
	old = asked.number;
	assert_true(end(paged, h)); /* also before the names are forgotten */
	check_inode(paged, 1, 2, PAGED_OF_NAME, 0);
	h = begin(paged, 1, 2);
	paged_forgotten(paged, node_of(1), old);
	check_inode(paged, 1, 2, PAGED_OF_NAME, 0);
	assert_true(paged_leave(paged, node_of(1)));
	assert_int_equal(asked.count, 2);
	assert_true(asked.number != old);
	paged_forgotten(paged, node_of(1), old);
	check_inode(paged, 1, 3, PAGED_UNKNOWN, 2);
	paged_forgotten(paged, node_of(1), asked.number);
	check_inode(paged, 1, 3, PAGED_OF_READERS, 2);
	end(paged, h);
	check_settled(paged);
}

static void test_nobody_reads(void **state)
{
	struct paged *paged = *state;

	assert_false(paged_leave(paged, node_of(1))); /* the kernel may have attributes */
	assert_int_equal(asked.count, 0);
	check_inode(paged, 1, 1, PAGED_OF_NAME, 0);
	assert_true(begins(paged, 1, 1));
}

/* Who sees a change before the kernel is told of it does not take the inode for that of the name. */
static void test_another_content_counts_as_left(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1);

	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1);
	assert_int_equal(asked.count, 0);
	check_inode(paged, 1, 1, PAGED_OF_NAME, 0);
	leave(paged, 1);
	assert_int_equal(asked.count, 1);
	check_inode(paged, 1, 2, PAGED_OF_READERS, 1);
	end(paged, h);
}

/* A handle that does not read through pages is none of the readers. */
static void test_other_handles(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1), *other = new_handle(1);

	other->paged = false;
	other->pages.lost = true;
	assert_true(paged_note(paged, other));
	assert_false(paged_end(paged, other));
	leave(paged, 1);
	other->paged = true;
	assert_false(paged_end(paged, other)); /* it never began */
	check_inode(paged, 1, 2, PAGED_OF_READERS, 1);
	handle_unref(other);
	end(paged, h);
}

/* Who opens an inode that is left to readers sees what they see, and is one of them. */
static void test_join(void **state)
{
	struct paged *paged = *state;
	struct handle *a, *b, *c;

	assert_null(join_readers(paged, 1, 1));
	a = begin(paged, 1, 1);
	assert_null(join_readers(paged, 1, 1)); /* it is that of the name */
	assert_true(paged_leave(paged, node_of(1)));
	b = join_readers(paged, 1, 1); /* the name may still lead to it */
	assert_non_null(b);
	assert_ptr_equal(b->content, a->content);
	paged_forgotten(paged, node_of(1), asked.number);
	assert_null(join_readers(paged, 2, 1));
	assert_false(end(paged, a));
	check_inode(paged, 1, 2, PAGED_OF_READERS, 1);
	c = join_readers(paged, 1, 1); /* although the first one has gone */
	assert_non_null(c);
	assert_true(paged_note(paged, b));
	assert_true(paged_note(paged, c));
	assert_false(end(paged, b));
	check_inode(paged, 1, 2, PAGED_OF_READERS, 1);
	assert_true(end(paged, c));
	assert_null(join_readers(paged, 1, 1));
	assert_true(begins(paged, 1, 2));
	assert_int_equal(asked.count, 1);
}

static void test_many_files(void **state)
{
	enum { COUNT = 2000 };
	struct paged *paged = *state;
	struct handle *handles[COUNT];

	for (int i = 0; i < COUNT; i++)
		handles[i] = begin(paged, i + 1, i);
	for (int i = 0; i < COUNT; i += 3)
		leave(paged, i + 1);
	assert_int_equal(asked.count, (COUNT + 2) / 3);
	for (int i = 0; i < COUNT; i++)
		check_inode(paged, i + 1, i, i % 3 ? PAGED_OF_NAME : PAGED_OF_READERS, i);
	for (int i = 0; i < COUNT; i += 2)
		end(paged, handles[i]);
	for (int i = 0; i < COUNT; i++)
		check_inode(paged, i + 1, i, i % 2 == 0 || i % 3 ? PAGED_OF_NAME : PAGED_OF_READERS, i);
	for (int i = 1; i < COUNT; i += 2)
		handle_unref(handles[i]); /* as at the end of the process: the table goes with them in it */
}

static void test_settle(void **state)
{
	struct paged *paged = *state;
	struct handle *a = begin(paged, 1, 1), *b = begin(paged, 2, 1);
	struct waiter w = {.paged = paged};
	pid_t other = fork_other();
	uint64_t first;

	check_settled(paged); /* no name is to be forgotten */
	assert_true(paged_leave(paged, node_of(1)));
	first = asked.number;
	assert_true(paged_leave(paged, node_of(2)));
	start(&w, settle);
	paged_forgotten(paged, node_of(1), first);
	expect_wait(); /* it goes on waiting, for the second one */
	paged_forgotten(paged, node_of(2), asked.number);
	join(&w);
	assert_int_equal(w.dropped.count, 0);
	assert_false(paged_may_mean_name(paged, node_of(1), other));
	assert_false(paged_may_mean_name(paged, node_of(2), other));
	assert_false(paged_may_mean_name(paged, node_of(3), other));
	kill_other(other);
	end(paged, a);
	end(paged, b);
}

/* A reader who closes its file ends the wait, too. */
static void test_settle_ends_with_the_readers(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1);
	struct waiter w = {.paged = paged};

	assert_true(paged_leave(paged, node_of(1)));
	start(&w, settle);
	assert_true(end(paged, h));
	join(&w);
	assert_int_equal(w.dropped.count, 0);
}

static void *thread_number(void *arg)
{
	pid_t *ret = arg;

	*ret = gettid();
	(void)sem_post(&waits);
	(void)pause();
	return NULL;
}

static void test_names_that_are_late(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1), *in_time = begin(paged, 2, 1), *of_other;
	pid_t other = fork_other();
	int64_t start_ns = atomic_load(&now_ns);
	struct node dropped;

	leave(paged, 2);
	assert_true(paged_leave(paged, node_of(1)));
	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1); /* others were told of nothing yet */
	time_passes = nothing_happens;
	assert_int_equal(settle_dropped(paged, &dropped), 1); /* so that the kernel asks */
	assert_int_equal(node_pack(dropped), node_pack(node_of(1)));
	assert_true(atomic_load(&now_ns) - start_ns <= NS_PER_S / 10); /* a change is not held up for long */
	check_inode(paged, 1, 2, PAGED_LATE, 1);
	assert_true(paged_may_mean_name(paged, node_of(1), getppid()));
	assert_false(paged_may_mean_name(paged, node_of(1), other));	/* it has our descriptors */
	assert_false(paged_may_mean_name(paged, node_of(1), getpid())); /* it asks for what it reads */
	assert_false(paged_may_mean_name(paged, node_of(2), other));
	paged_forgotten(paged, node_of(1), asked.number);
	check_inode(paged, 1, 2, PAGED_LATE, 1); /* who asks may have come by the name before */
	atomic_fetch_add(&now_ns, NS_PER_S / 50);
	check_inode(paged, 1, 2, PAGED_OF_READERS, 1);
	end(paged, h);
	assert_false(paged_may_mean_name(paged, node_of(1), other));

	/* Others who read it then are told apart, even after the thread that has opened it has ended. */
	h = begin(paged, 1, 2);
	of_other = begin_by(paged, 1, 2, other);
	assert_true(paged_leave(paged, node_of(1)));
	assert_int_equal(settle_dropped(paged, &dropped), 1);
	assert_false(paged_may_mean_name(paged, node_of(1), other));
	assert_false(paged_may_mean_name(paged, node_of(1), getpid()));
	assert_true(paged_may_mean_name(paged, node_of(1), 1));
	kill_other(other);
	assert_false(paged_may_mean_name(paged, node_of(1), other));
	assert_true(paged_may_mean_name(paged, node_of(1), 1));
	end(paged, of_other);
	assert_true(paged_may_mean_name(paged, node_of(1), getppid()));
	end(paged, h);
	end(paged, in_time);
}

/* A name that cannot be forgotten is late at once: nobody waits for it, and who asks by it is sent to look it up. */
static void test_names_that_stay(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1), *joined;
	const struct stat present = content(2);
	struct stat shown;
	pid_t other = fork_other();

	asked.has_no_memory = true;
	assert_true(paged_leave(paged, node_of(1)));
	assert_int_equal(asked.count, 1);
	check_inode(paged, 1, 2, PAGED_LATE, 1);
	check_settled(paged);
	assert_int_equal(paged_wait(paged, node_of(1), &present, &shown), PAGED_LATE);
	assert_int_equal(atomic_load(&wait_count), 0);
	assert_true(paged_may_mean_name(paged, node_of(1), getppid()));
	assert_false(paged_may_mean_name(paged, node_of(1), other)); /* it has our descriptors */
	assert_false(paged_may_mean_name(paged, node_of(1), getpid()));
	assert_true(paged_leave(paged, node_of(1)));
	assert_int_equal(asked.count, 1);
	joined = join_readers(paged, 1, 1); /* nobody knows who */
	assert_non_null(joined);
	assert_false(paged_may_mean_name(paged, node_of(1), other));
	assert_false(end(paged, joined));
	assert_true(end(paged, h));
	kill_other(other);
	asked.has_no_memory = false;
	h = begin(paged, 1, 2); /* others go on as usual */
	assert_true(paged_leave(paged, node_of(1)));
	check_inode(paged, 1, 3, PAGED_UNKNOWN, 2);
	end(paged, h);
}

/* A process reads with threads other than the one that has opened the file. */
static void test_threads_of_the_reader(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1);
	struct node dropped;
	pthread_t thread;
	pid_t number = 0;

	assert_int_equal(pthread_create(&thread, NULL, thread_number, &number), 0);
	expect_wait();
	assert_true(paged_leave(paged, node_of(1)));
	time_passes = nothing_happens;
	assert_int_equal(settle_dropped(paged, &dropped), 1);
	assert_true(number != getpid());
	assert_false(paged_may_mean_name(paged, node_of(1), number));
	assert_true(paged_may_mean_name(paged, node_of(1), 1));
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	end(paged, h);
}

static void test_wait(void **state)
{
	struct paged *paged = *state;
	struct handle *h = begin(paged, 1, 1);
	struct waiter w = {.paged = paged};
	const struct stat present = content(2), same = content(1);
	struct stat shown;
	int64_t start_ns;

	assert_int_equal(paged_wait(paged, node_of(1), &same, &shown), PAGED_OF_NAME);
	assert_int_equal(wait_count, 0);
	start(&w, wait_for_name); /* the change is to be told yet */
	assert_true(paged_leave(paged, node_of(1)));
	paged_forgotten(paged, node_of(1), asked.number);
	join(&w);
	assert_int_equal(w.is, PAGED_OF_READERS);
	assert_true(is_content(&w.shown, 1));
	end(paged, h);

	h = begin(paged, 1, 1);
	assert_true(paged_leave(paged, node_of(1)));
	start(&w, wait_for_name);
	end(paged, h);
	join(&w);
	assert_int_equal(w.is, PAGED_OF_NAME);

	/* if the names are never forgotten */
	h = begin(paged, 1, 1);
	assert_true(paged_leave(paged, node_of(1)));
	time_passes = nothing_happens;
	start_ns = atomic_load(&now_ns);
	assert_int_equal(paged_wait(paged, node_of(1), &present, &shown), PAGED_UNKNOWN);
	assert_true(is_content(&shown, 1));
	assert_true(atomic_load(&now_ns) > start_ns);
	end(paged, h);
}

static bool is_sent(struct paged *paged, int64_t row, pid_t thread)
{
	return paged_send_away(paged, node_of(row), thread, true);
}

/* So each request is made twice at most. */
static void test_each_thread_is_sent_away_once(void **state)
{
	struct paged *paged = *state;

	for (pid_t thread = 1; thread <= 60; thread++)
		assert_true(is_sent(paged, 1, thread));
	for (pid_t thread = 1; thread <= 60; thread++)
		assert_false(is_sent(paged, 1, thread)); /* the kernel has tried once more */
	assert_true(is_sent(paged, 1, 1));		 /* by another request */
	assert_true(is_sent(paged, 1, 61));
	assert_true(is_sent(paged, 2, 1)); /* from another file */
	assert_false(is_sent(paged, 2, 1));
	assert_false(is_sent(paged, 1, 1));
}

/* An open follows the lookup, however long that takes; after a lookup for attributes, no request may follow. */
static void test_how_long_is_expected_who_was_sent(void **state)
{
	struct paged *paged = *state;

	for (int opens = 0; opens < 2; opens++) {
		const int64_t expected = opens ? NS_PER_S : NS_PER_S / 50;

		assert_true(paged_send_away(paged, node_of(1), 1, opens));
		atomic_fetch_add(&now_ns, expected - 1);
		assert_false(paged_send_away(paged, node_of(1), 1, opens));
		assert_true(paged_send_away(paged, node_of(1), 1, opens));
		atomic_fetch_add(&now_ns, expected);
		assert_true(paged_send_away(paged, node_of(1), 1, opens));
		assert_false(paged_send_away(paged, node_of(1), 1, opens));
	}
}

/* One that has come by the name is sent away by its next request, too; one of whom nothing is known by each. */
static void test_sent_away_and_come(void **state)
{
	struct paged *paged = *state;

	assert_true(is_sent(paged, 1, 1));
	assert_true(is_sent(paged, 2, 1));
	assert_true(is_sent(paged, 1, 2));
	paged_has_come(paged, node_of(3), 1);
	paged_has_come(paged, node_of(1), 3);
	paged_has_come(paged, node_of(1), 1);
	assert_true(is_sent(paged, 1, 1));
	assert_false(is_sent(paged, 1, 1));
	assert_false(is_sent(paged, 2, 1));
	assert_false(is_sent(paged, 1, 2));
	assert_true(is_sent(paged, 1, 0));
	assert_true(is_sent(paged, 1, 0));
}

/* --------------------------------------------------------------------- no table */

static void test_without_table(void **state)
{
	struct handle *h = open_content(1, 1);
	struct dropped dropped = {0};
	const struct stat st = content(1);
	struct stat shown;

	(void)state;
	paged_start(NULL, ask, NULL);
	assert_false(paged_begin(NULL, h, &st));
	assert_false(paged_join(NULL, h));
	assert_int_equal(paged_resume(NULL, h, &st), 0);
	assert_true(paged_note(NULL, h));
	assert_false(paged_leave(NULL, node_of(1)));
	assert_false(paged_has_readers(NULL, node_of(1)));
	paged_settle(NULL, drop, &dropped);
	paged_has_come(NULL, node_of(1), 1);
	assert_int_equal(dropped.count, 0);
	assert_int_equal(paged_inode(NULL, node_of(1), &st, &shown), PAGED_OF_NAME);
	assert_int_equal(paged_copy(NULL, node_of(1), &st), 0);
	assert_false(paged_end(NULL, h));
	paged_free(NULL);
	handle_unref(h);
}

/* Without memory a file is read past the pages. */
static void test_no_memory(void **state)
{
	struct paged *paged = *state;
	struct handle *a = open_content(1, 1), *b;
	const struct stat st = content(1);
	bool began;
	int r;

	fail_after = 0;
	began = paged_begin(paged, a, &st);
	r = paged_resume(paged, a, &st);
	fail_after = -1;
	assert_false(began);
	assert_int_equal(r, -ENOMEM);
	assert_false(paged_end(paged, a));
	assert_false(paged_has_readers(paged, node_of(1))); /* so nothing was left of it */
	check_inode(paged, 1, 2, PAGED_OF_NAME, 0);
	b = begin(paged, 1, 2);
	assert_false(end(paged, b));
	fail_after = 0;
	assert_null(paged_new());
	fail_after = -1;
	handle_unref(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STARTED(test_readers_share_the_inode),
		NOT_STARTED(test_not_started),
		STARTED(test_a_change_leaves_the_inode),
		STARTED(test_an_old_number_does_nothing),
		STARTED(test_nobody_reads),
		STARTED(test_another_content_counts_as_left),
		STARTED(test_other_handles),
		STARTED(test_join),
		STARTED(test_many_files),
		STARTED(test_settle),
		STARTED(test_settle_ends_with_the_readers),
		STARTED(test_names_that_are_late),
		STARTED(test_names_that_stay),
		STARTED(test_threads_of_the_reader),
		STARTED(test_wait),
		STARTED(test_each_thread_is_sent_away_once),
		STARTED(test_how_long_is_expected_who_was_sent),
		STARTED(test_sent_away_and_come),
		cmocka_unit_test(test_without_table),
		STARTED(test_no_memory),
	};

	return cmocka_run_group_tests_name("fs_paged", tests, NULL, NULL);
}
