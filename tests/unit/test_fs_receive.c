/* SPDX-License-Identifier: Apache-2.0 */
/* Requests without a process that serves them: what is kept of them, and of the files that they close. */
#include "tests/unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fs/receive.h"

/* Of the protocol, <linux/fuse.h>. */
enum { OPCODE_OPEN = 14, OPCODE_RELEASE = 18 };

struct request {
	uint32_t len, opcode;
	uint64_t unique, node;
	uint32_t uid, gid, pid, extensions;
	uint64_t handle; /* of a RELEASE */
};

struct answer {
	uint32_t len;
	int32_t error;
	uint64_t unique;
};

struct refused {
	int fds[2], file;
	struct keep *keep;
};

static int setup(void **state)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct refused *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, f->fds), 0);
	assert_int_equal(keep_new(&f->file, &e), 0);
	assert_int_equal(keep_open(f->file, &f->keep, &e), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct refused *f = *state;

	(void)close(f->fds[0]);
	(void)close(f->fds[1]);
	(void)close(f->file);
	keep_free(f->keep);
	free(f);
	return 0;
}

static void send_release(const struct refused *f, uint64_t unique, uint64_t handle)
{
	const struct request request = {
		.len = sizeof(request), .opcode = OPCODE_RELEASE, .unique = unique, .handle = handle};

	assert_int_equal(write(f->fds[0], &request, sizeof(request)), sizeof(request));
}

static void assert_refused(const struct refused *f, uint64_t unique)
{
	struct answer answer;

	assert_int_equal(read(f->fds[0], &answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(answer.unique, unique);
	assert_int_equal(answer.error, -EIO);
}

/* Files that are closed while nobody serves the mount leave nothing behind. */
static void test_refused_closes(void **state)
{
	struct refused *f = *state;
	size_t log = 0, valid = 1;

	for (uint64_t i = 1; i <= 500; i++) {
		assert_int_equal(keep_set(f->keep, KEEP_HANDLE, i, "handle", 6), 0);
		assert_int_equal(keep_set(f->keep, KEEP_TEXT, i, "text", 4), 0);
		assert_int_equal(keep_set(f->keep, KEEP_CONTENT, i, "content", 7), 0);
		assert_int_equal(keep_set(f->keep, KEEP_ANSWER, i, "answer", 6), 0);
		assert_int_equal(keep_set(f->keep, KEEP_POLL, i, "poll", 4), 0);
		send_release(f, 2 * i, i);
		assert_int_equal(receive_refuse(f->fds[1], f->keep, EIO), 0);
		assert_refused(f, 2 * i);
	}
	keep_sizes(f->keep, &log, &valid);
	assert_int_equal(valid, 0);
}

/* So do requests of a process that was killed, with all that it knew of them. */
static void test_refused_requests(void **state)
{
	struct refused *f = *state;
	size_t log = 0, valid = 1;

	for (uint64_t i = 1; i <= 500; i++) {
		const struct request request = {.len = sizeof(request), .opcode = OPCODE_OPEN, .unique = i};

		assert_int_equal(keep_set(f->keep, KEEP_REQUEST, i, &request, sizeof(request)), 0);
		assert_int_equal(keep_set(f->keep, KEEP_INTERRUPT, i, "interrupt", 9), 0);
		assert_int_equal(keep_set(f->keep, KEEP_SUBMISSION, i, "job", 3), 0);
		assert_int_equal(keep_set(f->keep, KEEP_WAIT, i, "wait", 4), 0);
		receive_refuse_kept(f->fds[1], f->keep, EIO);
		assert_refused(f, i);
	}
	keep_sizes(f->keep, &log, &valid);
	assert_int_equal(valid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused_closes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_requests, setup, teardown),
	};

	return cmocka_run_group_tests_name("fs_receive", tests, NULL, NULL);
}
