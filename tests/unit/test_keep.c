/* SPDX-License-Identifier: Apache-2.0 */
/* model/keep.c: what is written survives the process, and is all or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "model/keep.h"
#include "model/log.h"

/* Bytes that values may take in a full keep, and long ones. */
#define ROOM	   (12 << 20)
#define ROOM_LARGE (8 << 20)

static bool fails; /* every calloc(3) */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails ? NULL : __real_calloc(count, size);
}

static bool old_kernel, no_memory; /* of madvise(2) */

int __real_madvise(void *addr, size_t len, int advice);
int __wrap_madvise(void *addr, size_t len, int advice);
int __wrap_madvise(void *addr, size_t len, int advice)
{
	if (advice == MADV_POPULATE_WRITE && (old_kernel || no_memory)) {
		errno = old_kernel ? EINVAL : ENOMEM;
		return -1;
	}
	return __real_madvise(addr, len, advice);
}

static struct keep *open_keep(int fd)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct keep *k = NULL;

	assert_int_equal(keep_open(fd, &k, &e), 0);
	return k;
}

static int new_file(void)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int fd = -1;

	assert_int_equal(keep_new(&fd, &e), 0);
	return fd;
}

static void assert_value(struct keep *k, uint64_t id, const char *want)
{
	size_t len = 0;
	_cleanup_free_ char *got = keep_get(k, KEEP_SCRATCH_NAME, id, &len);

	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, want);
	assert_int_equal(len, strlen(want));
}

static void test_values_survive(void **state)
{
	int fd = new_file();
	struct keep *k = open_keep(fd);

	(void)state;
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, 1, "one", 3), 0);
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, 2, "two", 3), 0);
	assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, 2, "-more", 5), 0);
	assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, 2, "", 0), 0);
	assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, 2, "!", 1), 0);
	assert_int_equal(keep_set(k, KEEP_HANDLE, 1, "other type", 10), 0);
	keep_remove(k, KEEP_SCRATCH_NAME, 1);
	keep_remove(k, KEEP_SCRATCH_NAME, 77);
	keep_free(k);

	k = open_keep(fd);
	assert_value(k, 1, NULL);
	assert_value(k, 2, "two-more!");
	assert_true(keep_has(k, KEEP_HANDLE, 1));
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, 2, "new", 3), 0);
	assert_value(k, 2, "new");
	keep_free(k);
	(void)close(fd);
}

/* Another process sees all of a change or nothing of it. */
static void test_change_is_whole(void **state)
{
	int fd = new_file();
	struct keep *k = open_keep(fd), *other;

	(void)state;
	assert_true(keep_begin(k));
	assert_false(keep_begin(k));
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, 1, "a", 1), 0);
	assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, 1, "b", 1), 0);
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, 2, "c", 1), 0);
	other = open_keep(fd);
	assert_value(other, 1, NULL);
	keep_free(other);
	keep_commit(k);
	keep_flush_with(k, KEEP_SCRATCH_NAME, 9, "more", 4); /* there is nothing to go with */
	assert_value(k, 9, NULL);
	other = open_keep(fd);
	assert_value(other, 1, "ab");
	assert_value(other, 2, "c");
	keep_free(other);
	keep_free(k);
	(void)close(fd);
}

/* What is valid at once is so even if the rest of the change never is. */
static void test_now(void **state)
{
	int fd = new_file();
	struct keep *k = open_keep(fd), *other;

	(void)state;
	assert_true(keep_begin(k));
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, 1, "later", 5), 0);
	assert_int_equal(keep_set_now(k, KEEP_SCRATCH_NAME, 2, "now", 3), 0);
	other = open_keep(fd);
	assert_value(other, 1, NULL);
	assert_value(other, 2, "now");
	keep_free(other);
	keep_commit(k);
	assert_value(k, 1, "later");
	assert_value(k, 2, "now");
	keep_free(k);
	(void)close(fd);
}

/* What is out of date is dropped, so the log stays small. */
static void test_log_is_bounded(void **state)
{
	int fd = new_file();
	struct keep *k = open_keep(fd);
	char text[1000];
	size_t log = 0, valid = 0, count = 0;
	uint64_t *list;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (uint64_t i = 1; i <= 100000; i++) {
		assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, i, text, i % 1000), 0);
		if (i > 50)
			keep_remove(k, KEEP_SCRATCH_NAME, i - 50);
		if (i % 3 == 0)
			assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, i, "tail", 4), 0);
	}
	keep_sizes(k, &log, &valid);
	assert_in_range(log, valid, 4 << 20);
	assert_in_range(valid, 1, 100000);
	keep_free(k);
	k = open_keep(fd);
	list = keep_list(k, KEEP_SCRATCH_NAME, &count);
	assert_int_equal(count, 50);
	assert_int_equal(list[0], 99951);
	assert_int_equal(list[49], 100000);
	for (size_t i = 0; i < count; i++) {
		size_t len = 0;
		_cleanup_free_ char *got = keep_get(k, KEEP_SCRATCH_NAME, list[i], &len);

		assert_non_null(got);
		assert_int_equal(len, list[i] % 1000 + (list[i] % 3 == 0 ? 4 : 0));
	}
	free(list);
	keep_free(k);
	(void)close(fd);
}

#define PAIRS 7

/* Writes pairs of values that always change together until it is killed; tells @ready when all are its own. */
static _Noreturn void write_pairs(int fd, int round, int ready)
{
	char filling[3000];
	struct keep *k;

	memset(filling, round, sizeof(filling));
	if (keep_open(fd, &k, NULL) < 0)
		_exit(1);
	for (uint64_t i = 1;; i++) {
		uint64_t id = i % PAIRS;

		if (!keep_begin(k) || keep_set(k, KEEP_HANDLE, id, &i, sizeof(i)) < 0 ||
		    keep_set(k, KEEP_SCRATCH_NAME, id, filling, i % sizeof(filling)) < 0 ||
		    keep_set(k, KEEP_UPLOAD, id, &i, sizeof(i)) < 0)
			_exit(1);
		keep_commit(k);
		if (i == PAIRS && write(ready, "", 1) != 1)
			_exit(1);
	}
}

/* Its number, which tells how far the process came. */
static uint64_t assert_pair(struct keep *k, uint64_t id, int round)
{
	uint64_t a = 0, b = 0;
	size_t len = 0;
	_cleanup_free_ char *text = keep_get(k, KEEP_SCRATCH_NAME, id, &len);
	char filling[3000];

	assert_true(keep_read(k, KEEP_HANDLE, id, &a, sizeof(a)));
	assert_true(keep_read(k, KEEP_UPLOAD, id, &b, sizeof(b)));
	assert_int_equal(a, b);
	assert_int_equal(a % PAIRS, id);
	assert_non_null(text);
	assert_int_equal(len, a % 3000);
	memset(filling, round, sizeof(filling));
	assert_memory_equal(text, filling, len);
	return a;
}

/* Values of types that stand alone, and numbers so close that they are in each other's way in the index. */
#define MANY_IDS 300
static const enum keep_type many_types[] = {KEEP_SCRATCH_NAME, KEEP_QUERY, KEEP_UPLOAD, KEEP_ASIDE};
#define MANY_TYPES 4

static void assert_many(struct keep *k, uint32_t want[MANY_TYPES][MANY_IDS])
{
	for (size_t t = 0; t < MANY_TYPES; t++) {
		size_t count = 0, listed;
		_cleanup_free_ uint64_t *list = keep_list(k, many_types[t], &listed);

		for (uint32_t id = 0; id < MANY_IDS; id++) {
			uint32_t got = 0;

			assert_int_equal(keep_read(k, many_types[t], id, &got, sizeof(got)),
					 want[t][id] != 0);
			assert_int_equal(got, want[t][id]);
			count += got != 0;
		}
		assert_int_equal(listed, count);
	}
}

/* In any order of sets and removals, exactly what is there is found; also by the next process. */
static void test_many_values(void **state)
{
	static uint32_t want[MANY_TYPES][MANY_IDS]; /* 0: none */
	int fd = new_file();
	struct keep *k = open_keep(fd);
	uint32_t random = 1;

	(void)state;
	for (uint32_t i = 1; i <= 20000; i++) {
		size_t t;
		uint32_t id;

		random = random * 1664525 + 1013904223;
		t = random >> 30;
		id = (random >> 8) % MANY_IDS;
		want[t][id] = random & 1 << 22 ? i : 0;
		if (want[t][id])
			assert_int_equal(keep_set(k, many_types[t], id, &i, sizeof(i)), 0);
		else
			keep_remove(k, many_types[t], id);
		assert_int_equal(keep_has(k, many_types[t], id), want[t][id] != 0);
		if (i % 1000 == 0)
			assert_many(k, want);
	}
	keep_free(k);
	k = open_keep(fd);
	assert_many(k, want);
	for (size_t t = 0; t < MANY_TYPES; t++)
		for (uint32_t id = 0; id < MANY_IDS; id++) {
			keep_remove(k, many_types[t], id);
			want[t][id] = 0;
		}
	assert_many(k, want);
	keep_free(k);
	close(fd);
}

/* The process is killed at some moment. */
static void test_killed_writer(void **state)
{
	int fd = new_file();

	(void)state;
	for (int round = 0; round < 40; round++) {
		uint64_t least = UINT64_MAX, most = 0;
		int ready[2], status;
		struct keep *k;
		char byte;
		pid_t pid;

		assert_int_equal(pipe(ready), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			write_pairs(fd, round, ready[1]);
		(void)close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		(void)close(ready[0]);
		(void)usleep((useconds_t)(1000 + round * 911 % 20000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		k = open_keep(fd);
		for (uint64_t id = 0; id < PAIRS; id++) {
			uint64_t number = assert_pair(k, id, round);

			least = number < least ? number : least;
			most = number > most ? number : most;
		}
		assert_int_equal(most - least, PAIRS - 1); /* nothing that was committed is missing */
		keep_free(k);
	}
	(void)close(fd);
}

#define PAGE 4096

/* The process that receives: writes into each page of the inbox, and counts what was changed by others. */
struct receiver {
	volatile uint8_t *inbox;
	atomic_bool ends;
	atomic_int rounds, lost;
};

static void *receive(void *arg)
{
	struct receiver *r = arg;

	for (uint8_t value = 1; !atomic_load(&r->ends); value++) {
		for (size_t i = 0; i < KEEP_INBOX; i += PAGE) {
			(void)atomic_fetch_add(&r->lost, r->inbox[i] != (uint8_t)(value - 1));
			r->inbox[i] = value;
		}
		(void)atomic_fetch_add(&r->rounds, 1);
	}
	return NULL;
}

/* Opening it changes nothing in what another process is receiving. */
static void check_open_while_receiving(void)
{
	int fd = new_file();
	struct keep *k = open_keep(fd);
	struct receiver r = {.inbox = keep_inbox(k)};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, receive, &r), 0);
	for (int i = 0; i < 150 || atomic_load(&r.rounds) < 150; i++)
		keep_free(open_keep(fd));
	atomic_store(&r.ends, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(atomic_load(&r.lost), 0);
	keep_free(k);
	(void)close(fd);
}

static void test_open_while_receiving(void **state)
{
	(void)state;
	check_open_while_receiving();
}

static void test_open_on_an_old_kernel(void **state)
{
	(void)state;
	old_kernel = true;
	check_open_while_receiving();
	old_kernel = false;
}

/* All pages of the inbox are there, so that the kernel can write to them when the process is gone. */
static void test_inbox_is_present(void **state)
{
	(void)state;
	for (int old = 0; old < 2; old++) {
		static uint64_t entries[KEEP_INBOX / PAGE];
		int fd = new_file(), map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
		struct keep *k;

		old_kernel = old;
		k = open_keep(fd);
		old_kernel = false;
		assert_int_equal(pread(map, entries, sizeof(entries),
				       (off_t)((uintptr_t)keep_inbox(k) / PAGE * sizeof(entries[0]))),
				 sizeof(entries));
		for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
			assert_true(entries[i] >> 63); /* present */
		keep_free(k);
		(void)close(map);
		(void)close(fd);
	}
}

static void test_without_memory_for_the_inbox(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct keep *k = NULL;
	int fd = new_file();

	(void)state;
	no_memory = true;
	assert_int_equal(keep_open(fd, &k, &e), -ENOMEM);
	no_memory = false;
	assert_null(k);
	(void)close(fd);
}

static void test_foreign_file(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct keep *k = NULL;
	int fd = new_file();

	(void)state;
	assert_int_equal(pwrite(fd, "other", 5, 0), 5);
	assert_int_equal(keep_open(fd, &k, &e), -EINVAL);
	assert_null(k);
	(void)close(fd);
}

/* What belongs to a value goes with it, and is not taken any more, in the order in which the threads come. */
static void *remove_request(void *keep)
{
	keep_remove(keep, KEEP_REQUEST, 1);
	return NULL;
}

static void test_owned_values(void **state)
{
	static const enum keep_type of_handle[] = {KEEP_TEXT, KEEP_CONTENT, KEEP_ANSWER, KEEP_POLL};
	static const enum keep_type of_request[] = {KEEP_INTERRUPT, KEEP_REPLY, KEEP_SUBMISSION, KEEP_WAIT};
	int fd = new_file();
	struct keep *k = open_keep(fd);
	size_t log = 0, valid = 0;
	pthread_t thread;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		assert_int_equal(keep_set(k, KEEP_HANDLE, i, "handle", 6), 0);
		for (size_t t = 0; t < ARRAY_SIZE(of_handle); t++)
			assert_int_equal(keep_set(k, of_handle[t], i, "bytes", 5), 0);
		keep_remove(k, KEEP_HANDLE, i);
		for (size_t t = 0; t < ARRAY_SIZE(of_handle); t++) {
			assert_false(keep_has(k, of_handle[t], i));
			assert_int_equal(keep_set(k, of_handle[t], i, "late", 4), 0);
			assert_false(keep_has(k, of_handle[t], i));
			assert_int_equal(keep_bytes(k, of_handle[t]), 0);
		}
	}
	/* one thread has begun with a request that another one answers meanwhile */
	for (size_t t = 0; t < ARRAY_SIZE(of_request); t++) {
		assert_int_equal(keep_set(k, KEEP_REQUEST, 1, "request", 7), 0);
		assert_true(keep_begin(k));
		assert_int_equal(keep_set(k, of_request[t], 1, "bytes", 5), 0);
		assert_int_equal(pthread_create(&thread, NULL, remove_request, k), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		keep_commit(k);
		assert_false(keep_has(k, of_request[t], 1));
	}
	keep_sizes(k, &log, &valid);
	assert_int_equal(valid, 0);
	keep_free(k);
	k = open_keep(fd);
	keep_sizes(k, &log, &valid);
	assert_int_equal(valid, 0);
	keep_free(k);
	(void)close(fd);
}

/* A record as the file has it. */
struct record {
	uint64_t id, prev;
	uint32_t len;
	uint16_t type, kind;
};

/* Older versions left behind what belongs to a value that is gone. */
static void test_values_without_owner(void **state)
{
	const struct record log[] = {{.id = 5, .type = KEEP_TEXT},
				     {.id = 6, .type = KEEP_TEXT},
				     {.id = 6, .type = KEEP_HANDLE},
				     {.id = 7, .type = KEEP_UPLOAD}};
	const uint64_t state_of_log = sizeof(log);
	int fd = new_file();
	struct keep *k;

	(void)state;
	assert_int_equal(pwrite(fd, log, sizeof(log), 4096 + KEEP_INBOX), sizeof(log));
	assert_int_equal(pwrite(fd, &state_of_log, sizeof(state_of_log), 16), sizeof(state_of_log));
	k = open_keep(fd);
	assert_false(keep_has(k, KEEP_TEXT, 5));
	assert_true(keep_has(k, KEEP_TEXT, 6));
	assert_true(keep_has(k, KEEP_UPLOAD, 7));
	assert_int_equal(keep_bytes(k, KEEP_TEXT), sizeof(struct record));
	/* a later owner of the same number does not get them */
	assert_int_equal(keep_set(k, KEEP_HANDLE, 5, "", 0), 0);
	keep_free(k);
	k = open_keep(fd);
	assert_true(keep_has(k, KEEP_HANDLE, 5));
	assert_false(keep_has(k, KEEP_TEXT, 5));
	assert_true(keep_has(k, KEEP_TEXT, 6));
	keep_free(k);
	(void)close(fd);
}

/* The lines of the log of the program that have the word. */
static int count_lines(const char *path, const char *word)
{
	FILE *f = fopen(path, "re");
	char line[512];
	int count = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		count += strstr(line, word) != NULL;
	(void)fclose(f);
	return count;
}

/* When it is full the operator is told, once; small values have room for long, and a change is whole or refused. */
static void test_full(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	enum { LARGE = 64 << 10 };
	char path[] = "/tmp/poolfs-test-XXXXXX";
	_cleanup_free_ char *bytes = calloc(1, LARGE);
	int fd = new_file(), errors = dup(STDERR_FILENO), tmp = mkstemp(path);
	struct keep *k = open_keep(fd), *other;
	size_t log = 0, valid = 0;
	uint64_t i = 0;

	(void)state;
	keep_set_room(k, ROOM);
	assert_true(tmp >= 0);
	assert_int_equal(log_to_file(path, &e), 0);
	while (keep_set(k, KEEP_SCRATCH_NAME, i, bytes, LARGE) == 0)
		i++;
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, i, bytes, LARGE), -ENOSPC);
	assert_true(dup2(errors, STDERR_FILENO) >= 0);
	assert_int_equal(count_lines(path, "no room"), 1);
	keep_sizes(k, &log, &valid);
	assert_in_range(valid, ROOM_LARGE - 2 * LARGE, ROOM_LARGE);
	/* the former value stays */
	assert_int_equal(keep_set(k, KEEP_SCRATCH_NAME, 0, bytes, LARGE), -ENOSPC);
	assert_true(keep_has(k, KEEP_SCRATCH_NAME, 0));

	/* what threads have begun counts, too, and so is sure to fit */
	assert_true(keep_begin(k));
	for (i = 0; keep_set(k, KEEP_LAST_ERROR, i, bytes, 4096) == 0; i++)
		;
	assert_in_range(i, (ROOM - ROOM_LARGE) / 4200, (ROOM - ROOM_LARGE) / 4096 + 2 * LARGE / 4096);
	keep_remove(k, KEEP_SCRATCH_NAME, 0);
	keep_commit(k);
	other = open_keep(fd);
	assert_false(keep_has(other, KEEP_SCRATCH_NAME, 0));
	assert_true(keep_has(other, KEEP_LAST_ERROR, 0));
	assert_true(keep_has(other, KEEP_LAST_ERROR, i - 1));
	keep_free(other);
	/* and there is room again for what was removed */
	assert_int_equal(keep_set(k, KEEP_LAST_ERROR, i, bytes, 4096), 0);
	keep_free(k);
	(void)close(fd);
	(void)close(tmp);
	(void)close(errors);
	(void)unlink(path);
}

/* A value that grows by small pieces is as long as another one, and leaves the same room for small values. */
static void test_full_of_pieces(void **state)
{
	static const char piece[4096];
	int fd = new_file();
	struct keep *k = open_keep(fd);
	size_t log = 0, valid = 0;

	(void)state;
	keep_set_room(k, ROOM);
	while (keep_add(k, KEEP_SCRATCH_NAME, 1, piece, sizeof(piece)) == 0)
		;
	keep_sizes(k, &log, &valid);
	assert_in_range(valid, ROOM_LARGE - 2 * sizeof(piece), ROOM_LARGE);
	/* also within one change */
	assert_true(keep_begin(k));
	assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, 2, piece, sizeof(piece)), 0);
	assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, 2, piece, 1), -ENOSPC);
	keep_commit(k);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(keep_set(k, KEEP_HANDLE, i, piece, 88), 0);
	keep_free(k);
	(void)close(fd);
}

/* The room that single bytes take in the log does not count against others. */
static void test_full_of_bytes(void **state)
{
	enum { VALUES = 150, LENGTH = 4000 };
	static const char piece[4096];
	int fd = new_file();
	struct keep *k = open_keep(fd);
	size_t log = 0, valid = 0;

	(void)state;
	assert_true(VALUES * LENGTH * sizeof(struct record) > ROOM);
	keep_set_room(k, ROOM);
	for (uint64_t i = 0; i < (ROOM / 8 * 5) / sizeof(piece); i++)
		assert_int_equal(keep_set(k, KEEP_LAST_ERROR, i, piece, sizeof(piece)), 0);
	for (size_t i = 0; i < LENGTH; i++)
		for (uint64_t id = 0; id < VALUES; id++)
			assert_int_equal(keep_add(k, KEEP_SCRATCH_NAME, id, &"0123456789"[i % 10], 1), 0);
	for (int round = 0; round < 2; round++) {
		for (uint64_t id = 0; id < VALUES; id++) {
			size_t len = 0;
			_cleanup_free_ char *got = keep_get(k, KEEP_SCRATCH_NAME, id, &len);

			assert_non_null(got);
			assert_int_equal(len, LENGTH);
			for (size_t i = 0; i < LENGTH; i++)
				assert_int_equal(got[i], '0' + i % 10);
		}
		keep_free(k);
		k = open_keep(fd);
	}
	keep_sizes(k, &log, &valid);
	assert_in_range(valid, ROOM / 8 * 5, ROOM);
	keep_free(k);
	(void)close(fd);
}

/* Without memory a value is refused when it is set; what was taken is made valid as a whole. */
static void test_no_memory(void **state)
{
	enum { COUNT = 5000 }; /* more than the index has room for at first */
	int fd = new_file();
	struct keep *k = open_keep(fd), *other;
	int taken[COUNT];

	(void)state;
	assert_true(keep_begin(k));
	for (uint64_t i = 0; i < COUNT; i++) {
		fails = i >= COUNT / 2;
		taken[i] = keep_set(k, KEEP_UPLOAD, i, &i, sizeof(i));
	}
	assert_int_equal(taken[COUNT / 2 - 1], 0);
	assert_int_equal(taken[COUNT - 1], -ENOMEM);
	keep_commit(k);
	fails = false;
	other = open_keep(fd);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_int_equal(keep_has(other, KEEP_UPLOAD, i), taken[i] == 0);
	keep_free(other);
	keep_free(k);
	(void)close(fd);
}

/* Parts that run without one. */
static void test_none(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(keep_set(NULL, KEEP_TEXT, 1, "x", 1), 0);
	assert_false(keep_begin(NULL));
	keep_commit(NULL);
	assert_false(keep_has(NULL, KEEP_TEXT, 1));
	assert_null(keep_get(NULL, KEEP_TEXT, 1, &len));
	assert_null(keep_list(NULL, KEEP_TEXT, &len));
	keep_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_survive),
		cmocka_unit_test(test_change_is_whole),
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_log_is_bounded),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_killed_writer),
		cmocka_unit_test(test_open_while_receiving),
		cmocka_unit_test(test_open_on_an_old_kernel),
		cmocka_unit_test(test_inbox_is_present),
		cmocka_unit_test(test_without_memory_for_the_inbox),
		cmocka_unit_test(test_foreign_file),
		cmocka_unit_test(test_owned_values),
		cmocka_unit_test(test_values_without_owner),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_full_of_pieces),
		cmocka_unit_test(test_full_of_bytes),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
