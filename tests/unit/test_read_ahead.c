/* SPDX-License-Identifier: Apache-2.0 */
/* Reading ahead: the bytes are those of the file, in whatever order they are read, and failures are the reader's. */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "actions/volume/read_ahead.h"
#include "model/cleanup.h"

#define SIZE (INT64_C(9) * 1048576 + 12345)
#define STEP (128 << 10)

static atomic_int reads;       /* calls of read_file() */
static _Atomic int64_t broken; /* the byte that cannot be read; -1: none */

static unsigned char byte_at(int64_t offset)
{
	return (unsigned char)(offset ^ (offset >> 8) ^ (offset >> 16));
}

static int read_file(void *arg, void *buffer, size_t size, int64_t offset)
{
	int64_t bad = atomic_load(&broken);

	assert_ptr_equal(arg, &reads);
	assert_true(offset >= 0 && offset + (int64_t)size <= SIZE);
	atomic_fetch_add(&reads, 1);
	if (bad >= offset && bad < offset + (int64_t)size)
		return -EIO;
	for (size_t i = 0; i < size; i++)
		((unsigned char *)buffer)[i] = byte_at(offset + (int64_t)i);
	return 0;
}

static struct read_ahead *begin(void)
{
	struct read_ahead *a = read_ahead_new(read_file, &reads, SIZE);

	assert_non_null(a);
	atomic_store(&reads, 0);
	atomic_store(&broken, -1);
	return a;
}

/* Takes them; if any are there they are the right ones. */
static bool takes(struct read_ahead *a, int64_t offset, size_t size)
{
	unsigned char *buffer = calloc(1, size);
	bool taken = read_ahead_take(a, buffer, size, offset);

	for (size_t i = 0; taken && i < size; i++)
		assert_int_equal(buffer[i], byte_at(offset + (int64_t)i));
	free(buffer);
	return taken;
}

static void in_order(void **state)
{
	struct read_ahead *a = begin();
	size_t taken = 0, asked = 0;

	(void)state;
	for (int64_t at = 0; at < SIZE; at += STEP, asked++)
		taken += takes(a, at, SIZE - at < STEP ? (size_t)(SIZE - at) : STEP);
	assert_int_equal(taken, asked - 1); /* all but the first */
	assert_int_equal(atomic_load(&reads), 10);
	/* across chunks, and over a hole of two of them */
	assert_false(takes(a, 500, 1000));
	assert_false(takes(a, 100, 1000));
	assert_false(takes(a, 1100, 1000));
	assert_true(takes(a, 2100, 1000));
	assert_true(takes(a, (1 << 20) - 100, 200));
	assert_true(takes(a, 3 << 20, 3 << 20));
	read_ahead_free(a);
}

static void in_no_order(void **state)
{
	struct read_ahead *a = begin();

	(void)state;
	for (int64_t at = SIZE - STEP; at > 0; at -= STEP)
		assert_false(takes(a, at, STEP));
	assert_int_equal(atomic_load(&reads), 0);
	read_ahead_free(a);
}

static void failures_are_not_kept(void **state)
{
	struct read_ahead *a = begin();

	(void)state;
	atomic_store(&broken, (5 << 20) + 7);
	assert_false(takes(a, 0, STEP));
	assert_true(takes(a, STEP, STEP));
	assert_false(takes(a, 4 << 20, 100)); /* a jump */
	assert_true(takes(a, (4 << 20) + 100, 100) || takes(a, (4 << 20) + 200, 100));
	assert_false(takes(a, 5 << 20, 10)); /* the reader finds out itself why */
	assert_true(takes(a, 6 << 20, 10));
	read_ahead_free(a);
}

static void *read_all(void *arg)
{
	for (int64_t at = 0; at + STEP <= SIZE; at += STEP)
		(void)takes(arg, at, STEP);
	return NULL;
}

/* Each gets right bytes, or none. */
static void several_readers(void **state)
{
	struct read_ahead *a = begin();
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	read_ahead_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(in_no_order),
		cmocka_unit_test(failures_are_not_kept),
		cmocka_unit_test(several_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
