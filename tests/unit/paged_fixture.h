/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of files that the kernel reads through its pages. Time stands still, for which clock_gettime() and
 * pthread_cond_timedwait() are wrapped.
 */
#ifndef POOLFS_TESTS_PAGED_FIXTURE_H
#define POOLFS_TESTS_PAGED_FIXTURE_H

#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/tree/paged.h"
#include "model/cleanup.h"
#include "model/clock.h"

/* A wait that nobody ends: then the test fails. */
#define FOR_EVER_S 20

/* ------------------------------------------------------- time, which stands still */

static atomic_llong now_ns = 1000 * NS_PER_S;
/* Instead of waiting, the time comes until which a thread would wait; then this is called. NULL: it waits. */
static void (*time_passes)(void);
static sem_t waits; /* posted when a thread begins to wait */
static atomic_uint wait_count;

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	const int64_t now = atomic_load(&now_ns);

	if (clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, t);
	*t = (struct timespec){.tv_sec = now / NS_PER_S, .tv_nsec = now % NS_PER_S};
	return 0;
}

int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until)
{
	const int64_t end = until->tv_sec * NS_PER_S + until->tv_nsec;
	struct timespec t;

	atomic_fetch_add(&wait_count, 1);
	if (time_passes) {
		if (end > atomic_load(&now_ns))
			atomic_store(&now_ns, end);
		time_passes();
		return ETIMEDOUT;
	}
	(void)sem_post(&waits);
	(void)__real_clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += FOR_EVER_S;
	return __real_pthread_cond_timedwait(cond, lock, &t);
}

static inline void nothing_happens(void)
{
}

/* ------------------------------------------------------------------------ readers */

/* Names that the kernel was asked to forget. */
struct asked {
	unsigned count;
	struct node node; /* the last one */
	uint64_t number;
	bool has_no_memory; /* so it will not */
};

static struct asked asked;

static inline bool ask(void *arg, struct node node, uint64_t number)
{
	struct asked *a = arg;

	a->count++;
	a->node = node;
	a->number = number;
	return !a->has_no_memory;
}

/* Inodes of whose attributes the kernel was asked to forget what it has. */
struct dropped {
	unsigned count;
	struct node node; /* the last one */
};

static inline void drop(void *arg, struct node node)
{
	struct dropped *d = arg;

	d->count++;
	d->node = node;
}

/* Names that are late were dropped: so many. *@ret: the last one. */
static inline unsigned settle_dropped(struct paged *paged, struct node *ret)
{
	struct dropped d = {0};

	paged_settle(paged, drop, &d);
	*ret = d.node;
	return d.count;
}

/* All names were forgotten, or are late without a wait. */
static inline void check_settled(struct paged *paged)
{
	const unsigned before = atomic_load(&wait_count);
	struct node node;

	assert_int_equal(settle_dropped(paged, &node), 0);
	assert_int_equal(atomic_load(&wait_count), before);
}

static inline int setup(void **state)
{
	struct paged *paged = paged_new();

	asked = (struct asked){0};
	time_passes = NULL;
	atomic_store(&wait_count, 0);
	if (!paged || sem_init(&waits, 0, 0) < 0)
		return -1;
	*state = paged;
	return 0;
}

static inline int setup_started(void **state)
{
	if (setup(state) < 0)
		return -1;
	paged_start(*state, ask, &asked);
	return 0;
}

static inline int teardown(void **state)
{
	paged_free(*state);
	(void)sem_destroy(&waits);
	return 0;
}

static inline struct node node_of(int64_t row)
{
	return (struct node){.kind = KIND_VM, .row = row, .class = N_INVENTORY};
}

/* The n-th content: all are of the same length. */
static inline struct stat content(int64_t n)
{
	return (struct stat){.st_size = 100, .st_mtim = {.tv_sec = 1000, .tv_nsec = n}};
}

static inline bool is_content(const struct stat *st, int64_t n)
{
	const struct stat c = content(n);

	return st->st_size == c.st_size && st->st_mtim.tv_sec == c.st_mtim.tv_sec &&
	       st->st_mtim.tv_nsec == c.st_mtim.tv_nsec;
}

static inline struct handle *new_handle(int64_t row)
{
	struct handle *h = handle_new(node_of(row), S_IFREG | 0444, NULL, &(struct caller){0});

	assert_non_null(h);
	h->paged = true;
	return h;
}

/* The n-th content, for the caller. */
static inline struct document *document(int64_t n)
{
	struct document *d = document_new("content", 7, n);

	assert_non_null(d);
	return d;
}

/* One that shows the n-th content, and does not read yet. */
static inline struct handle *open_content(int64_t row, int64_t n)
{
	struct handle *h = new_handle(row);

	h->content = document(n);
	return h;
}

static inline bool begins(struct paged *paged, int64_t row, int64_t n)
{
	struct handle *h = open_content(row, n);
	const struct stat st = content(n);
	bool r = paged_begin(paged, h, &st);

	if (r)
		assert_false(paged_end(paged, h));
	handle_unref(h);
	return r;
}

/* A reader of the n-th content. */
static inline struct handle *begin_by(struct paged *paged, int64_t row, int64_t n, pid_t opener)
{
	struct handle *h = open_content(row, n);
	const struct stat st = content(n);

	h->opener = opener;
	assert_true(paged_begin(paged, h, &st));
	return h;
}

/* One that shows the same document as @h. */
static inline struct handle *begin_like(struct paged *paged, const struct handle *h)
{
	struct handle *other = new_handle(h->node.row);
	const struct stat st = content(h->content->mtime);

	other->content = document_ref(h->content);
	assert_true(paged_begin(paged, other, &st));
	return other;
}

/* One that opens the inode of readers of the n-th content. NULL: it is not left to them. */
static inline struct handle *join_readers(struct paged *paged, int64_t row, int64_t n)
{
	struct handle *h = new_handle(row);

	if (!paged_join(paged, h)) {
		assert_null(h->content);
		handle_unref(h);
		return NULL;
	}
	assert_non_null(h->content);
	assert_int_equal(h->content->mtime, n);
	return h;
}

static inline struct handle *begin(struct paged *paged, int64_t row, int64_t n)
{
	return begin_by(paged, row, n, getpid());
}

/* True: the kernel has to drop what it was told of the inode. */
static inline bool end(struct paged *paged, struct handle *h)
{
	bool r = paged_end(paged, h);

	handle_unref(h);
	return r;
}

/* @n: what is present. *@ret_shown: what the readers show. */
static inline enum paged_inode inode(struct paged *paged, int64_t row, int64_t n, struct stat *ret_shown)
{
	const struct stat present = content(n);

	return paged_inode(paged, node_of(row), &present, ret_shown);
}

/* The inode is what @is says, if the n-th content is present, and if not that of the name, it shows the one @shows. */
static inline void check_inode(struct paged *paged, int64_t row, int64_t n, enum paged_inode is,
			       int64_t shows)
{
	const struct stat present = content(n);
	struct stat shown = {0};

	assert_int_equal(inode(paged, row, n, &shown), is);
	if (is != PAGED_OF_NAME)
		assert_true(is_content(&shown, shows));
	assert_int_equal(paged_copy(paged, node_of(row), &present), is == PAGED_OF_NAME ? 0 : PAGED_BESIDE);
}

/* The inode of @row is left to its readers, and the name leads elsewhere. */
static inline void leave(struct paged *paged, int64_t row)
{
	assert_true(paged_leave(paged, node_of(row)));
	paged_forgotten(paged, node_of(row), asked.number);
}

/* ---------------------------------------------------------------------- waiting */

/* A thread that waits. */
struct waiter {
	pthread_t thread;
	struct paged *paged;
	struct dropped dropped; /* of paged_settle() */
	enum paged_inode is;	/* of paged_wait() */
	struct stat shown;
};

static inline void *settle(void *arg)
{
	struct waiter *w = arg;

	paged_settle(w->paged, drop, &w->dropped);
	return NULL;
}

/* The second content of the first file is present. */
static inline void *wait_for_name(void *arg)
{
	struct waiter *w = arg;
	const struct stat present = content(2);

	w->is = paged_wait(w->paged, node_of(1), &present, &w->shown);
	return NULL;
}

/* Goes on when another thread waits. */
static inline void expect_wait(void)
{
	struct timespec end;

	(void)__real_clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += FOR_EVER_S;
	assert_int_equal(sem_timedwait(&waits, &end), 0);
}

/* Begins, and goes on when it waits. */
static inline void start(struct waiter *w, void *(*does)(void *))
{
	assert_int_equal(pthread_create(&w->thread, NULL, does, w), 0);
	expect_wait();
}

static inline void join(struct waiter *w)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
}

/* Another process. */
static inline pid_t fork_other(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

static inline void kill_other(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define STARTED(test)	  cmocka_unit_test_setup_teardown(test, setup_started, teardown)
#define NOT_STARTED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
