/* SPDX-License-Identifier: Apache-2.0 */
/* Long documents are in memory once, shown and kept, whenever the process is killed. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/document.h"
#include "model/keep_log.h"
#include "model/keep_pages.h"

#define PAGE	  4096
#define NO_LIMIT  SIZE_MAX
#define WORD_SIZE sizeof(uint32_t)

static _Thread_local bool releases;	/* this thread must not give memory back */
static _Atomic(const char *) held_back; /* whoever gives this back says so, and waits until it may */
static sem_t given, may_give;

int __real_madvise(void *addr, size_t len, int advice);
int __wrap_madvise(void *addr, size_t len, int advice);
int __wrap_madvise(void *addr, size_t len, int advice)
{
	const char *start = addr, *held = atomic_load(&held_back);

	if (advice == MADV_REMOVE) {
		assert_false(releases);
		if (held >= start && held < start + len) {
			(void)sem_post(&given);
			(void)sem_wait(&may_give);
		}
	}
	return __real_madvise(addr, len, advice);
}

static struct keep *open_keep(int fd)
{
	struct keep *k = NULL;

	assert_int_equal(keep_open(fd, &k, NULL), 0);
	return k;
}

/* An empty one, in which texts have room. */
static struct keep *new_keep(int *ret_fd)
{
	struct keep *k;

	assert_int_equal(keep_new(ret_fd, NULL), 0);
	k = open_keep(*ret_fd);
	keep_texts_settle(k);
	return k;
}

/* Pages of the file that texts have. */
static size_t text_pages(int fd)
{
	size_t pages = 0;
	off_t at = (off_t)keep_log_texts_at(), end;

	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		end = lseek(fd, at, SEEK_HOLE);
		pages += (size_t)(end - at) / PAGE;
		at = end;
	}
	return pages;
}

/* Waits until texts have so many pages. */
static bool have_pages(int fd, size_t pages)
{
	for (int i = 0; i < 10000; i++) {
		if (text_pages(fd) == pages)
			return true;
		(void)usleep(1000);
	}
	return false;
}

/* @count times @word. */
static struct passage *make_passage(struct keep *k, uint32_t word, size_t count)
{
	_cleanup_free_ uint32_t *words = calloc(count, sizeof(*words));

	for (size_t i = 0; words && i < count; i++)
		words[i] = word;
	return words ? passage_new(k, (char *)words, count * sizeof(*words)) : NULL;
}

static void assert_same(const struct document *a, const struct document *b)
{
	_cleanup_free_ char *x = malloc(a->len), *y = malloc(b->len);

	assert_int_equal(a->len, b->len);
	document_copy(a, x);
	document_copy(b, y);
	assert_memory_equal(x, y, a->len);
}

/* The number of the only document that is kept. */
static uint64_t only_number(struct keep *k)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(k, KEEP_DOCUMENT, &count);

	assert_int_equal(count, 1);
	return list[0];
}

/* What is kept of a document are the places of its passages, and the bytes of short ones. */
static void test_kept_once(void **state)
{
	int fd;
	struct keep *k = new_keep(&fd), *next;
	struct passage *a = make_passage(k, 1, 5000), *b = make_passage(k, 2, 9),
		       *c = make_passage(k, 3, PAGE / WORD_SIZE);
	struct document *d = document_join((struct piece[]){{a, 1}, {b, 2}, {c, 0}, {b, 0}}, 4, 7), *loaded;
	uint64_t number;

	(void)state;
	assert_true(have_pages(fd, 20000 / PAGE + 1 + 1));
	number = document_keep(d, k, NO_LIMIT);
	assert_true(number);
	assert_int_equal(document_keep(d, k, NO_LIMIT), number);
	assert_true(have_pages(fd, 20000 / PAGE + 1 + 1));
	assert_in_range(keep_bytes(k, KEEP_DOCUMENT), 2 * 36, 300);

	next = open_keep(fd);
	loaded = document_load(next, number, 7);
	assert_non_null(loaded);
	assert_int_equal(loaded->mtime, 7);
	assert_same(loaded, d);
	keep_texts_settle(next);
	assert_same(loaded, d);
	assert_int_equal(document_keep(loaded, next, NO_LIMIT), number);
	document_unref(loaded);
	assert_true(have_pages(fd, 0));
	keep_free(next);

	passage_unref(a);
	passage_unref(b);
	passage_unref(c);
	document_unref(d);
	keep_free(k);
	(void)close(fd);
}

/* Documents of one process, and of the next, share passages; the memory of each goes with the last that has it. */
static void test_shared_passages(void **state)
{
	int fd;
	struct keep *k = new_keep(&fd), *next;
	struct passage *a = make_passage(k, 1, 2048), *b = make_passage(k, 2, 2048),
		       *c = make_passage(k, 3, 2048);
	struct document *d = document_join((struct piece[]){{a, 1}, {b, 0}}, 2, 1), *d2;
	struct document *e = document_join((struct piece[]){{b, 0}, {c, 0}}, 2, 1), *e2;
	uint64_t numbers[] = {document_keep(d, k, NO_LIMIT), document_keep(e, k, NO_LIMIT)};

	(void)state;
	passage_unref(a);
	passage_unref(b);
	passage_unref(c);
	c = make_passage(k, 4, 2048); /* nothing that is kept has it */
	assert_true(have_pages(fd, 8));

	next = open_keep(fd);
	d2 = document_load(next, numbers[0], 1);
	e2 = document_load(next, numbers[1], 1);
	keep_texts_settle(next);
	assert_true(have_pages(fd, 6));
	assert_same(d, d2);
	document_unref(d2);
	assert_true(have_pages(fd, 4));
	assert_same(e, e2);
	a = make_passage(next, 5, 2048); /* where that of the first one was */
	assert_true(have_pages(fd, 6));
	assert_same(e, e2);
	document_unref(e2);
	assert_true(have_pages(fd, 2));
	passage_unref(a);
	keep_free(next);

	passage_unref(c);
	document_unref(d);
	document_unref(e);
	keep_free(k);
	(void)close(fd);
}

/* Where texts have no room they are copied, up to a limit; nothing takes memory that a process may still have to claim. */
static void test_without_room(void **state)
{
	int fd;
	struct keep *k, *next;
	struct passage *p;
	struct document *d, *loaded;

	(void)state;
	assert_int_equal(keep_new(&fd, NULL), 0);
	k = open_keep(fd);
	p = make_passage(k, 1, 5000);
	assert_true(have_pages(fd, 0));
	d = document_join(&(struct piece){p, 3}, 1, 1);
	passage_unref(p);
	assert_int_equal(document_keep(d, k, 19999), 0);
	assert_true(document_keep(d, k, 20100));
	next = open_keep(fd);
	loaded = document_load(next, only_number(next), 1);
	assert_same(loaded, d);
	assert_true(have_pages(fd, 0));
	assert_null(keep_text_new(NULL, 10));
	keep_texts_settle(NULL);
	keep_texts_settle(next);
	assert_null(keep_text_new(next, KEEP_TEXTS + 1));
	document_unref(loaded);
	keep_free(next);
	document_unref(d);
	keep_free(k);
	(void)close(fd);
}

/* What is kept never names memory that has been given back, whatever else the thread has begun. */
static void test_gone_before_its_memory(void **state)
{
	int fd;
	struct keep *k = new_keep(&fd), *next;
	struct passage *p = make_passage(k, 1, 5000);
	struct document *d = document_join(&(struct piece){p, 0}, 1, 1);

	(void)state;
	assert_true(document_keep(d, k, NO_LIMIT));
	assert_true(keep_begin(k));
	document_unref(d);
	next = open_keep(fd);
	assert_int_equal(keep_bytes(next, KEEP_DOCUMENT), 0);
	keep_free(next);
	keep_commit(k);
	passage_unref(p);
	keep_free(k);
	(void)close(fd);
}

/* A value that names what cannot be there, or has not all it should, is none. */
static void test_damaged(void **state)
{
	int fd;
	struct keep *k = new_keep(&fd);
	const uint64_t texts = keep_log_texts_at();
	const struct {
		uint64_t count;
		struct {
			uint64_t place, len, skip;
		} pieces[2];
	} rows[] = {
		{2, {{texts, 10, 0}, {texts + KEEP_TEXTS, 10, 0}}},
		{2, {{texts, 10, 0}, {texts + 1, 10, 0}}},
		{2, {{texts, 10, 0}, {4096, 10, 0}}},
		{2, {{texts, 10, 0}, {texts, KEEP_TEXTS + 1, 0}}},
		{2, {{texts, 10, 0}, {texts, 10, 11}}},
		{2, {{texts, 10, 0}, {0, 1, 0}}},
		{3, {{texts, 10, 0}, {texts, 10, 0}}},
		{UINT64_MAX, {{texts, 10, 0}, {texts, 10, 0}}},
	};
	const char *first, *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(keep_set(k, KEEP_DOCUMENT, i, &rows[i], sizeof(rows[i])), 0);
		assert_null(document_load(k, i, 1));
	}
	assert_int_equal(keep_set(k, KEEP_DOCUMENT, 100, "short", 5), 0);
	assert_null(document_load(k, 100, 1));
	assert_null(document_load(k, 101, 1));
	/* nothing of them is in use */
	passage_unref(make_passage(k, 1, 2048));
	assert_true(have_pages(fd, 0));
	first = keep_text_claim(k, texts, 1);
	keep_text_free(k, first, 1);
	while ((text = keep_text_new(k, 1)) != first) /* its memory is being given back */
		keep_text_free(k, text, 1);
	keep_free(k);
	(void)close(fd);
}

/* In any order, no page is given twice, and all can be given. */
static void test_pages(void **state)
{
	enum { PAGES = 64, TEXTS = 40 };
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct keep_pages pages;
	struct {
		char *at;
		size_t len;
	} texts[TEXTS] = {0};
	uint32_t random = 1;
	size_t used = 0, refused = 0;

	(void)state;
	assert_true(memory != MAP_FAILED);
	assert_int_equal(keep_pages_init(&pages, memory, PAGES * PAGE), 0);
	assert_null(keep_pages_take(&pages, 1));
	keep_pages_settle(&pages);
	assert_null(keep_pages_take(&pages, 0));
	for (int i = 0; i < 20000; i++) {
		size_t t, len;

		random = random * 1664525 + 1013904223;
		t = (random >> 8) % TEXTS;
		len = (random >> 16) % (8 * PAGE) + 1;
		if (texts[t].at) {
			for (size_t k = 0; k < texts[t].len; k++)
				assert_int_equal(texts[t].at[k], (char)t);
			keep_pages_release(&pages, texts[t].at, texts[t].len);
			used -= (texts[t].len + PAGE - 1) / PAGE;
			texts[t].at = NULL;
			continue;
		}
		texts[t].at = keep_pages_take(&pages, len);
		texts[t].len = len;
		refused += !texts[t].at;
		if (!texts[t].at)
			continue;
		used += (len + PAGE - 1) / PAGE;
		assert_in_range(used, 1, PAGES);
		memset(texts[t].at, (int)t, len);
	}
	assert_in_range(refused, 100, 10000);
	for (size_t t = 0; t < TEXTS; t++)
		if (texts[t].at)
			keep_pages_release(&pages, texts[t].at, texts[t].len);
	while (!(texts[0].at = keep_pages_take(&pages, PAGES * PAGE))) /* some are being given back */
		(void)usleep(1000);
	assert_ptr_equal(texts[0].at, memory);
	assert_null(keep_pages_take(&pages, 1));
	keep_pages_done(&pages);
	(void)munmap(memory, PAGES * PAGE);
}

/* Who releases a text does not wait until its memory is given back, and nobody gets it before that. */
static void test_given_back_by_another(void **state)
{
	int fd;
	struct keep *k = new_keep(&fd);
	struct passage *p = make_passage(k, 1, 2048), *other;
	const char *bytes = p->bytes;

	(void)state;
	assert_int_equal(text_pages(fd), 2);
	assert_int_equal(sem_init(&given, 0, 0), 0);
	assert_int_equal(sem_init(&may_give, 0, 0), 0);
	atomic_store(&held_back, bytes);
	releases = true;
	passage_unref(p);
	assert_int_equal(sem_wait(&given), 0);
	other = make_passage(k, 2, 2048);
	assert_ptr_not_equal(other->bytes, bytes);
	atomic_store(&held_back, NULL);
	assert_int_equal(sem_post(&may_give), 0);
	assert_true(have_pages(fd, 2));
	assert_int_equal(*(const uint32_t *)(const void *)other->bytes, 2);
	passage_unref(other);
	assert_true(have_pages(fd, 0));
	releases = false;
	keep_free(k);
	(void)close(fd);
}

/* ----------------------------------------------------------------- killed writers */

/*
 * A document of PARTS passages, each of which repeats one word, and, in a short one, the words and the lengths that they
 * must have.
 */
#define PARTS	  20
#define DOCUMENTS 4

struct table {
	struct {
		uint32_t word, count;
	} parts[PARTS];
};

struct writer {
	struct keep *k;
	struct table table;
	struct passage *parts[PARTS];
	struct document *documents[DOCUMENTS]; /* a ring */
	size_t next;
	uint32_t random;
};

static bool replace_part(struct writer *w, size_t i)
{
	w->random = w->random * 1664525 + 1013904223;
	w->table.parts[i].word = w->random;
	w->table.parts[i].count = 1024 + (w->random >> 8) % 4096;
	passage_unref(w->parts[i]);
	w->parts[i] = make_passage(w->k, w->table.parts[i].word, w->table.parts[i].count);
	return w->parts[i];
}

static bool keep_next(struct writer *w)
{
	struct piece pieces[PARTS + 1] = {
		{.text = passage_new(NULL, (const char *)&w->table, sizeof(w->table))}};
	struct document **d = &w->documents[w->next++ % DOCUMENTS];

	for (size_t i = 0; i < PARTS; i++)
		pieces[i + 1].text = w->parts[i];
	document_unref(*d);
	*d = document_join(pieces, PARTS + 1, 1);
	passage_unref(pieces[0].text);
	return document_keep(*d, w->k, NO_LIMIT);
}

/* Has the document what its table says? */
static bool is_whole(const struct document *d)
{
	_cleanup_free_ char *bytes = malloc(d->len);
	size_t at = sizeof(struct table);
	struct table table;

	if (!bytes || d->len < sizeof(table))
		return false;
	document_copy(d, bytes);
	memcpy(&table, bytes, sizeof(table));
	for (size_t i = 0; i < PARTS; i++)
		for (uint32_t k = 0; k < table.parts[i].count; k++, at += WORD_SIZE)
			if (at + WORD_SIZE > d->len ||
			    memcmp(bytes + at, &table.parts[i].word, WORD_SIZE) != 0)
				return false;
	return at == d->len;
}

/* The documents that the process before has left, all of them whole, up to DOCUMENTS and the one that was to follow. */
static bool load_all(struct writer *w)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(w->k, KEEP_DOCUMENT, &count);

	if (count > DOCUMENTS)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct document **d = &w->documents[w->next++ % DOCUMENTS];

		*d = document_load(w->k, list[i], 1);
		if (!*d || !is_whole(*d))
			return false;
	}
	keep_texts_settle(w->k);
	return true;
}

/* Replaces parts and documents until it is killed; tells @ready when all are its own. */
static _Noreturn void write_documents(int fd, uint32_t round, int ready)
{
	struct writer w = {.random = round};

	if (keep_open(fd, &w.k, NULL) < 0 || !load_all(&w))
		_exit(1);
	for (size_t i = 0; i < PARTS; i++)
		if (!replace_part(&w, i))
			_exit(1);
	for (size_t i = 0;; i++) {
		if (!keep_next(&w) || !replace_part(&w, w.random % PARTS))
			_exit(1);
		if (i == DOCUMENTS && write(ready, "", 1) != 1)
			_exit(1);
	}
}

/* Ends with 0 if all is whole, and no page is used that is not of a document. */
static _Noreturn void check_documents(int fd)
{
	struct writer w = {0};

	if (keep_open(fd, &w.k, NULL) < 0 || !load_all(&w) || w.next < DOCUMENTS - 1)
		_exit(1);
	for (size_t i = 0; i < DOCUMENTS; i++)
		document_unref(w.documents[i]);
	if (!have_pages(fd, 0))
		_exit(2);
	_exit(0);
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The process is killed at some moment, again and again; the last check takes all away. */
static void test_killed_writer(void **state)
{
	enum { ROUNDS = 40 };
	int fd;

	(void)state;
	assert_int_equal(keep_new(&fd, NULL), 0);
	for (int round = 0; round < ROUNDS; round++) {
		int ready[2], status;
		char byte;
		pid_t pid;

		assert_int_equal(pipe(ready), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			write_documents(fd, (uint32_t)round + 1, ready[1]);
		(void)close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		(void)close(ready[0]);
		(void)usleep((useconds_t)(1000 + round * 911 % 10000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		status = wait_for(pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		if (round % 4 < 3) /* else what it has left is for the next writer */
			continue;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			check_documents(fd);
		assert_int_equal(wait_for(pid), 0);
	}
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_once),
		cmocka_unit_test(test_shared_passages),
		cmocka_unit_test(test_without_room),
		cmocka_unit_test(test_gone_before_its_memory),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_given_back_by_another),
		cmocka_unit_test(test_killed_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
