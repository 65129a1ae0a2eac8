/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the kernel reads through its pages: whose an inode is, where the name leads, and who waits for what. */
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
#include "tests/unit/failing_memory.h"

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

static void nothing_happens(void)
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

static bool ask(void *arg, struct node node, uint64_t number)
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

static void drop(void *arg, struct node node)
{
	struct dropped *d = arg;

	d->count++;
	d->node = node;
}

/* Names that are late were dropped: so many. *@ret: the last one. */
static unsigned settle_dropped(struct paged *paged, struct node *ret)
{
	struct dropped d = {0};

	paged_settle(paged, drop, &d);
	*ret = d.node;
	return d.count;
}

/* All names were forgotten, or are late without a wait. */
static void check_settled(struct paged *paged)
{
	const unsigned before = atomic_load(&wait_count);
	struct node node;

	assert_int_equal(settle_dropped(paged, &node), 0);
	assert_int_equal(atomic_load(&wait_count), before);
}

static int setup(void **state)
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

static int setup_started(void **state)
{
	if (setup(state) < 0)
		return -1;
	paged_start(*state, ask, &asked);
	return 0;
}

static int teardown(void **state)
{
	paged_free(*state);
	(void)sem_destroy(&waits);
	return 0;
}

static struct node node_of(int64_t row)
{
	return (struct node){.kind = KIND_VM, .row = row, .class = N_INVENTORY};
}

/* The n-th content: all are of the same length. */
static struct stat content(int64_t n)
{
	return (struct stat){.st_size = 100, .st_mtim = {.tv_sec = 1000, .tv_nsec = n}};
}

static bool is_content(const struct stat *st, int64_t n)
{
	const struct stat c = content(n);

	return st->st_size == c.st_size && st->st_mtim.tv_sec == c.st_mtim.tv_sec &&
	       st->st_mtim.tv_nsec == c.st_mtim.tv_nsec;
}

static struct handle *new_handle(int64_t row)
{
	struct handle *h = handle_new(node_of(row), S_IFREG | 0444, NULL, &(struct caller){0});

	assert_non_null(h);
	h->paged = true;
	return h;
}

/* The n-th content, for the caller. */
static struct document *document(int64_t n)
{
	struct document *d = document_new("content", 7, n);

	assert_non_null(d);
	return d;
}

/* One that shows the n-th content, and does not read yet. */
static struct handle *open_content(int64_t row, int64_t n)
{
	struct handle *h = new_handle(row);

	h->content = document(n);
	return h;
}

static bool begins(struct paged *paged, int64_t row, int64_t n)
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
static struct handle *begin_by(struct paged *paged, int64_t row, int64_t n, pid_t opener)
{
	struct handle *h = open_content(row, n);
	const struct stat st = content(n);

	h->opener = opener;
	assert_true(paged_begin(paged, h, &st));
	return h;
}

/* One that shows the same document as @h. */
static struct handle *begin_like(struct paged *paged, const struct handle *h)
{
	struct handle *other = new_handle(h->node.row);
	const struct stat st = content(h->content->mtime);

	other->content = document_ref(h->content);
	assert_true(paged_begin(paged, other, &st));
	return other;
}

/* One that opens the inode of readers of the n-th content. NULL: it is not left to them. */
static struct handle *join_readers(struct paged *paged, int64_t row, int64_t n)
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

static struct handle *begin(struct paged *paged, int64_t row, int64_t n)
{
	return begin_by(paged, row, n, getpid());
}

/* True: the kernel has to drop what it was told of the inode. */
static bool end(struct paged *paged, struct handle *h)
{
	bool r = paged_end(paged, h);

	handle_unref(h);
	return r;
}

/* @n: what is present. *@ret_shown: what the readers show. */
static enum paged_inode inode(struct paged *paged, int64_t row, int64_t n, struct stat *ret_shown)
{
	const struct stat present = content(n);

	return paged_inode(paged, node_of(row), &present, ret_shown);
}

/* The inode is what @is says, if the n-th content is present, and if not that of the name, it shows the one @shows. */
static void check_inode(struct paged *paged, int64_t row, int64_t n, enum paged_inode is, int64_t shows)
{
	const struct stat present = content(n);
	struct stat shown = {0};

	assert_int_equal(inode(paged, row, n, &shown), is);
	if (is != PAGED_OF_NAME)
		assert_true(is_content(&shown, shows));
	assert_int_equal(paged_copy(paged, node_of(row), &present), is == PAGED_OF_NAME ? 0 : PAGED_BESIDE);
}

/* The inode of @row is left to its readers, and the name leads elsewhere. */
static void leave(struct paged *paged, int64_t row)
{
	assert_true(paged_leave(paged, node_of(row)));
	paged_forgotten(paged, node_of(row), asked.number);
}

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

/* ---------------------------------------------------------------------- waiting */

/* A thread that waits. */
struct waiter {
	pthread_t thread;
	struct paged *paged;
	struct dropped dropped; /* of paged_settle() */
	enum paged_inode is;	/* of paged_wait() */
	struct stat shown;
};

static void *settle(void *arg)
{
	struct waiter *w = arg;

	paged_settle(w->paged, drop, &w->dropped);
	return NULL;
}

/* The second content of the first file is present. */
static void *wait_for_name(void *arg)
{
	struct waiter *w = arg;
	const struct stat present = content(2);

	w->is = paged_wait(w->paged, node_of(1), &present, &w->shown);
	return NULL;
}

/* Goes on when another thread waits. */
static void expect_wait(void)
{
	struct timespec end;

	(void)__real_clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += FOR_EVER_S;
	assert_int_equal(sem_timedwait(&waits, &end), 0);
}

/* Begins, and goes on when it waits. */
static void start(struct waiter *w, void *(*does)(void *))
{
	assert_int_equal(pthread_create(&w->thread, NULL, does, w), 0);
	expect_wait();
}

static void join(struct waiter *w)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
}

/* Another process. */
static pid_t fork_other(void)
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

static void kill_other(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
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
	assert_false(paged_may_mean_name(paged, node_of(1), other)); /* others were told of nothing yet */
	time_passes = nothing_happens;
	assert_int_equal(settle_dropped(paged, &dropped), 1); /* so that the kernel asks */
	assert_int_equal(node_pack(dropped), node_pack(node_of(1)));
	assert_true(atomic_load(&now_ns) - start_ns <= NS_PER_S / 10); /* a change is not held up for long */
	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1);
	assert_true(paged_may_mean_name(paged, node_of(1), getppid()));
	assert_false(paged_may_mean_name(paged, node_of(1), other));	/* it has our descriptors */
	assert_false(paged_may_mean_name(paged, node_of(1), getpid())); /* it asks for what it reads */
	assert_false(paged_may_mean_name(paged, node_of(2), other));
	paged_forgotten(paged, node_of(1), asked.number);
	assert_true(
		paged_may_mean_name(paged, node_of(1), getppid())); /* it may have come by the name before */
	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1);
	atomic_fetch_add(&now_ns, NS_PER_S / 50);
	assert_false(paged_may_mean_name(paged, node_of(1), getppid()));
	check_inode(paged, 1, 2, PAGED_OF_READERS, 1);
	end(paged, h);
	assert_false(paged_may_mean_name(paged, node_of(1), other));

	/* Others who read it then are told apart, even after the thread that has opened it has ended. */
	h = begin(paged, 1, 2);
	of_other = begin_by(paged, 1, 2, other);
	assert_false(paged_may_mean_name(paged, node_of(1), 1));
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
	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1);
	check_settled(paged);
	assert_int_equal(paged_wait(paged, node_of(1), &present, &shown), PAGED_UNKNOWN);
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

static void test_each_thread_is_sent_away_once(void **state)
{
	struct paged *paged = *state;

	for (pid_t thread = 1; thread <= 60; thread++)
		assert_true(paged_send_away(paged, node_of(1), thread));
	for (pid_t thread = 1; thread <= 60; thread++)
		assert_false(paged_send_away(paged, node_of(1), thread));
	assert_true(paged_send_away(paged, node_of(1), 61));
	assert_true(paged_send_away(paged, node_of(2), 1)); /* from another file */
	assert_false(paged_send_away(paged, node_of(2), 1));
	assert_false(paged_send_away(paged, node_of(1), 1));
	atomic_fetch_add(&now_ns, NS_PER_S / 50 - 1);
	assert_false(paged_send_away(paged, node_of(1), 1)); /* the kernel has tried once more */
	atomic_fetch_add(&now_ns, 1);
	assert_true(paged_send_away(paged, node_of(1), 1)); /* by another request */
	assert_false(paged_send_away(paged, node_of(1), 1));
}

/* One that has come by the name is sent away by its next request, too; one of whom nothing is known by each. */
static void test_sent_away_and_come(void **state)
{
	struct paged *paged = *state;

	assert_true(paged_send_away(paged, node_of(1), 1));
	assert_true(paged_send_away(paged, node_of(2), 1));
	assert_true(paged_send_away(paged, node_of(1), 2));
	paged_has_come(paged, node_of(3), 1);
	paged_has_come(paged, node_of(1), 3);
	assert_false(paged_send_away(paged, node_of(1), 1));
	paged_has_come(paged, node_of(1), 1);
	assert_false(paged_send_away(paged, node_of(2), 1));
	assert_false(paged_send_away(paged, node_of(1), 2));
	assert_true(paged_send_away(paged, node_of(1), 1));
	assert_false(paged_send_away(paged, node_of(1), 1));
	assert_true(paged_send_away(paged, node_of(1), 0));
	assert_true(paged_send_away(paged, node_of(1), 0));
}

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

static void test_resume(void **state)
{
	struct paged *paged = *state;
	struct handle *a = open_content(1, 1), *b = open_content(1, 1), *c = open_content(2, 5), *d, *joined;

	resume(paged, a, 1);
	resume(paged, b, 1);
	resume(paged, c, 5);
	check_inode(paged, 1, 1, PAGED_UNKNOWN, 1); /* although nothing differs */
	check_inode(paged, 2, 6, PAGED_UNKNOWN, 5);
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
	check_inode(paged, 1, 1, PAGED_UNKNOWN, 1);
	assert_null(join_readers(paged, 1, 1)); /* there is nothing to show */
	paged_start(paged, ask, &asked);
	paged_forgotten(paged, node_of(1), asked.number);
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
		check_inode(paged, 1, 2, PAGED_UNKNOWN, 2);
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
	check_inode(paged, 1, 2, PAGED_UNKNOWN, 1);
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

/* Who asks before the names are forgotten waits, also for that of the process before. */
static void test_wait_after_resume(void **state)
{
	struct paged *paged = *state;
	struct handle *h = open_content(1, 1);
	struct waiter w = {.paged = paged};

	resume(paged, h, 1);
	start(&w, wait_for_name);
	paged_start(paged, ask, &asked);
	paged_forgotten(paged, node_of(1), asked.number);
	join(&w);
	assert_int_equal(w.is, PAGED_OF_READERS);
	assert_true(is_content(&w.shown, 1));
	end(paged, h);
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

#define STARTED(test)	  cmocka_unit_test_setup_teardown(test, setup_started, teardown)
#define NOT_STARTED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
		STARTED(test_sent_away_and_come),
		STARTED(test_may_change),
		STARTED(test_a_change_of_what_is_shown),
		NOT_STARTED(test_resume),
		NOT_STARTED(test_resume_without_content),
		NOT_STARTED(test_resume_after_poll),
		NOT_STARTED(test_resume_without_start),
		NOT_STARTED(test_wait_after_resume),
		cmocka_unit_test(test_without_table),
		STARTED(test_no_memory),
		NOT_STARTED(test_threads),
	};

	return cmocka_run_group_tests_name("fs_paged", tests, NULL, NULL);
}
