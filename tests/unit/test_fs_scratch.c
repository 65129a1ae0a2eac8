/* SPDX-License-Identifier: Apache-2.0 */
/* Scratch files: names, limits, and removal. */
#include "tests/unit/test.h"

#include <string.h>
#include <unistd.h>

#include "fs/table.h"
#include "fs/class/scratches.h"
#include "model/keep.h"
#include "tests/unit/shifted_clock.h"

static struct fs fs = {.nodes = node_table};
static const struct node folder = {.class = N_FOLDER, .index = 1}, other = {.class = N_FOLDER, .index = 2};

static int64_t create(struct node dir, uid_t uid, const char *name)
{
	int64_t number = 0;

	assert_int_equal(scratch_create(fs.scratches, dir, uid, name, S_IFREG | 0600, &number), 0);
	return number;
}

/* The file of a name as @uid sees it; 0 if it does not exist. */
static int64_t find(struct node dir, uid_t uid, const char *name)
{
	struct place place = {.fs = &fs, .node = dir, .caller.uid = uid};
	struct node node;

	return scratch_find(&place, name, &node) ? node.row : 0;
}

static void check_text(int64_t number, const char *text)
{
	_cleanup_document_ struct document *d = NULL;

	assert_int_equal(scratch_read(fs.scratches, number, SIZE_MAX, 0, &d), 0);
	assert_int_equal(d->len, strlen(text));
	assert_memory_equal(d->data, text, d->len);
}

static void test_names_are_private(void **state)
{
	int64_t a = create(folder, 1, "x"), b = create(folder, 2, "x"), number;

	(void)state;
	assert_int_not_equal(a, b);
	assert_int_equal(find(folder, 1, "x"), a);
	assert_int_equal(find(folder, 2, "x"), b);
	assert_int_equal(find(folder, 3, "x"), 0);
	assert_int_equal(find(other, 1, "x"), 0);
	assert_int_equal(scratch_create(fs.scratches, folder, 1, "x", S_IFREG | 0600, &number), -EEXIST);
	assert_int_equal(scratch_unlink(fs.scratches, folder, 3, "x"), -ENOENT);
}

static void test_content(void **state)
{
	int64_t number = create(folder, 1, "x");

	(void)state;
	assert_int_equal(scratch_write(fs.scratches, number, "end", 3, 2), 0);
	assert_int_equal(scratch_write(fs.scratches, number, "ab", 2, 0), 0);
	check_text(number, "abend");
	assert_int_equal(scratch_truncate(fs.scratches, number, 2), 0);
	check_text(number, "ab");
	assert_int_equal(scratch_write(fs.scratches, number, "x", 1, SCRATCH_LENGTH), -EFBIG);
	assert_int_equal(scratch_truncate(fs.scratches, number, SCRATCH_LENGTH + 1), -EFBIG);
	assert_int_equal(scratch_write(fs.scratches, number + 1, "x", 1, 0), -ESTALE);
	check_text(number, "ab");
}

static void test_rename_and_link(void **state)
{
	int64_t a = create(folder, 1, "a"), b = create(other, 1, "b");

	(void)state;
	assert_int_equal(scratch_write(fs.scratches, a, "a", 1, 0), 0);
	assert_int_equal(scratch_link(fs.scratches, a, folder, "second"), 0);
	assert_int_equal(scratch_link(fs.scratches, b, folder, "second"), -EEXIST);
	assert_int_equal(scratch_rename(fs.scratches, 1, folder, "a", folder, "second"), 0);
	assert_int_equal(find(folder, 1, "a"), a); /* two names of the same file: both stay */
	assert_int_equal(scratch_rename(fs.scratches, 1, folder, "a", other, "b"), 0);
	assert_int_equal(find(other, 1, "b"), a);
	assert_false(scratch_is_here(fs.scratches, b));
	assert_int_equal(scratch_rename(fs.scratches, 1, folder, "a", other, "b"), -ENOENT);
	assert_int_equal(scratch_unlink(fs.scratches, other, 1, "b"), 0);
	check_text(a, "a");
	assert_int_equal(scratch_unlink(fs.scratches, folder, 1, "second"), 0);
	assert_false(scratch_is_here(fs.scratches, a));
}

static void test_open_files_are_kept(void **state)
{
	int64_t number = create(folder, 1, "x");

	(void)state;
	assert_int_equal(scratch_open(fs.scratches, number), 0);
	assert_int_equal(scratch_unlink(fs.scratches, folder, 1, "x"), 0);
	assert_int_equal(find(folder, 1, "x"), 0);
	assert_true(scratch_is_here(fs.scratches, number));
	scratch_close(fs.scratches, number);
	assert_false(scratch_is_here(fs.scratches, number));
	assert_int_equal(scratch_open(fs.scratches, number), -ESTALE);
}

static void test_idle_files_are_removed(void **state)
{
	int64_t idle = create(folder, 1, "idle"), open = create(folder, 1, "open");

	(void)state;
	assert_int_equal(scratch_open(fs.scratches, open), 0);
	monotonic_ahead += SCRATCH_IDLE_S - 60;
	assert_int_equal(find(folder, 1, "idle"), idle);
	wall_ahead = 86400; /* the time of day does not matter */
	assert_int_equal(find(folder, 1, "idle"), idle);
	wall_ahead = -86400;
	monotonic_ahead += 61;
	assert_int_equal(find(folder, 1, "idle"), 0);
	assert_false(scratch_is_here(fs.scratches, idle));
	assert_int_equal(find(folder, 1, "open"), open);
	scratch_close(fs.scratches, open);
	assert_int_equal(find(folder, 1, "open"), open);
	monotonic_ahead += SCRATCH_IDLE_S + 1;
	assert_int_equal(find(folder, 1, "open"), 0);
	assert_false(scratch_is_here(fs.scratches, open));
	wall_ahead = 0;
}

static void test_limits(void **state)
{
	int64_t number = 0;
	char name[16];

	(void)state;
	for (int i = 0; i < SCRATCH_NAMES_OF_USER; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		number = create(folder, 1, name);
	}
	assert_int_equal(scratch_create(fs.scratches, folder, 1, "more", S_IFREG | 0600, &number), -ENOSPC);
	assert_int_equal(scratch_link(fs.scratches, number, folder, "more"), -ENOSPC);
	(void)create(folder, 2, "more"); /* of another user */
	for (int i = 0; i < SCRATCH_TOTAL / SCRATCH_LENGTH; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		assert_int_equal(scratch_truncate(fs.scratches, find(folder, 1, name), SCRATCH_LENGTH), 0);
	}
	assert_int_equal(scratch_write(fs.scratches, number, "x", 1, 0), -ENOSPC);
	assert_int_equal(scratch_unlink(fs.scratches, folder, 1, "file0"), 0);
	assert_int_equal(scratch_write(fs.scratches, number, "x", 1, 0), 0);
}

/* The process ends, and the next one goes on with what is kept. */
static void restart(struct keep *keep)
{
	scratches_free(fs.scratches);
	fs.scratches = scratches_new(keep);
	assert_non_null(fs.scratches);
}

static struct keep *new_keep(void)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct keep *keep = NULL;
	int fd = -1;

	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &keep, &e), 0);
	(void)close(fd);
	keep_set_room(keep, 12 << 20);
	return keep;
}

static void test_files_outlive_the_process(void **state)
{
	struct keep *keep = new_keep();
	int64_t number, empty;

	(void)state;
	restart(keep);
	number = create(folder, 1, "a");
	empty = create(folder, 1, "empty");
	assert_int_equal(scratch_write(fs.scratches, number, "head", 4, 0), 0);
	assert_int_equal(scratch_write(fs.scratches, number, "tail", 4, 6), 0);
	assert_int_equal(scratch_write(fs.scratches, number, "--", 2, 4), 0);
	assert_int_equal(scratch_rename(fs.scratches, 1, folder, "a", other, "b"), 0);
	for (int i = 0; i < 2; i++) {
		restart(keep);
		assert_int_equal(find(other, 1, "b"), number);
		assert_int_equal(find(folder, 1, "empty"), empty);
		check_text(number, i == 0 ? "head--tail" : "head--tailmore");
		check_text(empty, "");
		assert_int_equal(scratch_write(fs.scratches, number, "more", 4, 10), 0);
	}
	restart(NULL);
	keep_free(keep);
}

/* A file is kept whole, or it is known in the next process that it was not. */
static void test_no_room_for_bytes(void **state)
{
	enum { LONG = SCRATCH_LENGTH / 2 };
	_cleanup_free_ char *bytes = malloc(LONG);
	struct keep *keep = new_keep();
	struct document *d = NULL;
	int64_t cut, whole;
	uint64_t filled = 0;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', LONG);
	restart(keep);
	cut = create(folder, 1, "cut");
	whole = create(folder, 1, "whole");
	assert_int_equal(scratch_write(fs.scratches, cut, "head", 4, 0), 0);
	assert_int_equal(scratch_write(fs.scratches, whole, "head", 4, 0), 0);
	while (keep_set(keep, KEEP_LAST_ERROR, filled, bytes, LONG) == 0)
		filled++;
	/* the middle is too long, and the end would have room */
	assert_int_equal(scratch_write(fs.scratches, cut, bytes, LONG, 4), 0);
	assert_int_equal(scratch_write(fs.scratches, cut, "tail", 4, LONG + 4), 0);
	assert_int_equal(scratch_write(fs.scratches, whole, bytes, LONG, 4), 0);
	assert_int_equal(scratch_size(fs.scratches, cut), LONG + 8);
	for (uint64_t i = 0; i < 2; i++)
		keep_remove(keep, KEEP_LAST_ERROR, i);
	assert_int_equal(scratch_write(fs.scratches, whole, "tail", 4, LONG + 4), 0);

	restart(keep);
	assert_int_equal(scratch_size(fs.scratches, whole), LONG + 8);
	assert_int_equal(find(folder, 1, "cut"), cut);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(scratch_read(fs.scratches, cut, SIZE_MAX, 0, &d), -EIO);
		assert_int_equal(scratch_write(fs.scratches, cut, "more", 4, 0), -EIO);
		assert_int_equal(scratch_truncate(fs.scratches, cut, 4), -EIO);
		assert_int_equal(scratch_set_mode(fs.scratches, cut, 0640), 0);
		restart(keep); /* and it stays so */
	}
	assert_int_equal(scratch_truncate(fs.scratches, cut, 0), 0);
	assert_int_equal(scratch_write(fs.scratches, cut, "anew", 4, 0), 0);
	restart(keep);
	check_text(cut, "anew");
	restart(NULL);
	keep_free(keep);
}

/* Names that cannot be kept are refused. */
static void test_no_room_for_names(void **state)
{
	char filling[4096] = "", text[] = "text";
	struct keep *keep = new_keep();
	int64_t number, more;

	(void)state;
	restart(keep);
	number = create(folder, 1, "a");
	assert_int_equal(scratch_write(fs.scratches, number, text, 4, 0), 0);
	more = create(folder, 1, "b");
	for (uint64_t i = 0; keep_set(keep, KEEP_LAST_ERROR, i, filling, sizeof(filling)) == 0; i++)
		;
	for (uint64_t i = 0; keep_set(keep, KEEP_UPLOAD, i, "", 0) == 0; i++)
		;
	assert_int_equal(scratch_create(fs.scratches, folder, 1, "c", S_IFREG | 0600, &more), -ENOSPC);
	assert_int_equal(scratch_link(fs.scratches, number, other, "c"), -ENOSPC);
	assert_int_equal(scratch_rename(fs.scratches, 1, folder, "a", folder, "b"), -ENOSPC);
	assert_int_equal(find(folder, 1, "c"), 0);
	assert_int_equal(find(folder, 1, "b"), more);
	restart(keep);
	assert_int_equal(find(folder, 1, "a"), number);
	assert_int_equal(find(folder, 1, "b"), more);
	assert_int_equal(find(folder, 1, "c"), 0);
	check_text(number, text);
	restart(NULL);
	keep_free(keep);
}

static int set_up(void **state)
{
	(void)state;
	fs.scratches = scratches_new(NULL);
	return fs.scratches ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	scratches_free(fs.scratches);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_are_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_content, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rename_and_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_files_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_idle_files_are_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files_outlive_the_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_room_for_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_room_for_names, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
