/* SPDX-License-Identifier: Apache-2.0 */
/* What the next process knows of a text that the pool is asked for, with and without room to keep it. */
#include "tests/unit/test.h"

#include <string.h>
#include <unistd.h>

#include "fs/tree/submission.h"
#include "fs/tree/queries.h"
#include "fs/tree/repeat.h"
#include "model/keep.h"

#define REQUEST 8
#define FIRST	"11111111111141118111111111111111"
#define SECOND	"22222222222242228222222222222222"

static struct fs fs;

static int setup(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int fd = -1;

	(void)state;
	assert_int_equal(keep_new(&fd, &e), 0);
	assert_int_equal(keep_open(fd, &fs.keep, &e), 0);
	(void)close(fd);
	keep_set_room(fs.keep, 12 << 20);
	assert_int_equal(keep_set(fs.keep, KEEP_REQUEST, REQUEST, "request", 7), 0);
	repeat_set(REQUEST, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	repeat_set(0, false);
	keep_free(fs.keep);
	return 0;
}

/* Until there is no room for values of @len bytes. */
static void fill(size_t len)
{
	static char bytes[1 << 20];

	for (uint64_t i = len; keep_set(fs.keep, KEEP_LAST_ERROR, i, bytes, len) == 0; i += sizeof(bytes))
		;
}

static int keep_job(const char *job, const char *text, size_t len, char ret_job[UUID_SIZE])
{
	snprintf(ret_job, UUID_SIZE, "%s", job);
	return submission_keep(&fs, &(struct text){.data = text, .len = len}, ret_job, NULL);
}

static void test_job_and_text(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const char *texts[] = {"{\"verb\": \"Start\"}", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *text = NULL;
		char job[UUID_SIZE];
		size_t len = 99;

		keep_remove(fs.keep, KEEP_SUBMISSION, REQUEST);
		assert_int_equal(submission_find(&fs, job, &text, &len, &e), 0);
		assert_int_equal(keep_job(FIRST, texts[i], strlen(texts[i]), job), 0);
		assert_string_equal(job, FIRST);
		/* the request is repeated: it is the same job */
		assert_int_equal(keep_job(SECOND, "other", 5, job), 0);
		assert_string_equal(job, FIRST);
		assert_int_equal(submission_find(&fs, job, &text, &len, &e), 1);
		assert_string_equal(job, FIRST);
		assert_int_equal(len, strlen(texts[i]));
		assert_string_equal(text, texts[i]);
	}
}

/* The job is known, so it is not done twice; an empty text does not stand for the one that there was no room for. */
static void test_no_room_for_the_text(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	static char bytes[1 << 20];
	_cleanup_free_ char *text = NULL;
	char job[UUID_SIZE] = "";
	size_t len = 0;

	(void)state;
	fill(sizeof(bytes));
	assert_int_equal(keep_job(FIRST, bytes, sizeof(bytes), job), 0);
	assert_int_equal(submission_find(&fs, job, NULL, NULL, &e), 1);
	assert_string_equal(job, FIRST);
	assert_int_equal(submission_find(&fs, job, &text, &len, &e), -EIO);
	assert_true(error_is_set(&e));
	assert_null(text);
}

/* What might be done twice is not done at all. */
static void test_no_room_for_the_job(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char job[UUID_SIZE] = "";

	(void)state;
	fill(4096);
	fill(0);
	assert_int_equal(keep_job(FIRST, "text", 4, job), -ENOSPC);
	assert_int_equal(submission_find(&fs, job, NULL, NULL, &e), 0);
}

/* Of a name with parameters all is kept, or nothing. */
static void test_no_room_for_a_query(void **state)
{
	struct queries *queries = queries_new(fs.keep);
	const struct node base = {.class = N_README};
	int64_t number;

	(void)state;
	assert_non_null(queries);
	fill(4096);
	fill(0);
	/* of two values without bytes: there is room for the node, and not for the text */
	keep_remove(fs.keep, KEEP_LAST_ERROR, 0);
	keep_remove(fs.keep, KEEP_LAST_ERROR, 1 << 20);
	number = queries_add(queries, base,
			     "name=a-value-longer-than-what-two-removed-records-leave-room-for");
	assert_true(number > 0);
	assert_false(keep_has(fs.keep, KEEP_QUERY, (uint64_t)number));
	keep_remove(fs.keep, KEEP_LAST_ERROR, 4096);
	number = queries_add(queries, base, "name=other");
	queries_free(queries);
	queries = queries_new(fs.keep);
	{
		_cleanup_free_ char *text = NULL;
		struct node got;

		assert_true(queries_get(queries, number, &got, &text));
		assert_string_equal(text, "name=other");
	}
	queries_free(queries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_job_and_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room_for_the_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room_for_the_job, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room_for_a_query, setup, teardown),
	};

	return cmocka_run_group_tests_name("fs_submission", tests, NULL, NULL);
}
