/* SPDX-License-Identifier: Apache-2.0 */
/* Handles: numbers, reading, and documents that are written in pieces. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/tree/gathered.h"
#include "fs/tree/handle.h"

#define COUNT 1000

/* What is kept of a handle, as in fs/tree/handle.c. */
struct kept_start {
	uint64_t values[6];
	uint32_t numbers[5];
	int32_t refused;
	uint8_t flags[16];
};

static struct handle *add(struct handles *handles)
{
	struct handle *h =
		handle_new((struct node){.class = N_README}, S_IFREG | 0444, NULL, &(struct caller){0});

	assert_non_null(h);
	assert_int_equal(handles_add(handles, h), 0);
	handle_unref(h); /* the table has its own reference */
	return h;
}

static void test_numbers(void **state)
{
	struct handles *handles = handles_new(NULL);
	uint64_t numbers[COUNT];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++)
			numbers[i] = add(handles)->number;
		for (int i = 0; i < COUNT; i++) {
			struct handle *h = handles_get(handles, numbers[i]);

			assert_non_null(h);
			assert_int_equal(h->number, numbers[i]);
			handle_unref(h);
			handles_remove(handles, numbers[i]);
			assert_null(handles_get(handles, numbers[i]));
			handles_remove(handles, numbers[i]); /* twice is harmless */
		}
	}
	assert_null(handles_get(handles, 0));
	assert_null(handles_get(handles, UINT64_MAX));
	add(handles); /* handles that are still open are freed with the table */
	handles_free(handles);
}

/* The number of a closed handle is not that of the next handle in the same slot. */
static void test_generations(void **state)
{
	struct handles *handles = handles_new(NULL);
	uint64_t old = add(handles)->number, new;

	(void)state;
	handles_remove(handles, old);
	new = add(handles)->number;
	assert_int_equal((uint32_t)old, (uint32_t) new);
	assert_true(old != new);
	assert_null(handles_get(handles, old));
	handles_free(handles);
}

/* Nor is it that of a handle in the next process, which may be asked to close the former one again. */
static void test_generations_of_processes(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	uint64_t last = 0;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	for (int process = 0; process < 3; process++) {
		struct keep *keep = NULL;
		struct handles *handles;

		assert_int_equal(keep_open(fd, &keep, &e), 0);
		handles = handles_new(keep);
		for (int i = 0; i < 3; i++) {
			uint64_t number;

			assert_true(keep_begin(keep));
			number = add(handles)->number;
			assert_true(number >> 32 > last >> 32);
			assert_int_equal((uint32_t)number, 1);
			handles_remove(handles, number);
			if (i < 2) /* else the process dies before it commits */
				keep_commit(keep);
			last = number;
		}
		keep_commit(keep);
		handles_free(handles);
		keep_free(keep);
	}
	(void)close(fd);
}

static void assert_read(struct handle *h, off_t offset, const char *text)
{
	off_t start;
	struct document *d = handle_read(h, offset, &start);

	if (!text) {
		assert_null(d);
		return;
	}
	assert_true(start >= 0);
	assert_string_equal((size_t)start < d->len ? d->data + start : "", text);
	document_unref(d);
}

static void test_reading(void **state)
{
	struct handle *h =
		handle_new((struct node){.class = N_CREATE}, S_IFREG | 0644, NULL, &(struct caller){0});

	(void)state;
	h->content = document_new("content\n", 8, 0);
	assert_read(h, 0, "content\n");
	assert_read(h, 4, "ent\n");
	/* A request was written: until there is an answer, nothing is read. */
	h->requested = true;
	assert_read(h, 100, NULL);
	handle_set_answer(h, document_new("answer\n", 7, 0));
	/* The first read after it may be at any offset, and gets the beginning... */
	assert_read(h, 100, "answer\n");
	assert_read(h, 103, "wer\n");
	assert_read(h, 107, "");
	/* ...also after a seek to the start. */
	assert_read(h, 0, "answer\n");
	assert_read(h, 7, "");
	handle_unref(h);
}

static void test_gather(void **state)
{
	struct gather g = {0};

	(void)state;
	assert_int_equal(gather_append(&g, "abc", 3, 10), 0);
	assert_int_equal(gather_append(&g, "defghij", 7, 10), 0);
	assert_int_equal(gather_append(&g, "k", 1, 10), -EFBIG);
	assert_memory_equal(g.data, "abcdefghij", 10);
	gather_reset(&g);
	assert_int_equal(g.len, 0);
	assert_null(g.data);
}

/* Many users, each up to its limit, then the sum; closed handles and documents that are complete count no more. */
static void test_gathered_memory_is_limited(void **state)
{
	enum { PIECE = 1 << 20, USERS = 6, EACH = 40 };
	static const char piece[PIECE];
	struct handles *handles = handles_new(NULL);
	struct handle *list[USERS][EACH] = {{0}};
	size_t of_user = GATHERED_OF_USER / PIECE, total = GATHERED_TOTAL / PIECE, all = 0;

	(void)state;
	assert_non_null(handles);
	for (uid_t user = 0; user < USERS; user++) {
		size_t taken = 0;

		for (size_t i = 0; i < EACH; i++) {
			_cleanup_(error_done) struct error e = ERROR_INIT;
			struct handle *h = handle_new((struct node){.class = N_CREATE}, S_IFREG | 0644, NULL,
						      &(struct caller){0});
			int r, wanted = taken < of_user ? 0 : -EDQUOT;

			list[user][i] = h;
			assert_int_equal(handles_add(handles, h), 0);
			r = handles_check_gather(handles, h, user, PIECE, &e);
			if (wanted == 0 && all >= total)
				wanted = -ENOSPC;
			assert_int_equal(r, wanted);
			assert_int_equal(r < 0, error_is_set(&e));
			/* a small piece is always taken */
			assert_int_equal(handles_check_gather(handles, h, user, GATHERED_FREE, NULL), 0);
			if (r < 0)
				continue;
			assert_int_equal(gather_append(&h->gather, piece, PIECE, PIECE), 0);
			handles_count_gather(handles, h, user);
			taken++;
			all++;
		}
	}
	/* about as many as fit, since the first bytes of each do not count */
	assert_in_range(all, total, total + 1);
	gather_reset(&list[0][0]->gather);
	handles_count_gather(handles, list[0][0], 0);
	assert_int_equal(handles_check_gather(handles, list[0][0], 0, PIECE, NULL), 0);
	for (size_t i = 0; i < EACH; i++) {
		handles_remove(handles, list[1][i]->number);
		handle_unref(list[1][i]);
	}
	for (uid_t user = 2; user < USERS; user++)
		for (size_t i = 0; i < EACH; i++)
			handles_remove(handles, list[user][i]->number);
	assert_int_equal(handles_check_gather(handles, list[0][0], 1, GATHERED_OF_USER, NULL), 0);
	for (size_t i = 0; i < EACH; i++)
		handle_unref(list[0][i]);
	for (uid_t user = 2; user < USERS; user++)
		for (size_t i = 0; i < EACH; i++)
			handle_unref(list[user][i]);
	handles_free(handles);
}

/* What is open, written and read is there in the next process, under the same number. */
static void test_outlives_the_process(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct handles *handles;
	struct keep *keep = NULL, *other = NULL;
	struct handle *h;
	int fd = -1;
	size_t len = 0, count = 0;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	handles = handles_new(keep);
	h = add(handles);
	(void)add(handles);
	assert_true(keep_begin(keep));
	handle_unref(handles_get(handles, h->number)); /* as each request does */
	assert_int_equal(gather_append(&h->gather, "half", 4, 100), 0);
	h->gather.held = true;
	keep_flush(keep);
	assert_int_equal(gather_append(&h->gather, " text", 5, 100), 0);
	keep_commit(keep);
	assert_int_equal(keep_open(fd, &other, &e), 0);
	{
		_cleanup_free_ char *text = keep_get(other, KEEP_TEXT, h->number, &len);
		_cleanup_free_ uint64_t *list = keep_list(other, KEEP_HANDLE, &count);

		assert_non_null(text);
		assert_string_equal(text, "half text");
		assert_int_equal(count, 2);
	}
	handles_remove(handles, h->number);
	keep_free(other);
	assert_int_equal(keep_open(fd, &other, &e), 0);
	{
		_cleanup_free_ uint64_t *list = keep_list(other, KEEP_HANDLE, &count);
		_cleanup_free_ uint64_t *texts = keep_list(other, KEEP_TEXT, &len);

		assert_int_equal(count, 1);
		assert_int_equal(len, 0);
		assert_null(texts);
	}
	keep_free(other);
	handles_free(handles);
	keep_free(keep);
	(void)close(fd);
}

/* What is kept of handles goes with them, whatever was done with them. */
static void test_keep_does_not_grow(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct handles *handles;
	struct keep *keep = NULL;
	size_t log = 0, before = 0, after = 1;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	handles = handles_new(keep);
	(void)add(handles);
	keep_sizes(keep, &log, &before);
	for (uint64_t i = 0; i < 1000; i++) {
		_cleanup_document_ struct document *d = document_new("content", 7, 1);
		struct handle *h = add(handles);

		assert_int_equal(keep_set(keep, KEEP_POLL, h->number, &i, sizeof(i)), 0);
		assert_true(keep_begin(keep));
		handle_unref(handles_get(handles, h->number));
		handle_note_read(h, d, 3);
		assert_int_equal(gather_append(&h->gather, "half", 4, 100), 0);
		keep_commit(keep);
		assert_true(keep_has(keep, KEEP_TEXT, h->number));
		assert_true(keep_has(keep, KEEP_CONTENT, h->number));
		handle_begin_answer(h);
		handle_set_answer(h, document_new("answer", 6, 1));
		assert_true(keep_has(keep, KEEP_ANSWER, h->number));
		handles_remove(handles, h->number);
	}
	keep_sizes(keep, &log, &after);
	assert_int_equal(after, before);
	handles_free(handles);
	keep_free(keep);
	(void)close(fd);
}

struct late {
	struct handles *handles;
	uint64_t number;
};

static void *answer_late(void *arg)
{
	const struct late *late = arg;
	struct handle *h = handles_get(late->handles, late->number);

	handle_set_answer(h, document_new("second", 6, 1));
	handle_unref(h);
	return NULL;
}

/* An answer that another thread gives while the request is still being taken is kept. */
static void test_answer_of_another_thread(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *kept = NULL;
	struct keep *keep = NULL;
	struct late late = {0};
	pthread_t thread;
	struct handle *h;
	size_t len = 0;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	late.handles = handles_new(keep);
	h = add(late.handles);
	late.number = h->number;
	handle_begin_answer(h);
	handle_set_answer(h, document_new("first", 5, 1));
	assert_true(keep_begin(keep));
	handle_begin_answer(h);
	assert_int_equal(pthread_create(&thread, NULL, answer_late, &late), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	keep_commit(keep);
	kept = keep_get(keep, KEEP_ANSWER, h->number, &len);
	assert_non_null(kept);
	assert_true(len > 6);
	assert_memory_equal(kept + len - 6, "second", 6);
	handles_free(late.handles);
	keep_free(keep);
	(void)close(fd);
}

/* However long the contents are in whose middle readers are, what is kept of them is limited; all are known, though. */
static void test_kept_contents_are_limited(void **state)
{
	enum { LENGTH = 3 << 20, READERS = 30 };
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_document_ struct document *d = document_alloc(LENGTH, 1);
	struct handles *handles;
	struct keep *keep = NULL;
	struct handle *list[READERS];
	size_t len = 0;
	int fd = -1;

	(void)state;
	assert_int_equal((size_t)LENGTH * READERS > HANDLE_CONTENTS, true);
	assert_non_null(d);
	memset(d->data, 'x', LENGTH);
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	handles = handles_new(keep);
	for (int i = 0; i < READERS; i++) {
		list[i] = add(handles);
		handle_note_read(list[i], d, 4096);
	}
	assert_in_range(keep_bytes(keep, KEEP_CONTENT), HANDLE_CONTENTS - LENGTH,
			HANDLE_CONTENTS + READERS * 64);
	for (int i = 0; i < READERS; i++) {
		_cleanup_free_ char *kept = keep_get(keep, KEEP_CONTENT, list[i]->number, &len);

		assert_non_null(kept);
		assert_true(len == 16 || len == 16 + LENGTH);
		assert_int_equal(len > 16, list[i]->shown.kept);
	}
	assert_int_equal(len, 16);
	/* with the first ones closed there is room for the last */
	handles_remove(handles, list[0]->number);
	handle_note_read(list[READERS - 1], d, 8192);
	free(keep_get(keep, KEEP_CONTENT, list[READERS - 1]->number, &len));
	assert_int_equal(len, 16 + LENGTH);

	for (int i = 1; i < READERS; i++) {
		struct document *answer = document_alloc(LENGTH, 1);

		assert_non_null(answer);
		memset(answer->data, 'x', LENGTH);
		handle_begin_answer(list[i]);
		handle_set_answer(list[i], answer);
	}
	assert_in_range(keep_bytes(keep, KEEP_ANSWER), HANDLE_CONTENTS - LENGTH, HANDLE_CONTENTS);
	handles_free(handles);
	keep_free(keep);
	(void)close(fd);
}

static struct document *joined(size_t len)
{
	_cleanup_free_ char *text = malloc(len);
	_cleanup_passage_ struct passage *part = NULL;

	assert_non_null(text);
	memset(text, 'x', len);
	text[0] = ',';
	part = passage_new(NULL, text, len);
	return document_join((struct piece[]){{part, 1}, {part, 0}}, 2, 1);
}

/* A long content that many show is kept once, as long as it is there; a short one with each of them. */
static void test_shared_contents_are_kept_once(void **state)
{
	enum { LENGTH = 100000, READERS = 10 };
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct document *d = joined(LENGTH), *small = joined(5), *again;
	_cleanup_free_ char *kept = NULL, *bytes = malloc(2 * LENGTH);
	_cleanup_free_ uint64_t *numbers = NULL;
	struct handles *handles;
	struct keep *keep = NULL;
	struct handle *h = NULL;
	size_t len = 0, count;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	handles = handles_new(keep);
	for (int i = 0; i < READERS; i++) {
		h = add(handles);
		handle_note_read(h, d, 3);
		assert_true(h->shown.kept);
	}
	assert_in_range(keep_bytes(keep, KEEP_DOCUMENT), d->len, d->len + 128);
	assert_in_range(keep_bytes(keep, KEEP_CONTENT), 1, READERS * 64);

	h = add(handles);
	handle_note_read(h, small, 3);
	kept = keep_get(keep, KEEP_CONTENT, h->number, &len);
	assert_int_equal(len, 16 + 9);
	assert_memory_equal(kept + 16, "xxxx,xxxx", 9);

	numbers = keep_list(keep, KEEP_DOCUMENT, &count);
	assert_int_equal(count, 1);
	again = document_load(keep, numbers[0], 1);
	assert_int_equal(again->len, d->len);
	document_copy(again, bytes);
	assert_int_equal(bytes[LENGTH - 1], ',');
	handles_free(handles);
	assert_true(keep_has(keep, KEEP_DOCUMENT, numbers[0]));
	document_unref(small);
	document_unref(again);
	document_unref(d);
	assert_false(keep_has(keep, KEEP_DOCUMENT, numbers[0]));
	keep_free(keep);
	(void)close(fd);
}

/* A listing whose parts are beside the log is kept, however long it is. */
static void test_a_listing_of_any_length_is_kept(void **state)
{
	enum { PARTS = 48, LENGTH = 1 << 20 };
	struct piece pieces[PARTS];
	_cleanup_free_ char *text = calloc(1, LENGTH);
	_cleanup_document_ struct document *d = NULL;
	struct keep *keep = NULL;
	struct handles *handles;
	struct handle *h;
	int fd = -1;

	(void)state;
	_Static_assert((size_t)PARTS * LENGTH > HANDLE_LISTINGS, "");
	assert_non_null(text);
	assert_int_equal(keep_new(&fd, NULL), 0);
	assert_int_equal(keep_open(fd, &keep, NULL), 0);
	keep_texts_settle(keep);
	handles = handles_new(keep);
	for (int i = 0; i < PARTS; i++)
		pieces[i] = (struct piece){passage_new(keep, text, LENGTH), 0};
	d = document_join(pieces, PARTS, 1);
	for (int i = 0; i < PARTS; i++)
		passage_unref(pieces[i].text);
	h = add(handles);
	handle_note_read(h, d, 3);
	assert_true(h->shown.kept);
	assert_in_range(keep_bytes(keep, KEEP_DOCUMENT), 1, PARTS * 64);
	handles_free(handles);
	document_unref(steal(&d));
	keep_free(keep);
	(void)close(fd);
}

/* A text whose end cannot be kept does not go on in another process as if it were whole. */
static void test_no_room_for_a_text(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	static char piece[1 << 20];
	struct handles *handles;
	struct keep *keep = NULL;
	struct handle *h;
	uint64_t filled = 0;
	int fd = -1;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	keep_set_room(keep, 12 << 20);
	handles = handles_new(keep);
	h = add(handles);
	while (keep_set(keep, KEEP_LAST_ERROR, filled, piece, sizeof(piece)) == 0)
		filled++;
	for (int i = 0; i < 3; i++) {
		size_t len = 0;
		struct kept_start kept;

		for (uint64_t room = 0; i == 2 && room < 2; room++)
			keep_remove(keep, KEEP_LAST_ERROR, room);
		assert_true(keep_begin(keep));
		handle_unref(handles_get(handles, h->number));
		assert_int_equal(gather_append(&h->gather, i == 0 ? "start" : piece,
					       i == 0 ? 5 : sizeof(piece), 4 << 20),
				 0);
		keep_commit(keep);
		free(keep_get(keep, KEEP_TEXT, h->number, &len));
		assert_int_equal(len, i < 2 ? 5 : 5 + 2 * sizeof(piece));
		assert_true(keep_read(keep, KEEP_HANDLE, h->number, &kept, sizeof(kept)));
		assert_int_equal(kept.refused, i == 1 ? ENOSPC : 0);
	}
	handles_free(handles);
	keep_free(keep);
	(void)close(fd);
}

/* A handle that cannot be kept is not opened. */
static void test_no_room_for_a_handle(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	static const char filling[4096];
	_cleanup_handle_ struct handle *h =
		handle_new((struct node){.class = N_README}, S_IFREG | 0444, NULL, &(struct caller){0});
	struct handles *handles;
	struct keep *keep = NULL;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	keep_set_room(keep, 8 << 20);
	handles = handles_new(keep);
	for (uint64_t i = 0; keep_set(keep, KEEP_LAST_ERROR, i, filling, sizeof(filling)) == 0; i++)
		;
	for (uint64_t i = 0; keep_set(keep, KEEP_UPLOAD, i, filling, 8) == 0; i++)
		;
	assert_int_equal(handles_add(handles, h), -ENOSPC);
	assert_null(handles_get(handles, h->number));
	keep_remove(keep, KEEP_LAST_ERROR, 0);
	assert_int_equal(handles_add(handles, h), 0);
	assert_true(keep_has(keep, KEEP_HANDLE, h->number));
	handles_free(handles);
	keep_free(keep);
	(void)close(fd);
}

/* The next copies of a node are none that are open. */
static void test_copies(void **state)
{
	struct handles *handles = handles_new(NULL);
	struct node node = {.class = N_CREATE, .index = 3}, unpacked;
	bool seen[NODE_COPY_MAX + 1] = {false};

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct handle *h;

		node.copy = handles_choose_copy(handles, node);
		assert_in_range(node.copy, 1, NODE_COPY_MAX);
		assert_false(seen[node.copy]);
		seen[node.copy] = true;
		h = handle_new(node, S_IFREG | 0644, NULL, &(struct caller){0});
		assert_int_equal(handles_add(handles, h), 0);
		handle_unref(h);
	}
	assert_true(node_unpack(node_pack_copy(node), &unpacked));
	assert_int_equal(unpacked.copy, node.copy);
	assert_int_equal(node_pack(unpacked), node_pack(node));
	for (int i = 0; i < 2000; i++) {
		struct node next = node;

		next.copy = handles_choose_copy(handles, node);
		assert_false(seen[next.copy]);
	}
	handles_free(handles);
}

struct counted {
	struct handle_wait wait;
	int count;
};

static void count_answer(struct handle_wait *wait)
{
	((struct counted *)wait)->count++;
}

/* Who waits for answers of the pool goes on after the last of them, and once. */
static void test_waits_for_answers(void **state)
{
	struct handles *handles = handles_new(NULL);
	struct counted a = {.wait.answered = count_answer}, b = a, late = a;
	struct handle *h = add(handles);

	(void)state;
	assert_false(handle_wait(h, &a.wait));
	handle_ask(h);
	assert_true(handle_wait(h, &a.wait));
	handle_ask(h);
	assert_true(handle_wait(h, &b.wait));
	handle_answered(h);
	assert_int_equal(a.count + b.count, 0);
	handle_answered(h);
	assert_int_equal(a.count, 1);
	assert_int_equal(b.count, 1);
	assert_false(handle_wait(h, &late.wait));
	handle_ask(h);
	handle_answered(h);
	assert_int_equal(a.count + b.count + late.count, 2);
	handles_free(handles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outlives_the_process),
		cmocka_unit_test(test_keep_does_not_grow),
		cmocka_unit_test(test_answer_of_another_thread),
		cmocka_unit_test(test_shared_contents_are_kept_once),
		cmocka_unit_test(test_a_listing_of_any_length_is_kept),
		cmocka_unit_test(test_kept_contents_are_limited),
		cmocka_unit_test(test_no_room_for_a_text),
		cmocka_unit_test(test_no_room_for_a_handle),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_waits_for_answers),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_generations_of_processes),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_gathered_memory_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
