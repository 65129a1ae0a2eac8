/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the kernel reads through its pages, and inodes that show other contents: to readers that poll, in the next
 * process, and among threads.
 */
#include "tests/unit/paged_fixture.h"

/* ------------------------------------------------------------------------ poll(2) */

static bool may_change(struct paged *paged, const struct handle *h)
{
	const struct stat shown = content(h->content->mtime);

	return paged_may_change(paged, h, &shown);
}

/* An inode shows another content when none of its other readers is reading. */
static void test_may_change(void **state)
{
	struct paged *paged = *state;
	struct handle *a = begin(paged, 1, 1), *other = begin(paged, 2, 1), *b, *c;

	assert_true(may_change(paged, a)); /* it is alone */
	b = begin_like(paged, a);
	assert_false(may_change(paged, a)); /* the other one may be reading */
	assert_false(may_change(paged, b));
	atomic_fetch_add(&now_ns, PAGED_READ_NS - 1);
	assert_false(may_change(paged, a));
	atomic_fetch_add(&now_ns, 1);
	assert_true(may_change(paged, a)); /* it has read long ago */
	assert_true(paged_note(paged, b));
	assert_false(may_change(paged, a)); /* it is */
	assert_true(may_change(paged, b));
	paged_note_poll(paged, b);
	assert_true(may_change(paged, a)); /* it polls, so it is not */
	assert_true(paged_note(paged, b));
	assert_false(may_change(paged, a)); /* it has been told */
	c = begin_like(paged, a);
	assert_false(end(paged, b));
	assert_false(may_change(paged, a));
	assert_false(end(paged, c));
	assert_true(may_change(paged, a));
	assert_false(end(paged, other));
	other = open_content(2, 1);
	assert_true(may_change(paged, other)); /* it does not read */
	handle_unref(other);
	end(paged, a);
}

/* @h shows the n-th content from now on, as fs/tell/polls.c has it do so. */
static void change(struct paged *paged, struct handle *h, int64_t n)
{
	struct document *old = h->content;
	const struct stat st = content(n);

	h->content = document(n);
	paged_change(paged, h, h->content, &st);
	document_unref(old);
}

/* The inode of @h has the content @n from another reader. */
static void adopt(struct paged *paged, struct handle *h, int64_t n)
{
	struct document *old = h->content;
	const struct stat before = content(old->mtime), st = content(n);

	h->content = paged_adopt(paged, h, &before);
	assert_non_null(h->content);
	assert_int_equal(h->content->mtime, n);
	assert_null(paged_adopt(paged, h, &st));
	document_unref(old);
}

static void test_a_change_of_what_is_shown(void **state)
{
	struct paged *paged = *state;
	struct handle *a = begin(paged, 1, 1), *b = begin_like(paged, a), *other = begin(paged, 2, 1),
		      *joined;

	leave(paged, 1); /* by poll(2) */
	change(paged, a, 2);
	assert_true(paged_note(paged, a));
	assert_false(paged_note(paged, b));
	assert_true(paged_note(paged, other));
	check_inode(paged, 1, 2, PAGED_OF_READERS, 2);
	check_inode(paged, 2, 1, PAGED_OF_NAME, 0);
	joined = join_readers(paged, 1, 2); /* what the inode shows now */
	assert_non_null(joined);
	assert_true(paged_note(paged, joined));
	assert_true(may_change(paged, b));  /* the inode shows the new one already */
	adopt(paged, b, 2);		    /* the other one polls, too */
	assert_false(may_change(paged, a)); /* it will read that */
	assert_true(paged_note(paged, a));
	assert_true(paged_note(paged, b));
	assert_true(paged_note(paged, joined));
	change(paged, b, 3);
	assert_false(paged_note(paged, a));
	assert_true(paged_note(paged, b));
	assert_false(paged_note(paged, joined));
	check_inode(paged, 1, 2, PAGED_OF_READERS, 3);
	assert_true(may_change(paged, b)); /* those who have lost theirs read no more */
	assert_false(end(paged, joined));
	assert_false(end(paged, a));
	assert_true(end(paged, b));
	change(paged, other, 2);
	assert_true(paged_note(paged, other));
	end(paged, other);
}

/* ---------------------------------------------------------------- another process */

static void resume(struct paged *paged, struct handle *h, int64_t n)
{
	const struct stat st = content(n);

	assert_int_equal(paged_resume(paged, h, &st), 0);
}

/* Whoever had come by a name that was late has asked. */
static void come(void)
{
	atomic_fetch_add(&now_ns, NS_PER_S / 50);
}

static void test_resume(void **state)
{
	struct paged *paged = *state;
	struct handle *a = open_content(1, 1), *b = open_content(1, 1), *c = open_content(2, 5), *d, *joined;

	resume(paged, a, 1);
	resume(paged, b, 1);
	resume(paged, c, 5);
	check_inode(paged, 1, 1, PAGED_LATE, 1); /* although nothing differs */
	check_inode(paged, 2, 6, PAGED_LATE, 5);
	assert_int_equal(asked.count, 0);
	assert_true(paged_leave(paged, node_of(1)));
	assert_int_equal(asked.count, 0);
	assert_false(begins(paged, 3, 1)); /* not yet */
	joined = join_readers(paged, 1, 1);
	assert_non_null(joined);
	assert_false(end(paged, joined));
	paged_start(paged, ask, &asked);
	assert_int_equal(asked.count, 2); /* of the names of each file */
	paged_forgotten(paged, node_of(1), asked.number);
	paged_forgotten(paged, node_of(2), asked.number);
	paged_forgotten(paged, node_of(1), asked.number - 1);
	paged_forgotten(paged, node_of(2), asked.number - 1);
	check_inode(paged, 1, 1, PAGED_LATE, 1); /* it may have been late in the other process */
	come();
	check_inode(paged, 1, 1, PAGED_OF_READERS, 1);
	check_inode(paged, 2, 6, PAGED_OF_READERS, 5);
	check_settled(paged);
	assert_false(begins(paged, 1, 1));
	assert_true(paged_note(paged, a));
	assert_true(paged_note(paged, b));
	assert_false(end(paged, a));
	assert_false(begins(paged, 1, 1));
	assert_true(end(paged, b));
	d = begin(paged, 1, 1);
	check_inode(paged, 1, 1, PAGED_OF_NAME, 0);
	end(paged, c);
	end(paged, d);
}

/* One without content reads nothing, but the inode shows no other content before it closes. */
static void test_resume_without_content(void **state)
{
	struct paged *paged = *state;
	struct handle *a = new_handle(1), *b = open_content(1, 1);

	resume(paged, a, 1);
	assert_false(paged_note(paged, a));
	check_inode(paged, 1, 1, PAGED_LATE, 1);
	assert_null(join_readers(paged, 1, 1)); /* there is nothing to show */
	paged_start(paged, ask, &asked);
	paged_forgotten(paged, node_of(1), asked.number);
	come();
	check_inode(paged, 1, 2, PAGED_OF_READERS, 1);
	assert_null(join_readers(paged, 1, 1));
	assert_false(begins(paged, 1, 2));
	assert_true(end(paged, a));

	/* beside one that has it */
	a = new_handle(1);
	resume(paged, a, 1);
	resume(paged, b, 1);
	assert_false(paged_note(paged, a));
	assert_true(paged_note(paged, b));
	assert_false(end(paged, a));
	a = join_readers(paged, 1, 1);
	assert_non_null(a);
	assert_false(end(paged, a));
	a = new_handle(1);
	resume(paged, a, 1);
	assert_false(paged_note(paged, a));
	assert_true(paged_note(paged, b));
	assert_false(end(paged, a));
	assert_true(end(paged, b));
}

/* Of readers of different contents that one goes on which has polled, whatever their order. */
static void test_resume_after_poll(void **state)
{
	struct paged *paged = *state;

	for (int last = 0; last < 2; last++) {
		struct handle *polled = open_content(1, 2), *other = open_content(1, 1), *joined;

		polled->polled = true;
		if (last)
			resume(paged, other, 1);
		resume(paged, polled, 2);
		if (!last)
			resume(paged, other, 1);
		assert_true(paged_note(paged, polled));
		assert_false(paged_note(paged, other));
		check_inode(paged, 1, 2, PAGED_LATE, 2);
		joined = join_readers(paged, 1, 2);
		assert_non_null(joined);
		assert_false(end(paged, joined));
		assert_false(end(paged, other));
		assert_true(end(paged, polled));
	}
}

/* Without somebody who has names forgotten, those of the readers of the process before stay: they are late. */
static void test_resume_without_start(void **state)
{
	struct paged *paged = *state;
	struct handle *h = open_content(1, 1);
	pid_t other = fork_other();

	h->opener = getpid();
	resume(paged, h, 1);
	assert_false(paged_may_mean_name(paged, node_of(1), other));
	paged_start(paged, NULL, NULL);
	check_inode(paged, 1, 2, PAGED_LATE, 1);
	check_settled(paged);
	assert_true(paged_may_mean_name(paged, node_of(1), getppid()));
	assert_false(paged_may_mean_name(paged, node_of(1), other)); /* it has our descriptors */
	assert_false(paged_may_mean_name(paged, node_of(1), getpid()));
	assert_true(paged_note(paged, h));
	assert_false(begins(paged, 2, 1));
	assert_true(end(paged, h));
	assert_false(begins(paged, 1, 1));
	kill_other(other);
}

/* Who asks may have come by a name that was late in the process before: that is not known later either. */
static void test_wait_after_resume(void **state)
{
	struct paged *paged = *state;
	struct handle *h = open_content(1, 1);
	const struct stat present = content(2);
	struct stat shown;

	resume(paged, h, 1);
	assert_int_equal(paged_wait(paged, node_of(1), &present, &shown), PAGED_LATE);
	assert_int_equal(atomic_load(&wait_count), 0);
	assert_true(is_content(&shown, 1));
	paged_start(paged, ask, &asked);
	assert_int_equal(paged_wait(paged, node_of(1), &present, &shown), PAGED_LATE);
	assert_int_equal(atomic_load(&wait_count), 0);
	end(paged, h);
}

/* ------------------------------------------------------------------------ threads */

/* Readers of a file that one thread changes, while another one has its names forgotten. */
#define READERS 4
#define ROUNDS	4000

struct traffic {
	struct paged *paged;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	uint64_t first, last; /* lock; numbers of names that are to be forgotten */
	bool stopping;	      /* lock */
	atomic_llong present; /* the content that is there: a new one is, and then its inode is left */
	atomic_uint shared, joined, faults;
};

static bool queue(void *arg, struct node node, uint64_t number)
{
	struct traffic *t = arg;

	(void)node;
	scoped_lock(&t->lock);
	t->last = number;
	pthread_cond_signal(&t->cond);
	return true;
}

static void *forget(void *arg)
{
	struct traffic *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->stopping || t->first < t->last) {
		if (t->first == t->last) {
			pthread_cond_wait(&t->cond, &t->lock);
			continue;
		}
		t->first++;
		pthread_mutex_unlock(&t->lock);
		paged_forgotten(t->paged, node_of(1), t->first);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* One that reads sees the content of its open, or knows that the name leads elsewhere, until it closes the file. */
static void *read_often(void *arg)
{
	struct traffic *t = arg;

	for (int i = 0; i < ROUNDS; i++) {
		const int64_t n = atomic_load(&t->present);
		const struct stat mine = content(n);
		struct handle *h = open_content(1, n), *joined = new_handle(1);

		if (paged_begin(t->paged, h, &mine)) {
			atomic_fetch_add(&t->shared, 1);
			for (int k = 0; k < 4; k++) {
				const int64_t now = atomic_load(&t->present);
				struct stat shown = mine;
				enum paged_inode is = inode(t->paged, 1, now, &shown);

				if (!is_content(&shown, n) || (is == PAGED_OF_NAME && now != n) ||
				    !paged_note(t->paged, h))
					atomic_fetch_add(&t->faults, 1);
			}
			if (paged_join(t->paged, joined)) {
				atomic_fetch_add(&t->joined, 1);
				if (joined->content->mtime != n || !paged_note(t->paged, joined) ||
				    paged_end(t->paged, joined))
					atomic_fetch_add(&t->faults, 1);
			}
			(void)paged_end(t->paged, h);
		}
		handle_unref(joined);
		handle_unref(h);
	}
	return NULL;
}

static void *change_often(void *arg)
{
	struct traffic *t = arg;
	struct dropped dropped = {0};

	for (int i = 0; i < ROUNDS; i++) {
		atomic_fetch_add(&t->present, 1);
		(void)paged_leave(t->paged, node_of(1));
		if (i % 64 == 0)
			paged_settle(t->paged, drop, &dropped);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct traffic t = {.paged = *state};
	pthread_t readers[READERS], changes, forgets;
	const struct stat present = content(ROUNDS + 1);

	pthread_mutex_init(&t.lock, NULL);
	pthread_cond_init(&t.cond, NULL);
	paged_start(t.paged, queue, &t);
	assert_int_equal(pthread_create(&forgets, NULL, forget, &t), 0);
	assert_int_equal(pthread_create(&changes, NULL, change_often, &t), 0);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_often, &t), 0);
	for (int i = 0; i < READERS; i++)
		(void)pthread_join(readers[i], NULL);
	(void)pthread_join(changes, NULL);
	pthread_mutex_lock(&t.lock);
	t.stopping = true;
	pthread_cond_signal(&t.cond);
	pthread_mutex_unlock(&t.lock);
	(void)pthread_join(forgets, NULL);
	assert_int_equal(t.faults, 0);
	assert_true(t.shared > 0);
	assert_int_equal(paged_copy(t.paged, node_of(1), &present), 0);
	check_settled(t.paged); /* of none that has gone the name is waited for */
	pthread_cond_destroy(&t.cond);
	pthread_mutex_destroy(&t.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STARTED(test_may_change),
		STARTED(test_a_change_of_what_is_shown),
		NOT_STARTED(test_resume),
		NOT_STARTED(test_resume_without_content),
		NOT_STARTED(test_resume_after_poll),
		NOT_STARTED(test_resume_without_start),
		NOT_STARTED(test_wait_after_resume),
		NOT_STARTED(test_threads),
	};

	return cmocka_run_group_tests_name("fs_paged_change", tests, NULL, NULL);
}
