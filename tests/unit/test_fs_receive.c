/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and the end of the process that serves them: what is kept of them, what the next process does of them, and
 * what is refused when there is none.
 */
#include "tests/unit/test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/engine/workers.h"
#include "fs/receive.h"
#include "fs/tell/last_error.h"
#include "fs/tree/fs.h"
#include "model/in_hand.h"

/* Of the protocol, <linux/fuse.h>. */
enum { OPCODE_OPEN = 14, OPCODE_RELEASE = 18, OPCODE_INIT = 26, OPCODE_FSYNC = 20 };

struct request {
	uint32_t len, opcode;
	uint64_t unique, node;
	uint32_t uid, gid, pid, extensions;
	uint64_t handle; /* of a RELEASE or an FSYNC, */
	uint64_t flags;	 /* and those */
};

struct init {
	uint32_t len, opcode;
	uint64_t unique, node;
	uint32_t uid, gid, pid, extensions;
	uint32_t major, minor, readahead, flags, flags2, unused[11];
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

/* What is done is not refused: the process was killed between the change and its answer, and that is given. */
static void test_done_is_not_refused(void **state)
{
	struct refused *f = *state;
	const struct request request = {.len = sizeof(request), .opcode = OPCODE_OPEN, .unique = 4};
	const struct answer done = {.len = sizeof(done), .unique = 4};
	struct answer answer;

	assert_int_equal(keep_set(f->keep, KEEP_REQUEST, 4, &request, sizeof(request)), 0);
	assert_int_equal(keep_set(f->keep, KEEP_REPLY, 4, &done, sizeof(done)), 0);
	receive_refuse_kept(f->fds[1], f->keep, EIO);
	assert_int_equal(recv(f->fds[0], &answer, sizeof(answer), MSG_DONTWAIT), sizeof(answer));
	assert_memory_equal(&answer, &done, sizeof(answer));
	assert_int_equal(recv(f->fds[0], &answer, sizeof(answer), MSG_DONTWAIT), -1);
	assert_false(keep_has(f->keep, KEEP_REQUEST, 4));
}

/* The process has ended with the request @id in hand, a close of the file @handle, as @deaths before it have. */
static void die_with_release(const struct refused *f, uint64_t id, uint64_t handle, uint32_t deaths)
{
	const struct request request = {
		.len = sizeof(request), .opcode = OPCODE_RELEASE, .unique = id, .handle = handle};

	assert_int_equal(keep_set(f->keep, KEEP_HANDLE, handle, "handle", 6), 0);
	assert_int_equal(keep_set(f->keep, KEEP_REQUEST, id, &request, sizeof(request)), 0);
	if (deaths)
		assert_int_equal(keep_set(f->keep, KEEP_DEATHS, id, &deaths, sizeof(deaths)), 0);
	in_hand_open(keep_in_hand(f->keep));
	(void)in_hand_set(id);
}

static uint32_t deaths_of(const struct refused *f, uint64_t id)
{
	uint32_t deaths = 0;

	(void)keep_read(f->keep, KEEP_DEATHS, id, &deaths, sizeof(deaths));
	return deaths;
}

/* What is closed by a request that is to be refused is not opened any more by then. */
static void test_refused_close_is_done(void **state)
{
	struct refused *f = *state;

	for (uint32_t deaths = 0; deaths < REQUEST_DEATHS; deaths++) {
		uint64_t id = 4 + 2 * deaths;

		die_with_release(f, id, 100 + deaths, deaths);
		receive_count_deaths(f->keep);
		(void)in_hand_set(0);
		assert_int_equal(deaths_of(f, id), deaths + 1);
		assert_true(keep_has(f->keep, KEEP_REQUEST, id));
		assert_int_equal(keep_has(f->keep, KEEP_HANDLE, 100 + deaths), deaths + 1 < REQUEST_DEATHS);
	}
	in_hand_open(NULL);
}

/* A process that was killed for another one to take over has not died of what it had in hand. */
static void test_replaced_process(void **state)
{
	struct refused *f = *state;

	die_with_release(f, 4, 100, REQUEST_DEATHS - 1);
	keep_forget_in_hand(f->file);
	receive_count_deaths(f->keep);
	assert_int_equal(deaths_of(f, 4), REQUEST_DEATHS - 1);
	assert_true(keep_has(f->keep, KEEP_HANDLE, 100));
	(void)in_hand_set(0);
	in_hand_open(NULL);
}

/* ---------------------------------------------------------- processes that serve */

/* What an FSYNC does, by its node: how a process ends, when, and what else there is. */
enum node {
	NODE_ANSWERED = 1, /* is answered */
	NODE_LAST,	   /* so, and the process ends as it should */
	NODE_DIES_BEFORE,  /* the first process ends before the answer, */
	NODE_DIES_AFTER,   /* after it, */
	NODE_DIES_WITH,	   /* or when the kernel has it, and nothing more has been done */
	NODE_KILLS,	   /* each process ends */
	NODE_HOLDS,	   /* a worker thread has it to the end of the process */
	NODE_WORKS,	   /* another thread works on it, for some time */
	NODE_WAITS,	   /* so in the first process, and then nobody does */
	NODES,
};

/* At a time. */
#define WORKING 8

/* In memory of all processes: how often each was begun. */
static atomic_int *begun;
static struct fuse_session *session;
static struct workers *workers;

/* Longer than it takes to begin all that is kept. */
#define WORK_US 100000
/* Who waits for so long waits for what does not come, s. */
#define LOST_S 30

static __thread bool dies_with; /* in the thread that answers */

ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t n = __real_writev(fd, iov, count);

	if (dies_with)
		_exit(0);
	return n;
}

static void *answer_and_die(void *req)
{
	dies_with = true;
	(void)fuse_reply_err(req, 0);
	return NULL;
}

static void *answer_request(void *req)
{
	(void)fuse_reply_err(req, 0);
	return NULL;
}

/* As requests that wait for something are answered. */
static void answer_in_thread(fuse_req_t req, void *(*answer)(void *req))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, answer, req) != 0 || pthread_join(thread, NULL) != 0)
		_exit(4);
}

static atomic_int queued, taken; /* by the worker threads of the process */

/* Until the process ends. */
static void hold(void *req)
{
	(void)req;
	(void)atomic_fetch_add(&taken, 1);
	for (;;)
		(void)pause();
}

static void work_on(void *req)
{
	(void)atomic_fetch_add(&taken, 1);
	(void)usleep(WORK_US);
	(void)answer_request(req);
}

static uint64_t room;		/* of processes in the keep, bytes; 0: all of it */
static size_t kept, begun_here; /* of the process: requests that it is to begin, and that it has begun */

static void fsync_called(fuse_req_t req, fuse_ino_t node, int data_only, struct fuse_file_info *fi)
{
	bool first = atomic_fetch_add(&begun[node], 1) == 0;

	begun_here++;
	(void)data_only;
	(void)fi;
	while ((node == NODE_KILLS || node == NODE_DIES_BEFORE) && atomic_load(&taken) < atomic_load(&queued))
		(void)sched_yield();
	if (node == NODE_KILLS || (node == NODE_DIES_BEFORE && first))
		_exit(0);
	if (node == NODE_WORKS || node == NODE_HOLDS || (node == NODE_WAITS && first)) {
		(void)atomic_fetch_add(&queued, 1);
		if (workers_run(workers, node == NODE_WORKS ? work_on : hold, req) < 0)
			_exit(5);
	}
	if (node == NODE_WORKS || node == NODE_WAITS || node == NODE_HOLDS)
		return;
	answer_in_thread(req, node == NODE_DIES_WITH && first ? answer_and_die : answer_request);
	if (node == NODE_DIES_AFTER && first)
		_exit(0);
	if (node == NODE_LAST)
		fuse_session_exit(session);
}

static size_t count_kept(struct keep *keep)
{
	size_t count, found = 0;
	_cleanup_free_ uint64_t *list = keep_list(keep, KEEP_REQUEST, &count);

	for (size_t i = 0; i < count; i++) {
		uint32_t deaths = 0;
		size_t len;
		_cleanup_free_ char *bytes = keep_get(keep, KEEP_REQUEST, list[i], &len);

		(void)keep_read(keep, KEEP_DEATHS, list[i], &deaths, sizeof(deaths));
		found += bytes && len >= sizeof(struct request) && !keep_has(keep, KEEP_REPLY, list[i]) &&
			 deaths < REQUEST_DEATHS;
	}
	return found;
}

/* What none of the kept requests holds is given up by then, so each must have been begun. */
static void all_resumed(void *arg)
{
	(void)arg;
	if (begun_here != kept)
		_exit(7);
}

static _Noreturn void serve(const struct refused *f)
{
	static const struct fuse_lowlevel_ops ops = {.fsync = fsync_called};
	static char *argv[] = {(char *)"poolfs", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fs fs = {0};

	(void)alarm(LOST_S);
	if (keep_open(f->file, &fs.keep, NULL) < 0)
		_exit(1);
	if (room)
		keep_set_room(fs.keep, room);
	fs.errors = last_errors_new(fs.keep);
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!fs.errors || !session || receive_start(session, f->fds[1], &fs, NULL, NULL) < 0)
		_exit(2);
	workers = workers_new("test", WORKING);
	if (!workers)
		_exit(6);
	receive_count_deaths(fs.keep);
	kept = count_kept(fs.keep);
	receive_repeat(all_resumed, NULL);
	_exit(receive_requests() < 0 ? 3 : 0);
}

static pid_t start_process(const struct refused *f)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		serve(f);
	return pid;
}

/* Waits until it has ended. */
static void end_process(struct refused *f, pid_t pid)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	keep_free(f->keep);
	assert_int_equal(keep_open(f->file, &f->keep, &e), 0);
}

static void run_process(struct refused *f)
{
	end_process(f, start_process(f));
}

static int setup_processes(void **state)
{
	const struct init init = {
		.len = sizeof(init), .opcode = OPCODE_INIT, .unique = 2, .major = 7, .minor = 31};
	const struct timeval lost = {.tv_sec = LOST_S};
	struct refused *f;

	begun = mmap(NULL, NODES * sizeof(*begun), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(begun != MAP_FAILED);
	if (setup(state) < 0)
		return -1;
	f = *state;
	assert_int_equal(setsockopt(f->fds[0], SOL_SOCKET, SO_RCVTIMEO, &lost, sizeof(lost)), 0);
	assert_int_equal(write(f->fds[0], &init, sizeof(init)), sizeof(init));
	return 0;
}

static int teardown_processes(void **state)
{
	(void)munmap(begun, NODES * sizeof(*begun));
	return teardown(state);
}

static struct request fsync_of(uint64_t unique, enum node node)
{
	return (struct request){
		.len = sizeof(struct request), .opcode = OPCODE_FSYNC, .unique = unique, .node = node};
}

static void send_fsync(const struct refused *f, uint64_t unique, enum node node)
{
	const struct request request = fsync_of(unique, node);

	assert_int_equal(write(f->fds[0], &request, sizeof(request)), sizeof(request));
}

/* Whether the request was answered by now, with *ret_error. Answers to others are dropped. */
static bool is_answered(const struct refused *f, uint64_t unique, int *ret_error)
{
	struct {
		struct answer answer;
		char rest[256];
	} got;

	while (recv(f->fds[0], &got, sizeof(got), MSG_DONTWAIT) >= (ssize_t)sizeof(got.answer))
		if (got.answer.unique == unique) {
			*ret_error = got.answer.error;
			return true;
		}
	return false;
}

static void assert_answered(const struct refused *f, uint64_t unique, int error)
{
	int got = 1;

	assert_true(is_answered(f, unique, &got));
	assert_int_equal(got, error);
}

/* What was not answered when the process ended is done again; what was is not. */
static void test_done_once(void **state)
{
	struct refused *f = *state;

	send_fsync(f, 4, NODE_DIES_BEFORE);
	run_process(f);
	send_fsync(f, 6, NODE_DIES_AFTER);
	run_process(f);
	assert_answered(f, 4, 0);
	assert_answered(f, 6, 0);
	assert_int_equal(atomic_load(&begun[NODE_DIES_BEFORE]), 2);
	send_fsync(f, 8, NODE_LAST);
	run_process(f);
	assert_answered(f, 8, 0);
	assert_int_equal(atomic_load(&begun[NODE_DIES_BEFORE]), 2);
	assert_int_equal(atomic_load(&begun[NODE_DIES_AFTER]), 1);
}

/* Who has the answer goes on, so the request is not begun anew, though the process could not note that it has gone. */
static void test_answered_is_done(void **state)
{
	struct refused *f = *state;

	send_fsync(f, 4, NODE_DIES_WITH);
	run_process(f);
	assert_answered(f, 4, 0);
	assert_true(keep_has(f->keep, KEEP_REQUEST, 4));
	send_fsync(f, 6, NODE_LAST);
	run_process(f);
	assert_answered(f, 6, 0);
	assert_int_equal(atomic_load(&begun[NODE_DIES_WITH]), 1);
	assert_false(keep_has(f->keep, KEEP_REQUEST, 4));
}

/* What the process had received, and not kept, when it was killed is done, and only by the next one. */
static void test_received_last(void **state)
{
	struct refused *f = *state;
	const struct request left = fsync_of(6, NODE_ANSWERED);

	send_fsync(f, 4, NODE_LAST);
	run_process(f);
	memcpy(keep_inbox(f->keep), &left, sizeof(left));
	for (uint64_t i = 1; i < 3; i++) {
		send_fsync(f, 6 + 2 * i, NODE_LAST);
		run_process(f);
		if (i == 1)
			assert_answered(f, 6, 0);
		assert_answered(f, 6 + 2 * i, 0);
		assert_int_equal(atomic_load(&begun[NODE_ANSWERED]), 1);
	}
}

/* Of what was in hand when processes died, only what they died of is refused; what waits does not hold up the others. */
static void test_bystanders(void **state)
{
	enum { KILLER = 40, WAITING = 42, LAST = 44 };
	struct refused *f = *state;
	struct answer answer;
	int answered = 0;
	pid_t pid;

	for (uint64_t i = 0; i < WORKING - 1; i++)
		send_fsync(f, 4 + 2 * i, NODE_WORKS);
	send_fsync(f, WAITING, NODE_WAITS);
	send_fsync(f, KILLER, NODE_KILLS);
	for (int i = 0; i < REQUEST_DEATHS; i++) {
		run_process(f);
		assert_int_equal(atomic_load(&begun[NODE_KILLS]), i + 1);
	}
	pid = start_process(f);
	while (answered < WORKING) {
		assert_true(recv(f->fds[0], &answer, sizeof(answer), 0) == sizeof(answer));
		if (answer.unique == 2) /* of INIT */
			continue;
		assert_int_equal(answer.error, answer.unique == KILLER ? -EIO : 0);
		answered++;
	}
	send_fsync(f, LAST, NODE_LAST);
	end_process(f, pid);
	assert_answered(f, LAST, 0);
	assert_int_equal(atomic_load(&begun[NODE_KILLS]), REQUEST_DEATHS);
	assert_true(keep_has(f->keep, KEEP_REQUEST, WAITING));
}

/* A long request that the process had no room to keep is refused by the next one: nobody waits for ever. */
static void test_no_room(void **state)
{
	struct refused *f = *state;
	struct {
		struct request request;
		char more[8192];
	} request = {.request = fsync_of(4, NODE_HOLDS)};

	request.request.len = sizeof(request);
	room = 6000;
	assert_int_equal(write(f->fds[0], &request, sizeof(request)), sizeof(request));
	send_fsync(f, 6, NODE_DIES_BEFORE);
	run_process(f);
	room = 0;
	send_fsync(f, 8, NODE_LAST);
	run_process(f);
	assert_answered(f, 4, -EIO);
	assert_answered(f, 8, 0);
	assert_int_equal(atomic_load(&begun[NODE_HOLDS]), 1);
	assert_int_equal(atomic_load(&begun[NODE_DIES_BEFORE]), 2);
	assert_false(keep_has(f->keep, KEEP_REQUEST, 4));
}

/* After one death, which mostly comes from outside, what was in hand is begun at once, however long each takes. */
static void test_one_death(void **state)
{
	enum { HELD = 3, LAST = 40 };
	struct refused *f = *state;

	for (uint64_t i = 0; i < HELD; i++)
		send_fsync(f, 4 + 2 * i, NODE_HOLDS);
	send_fsync(f, 4 + 2 * HELD, NODE_DIES_BEFORE);
	run_process(f);
	send_fsync(f, LAST, NODE_LAST);
	run_process(f);
	assert_answered(f, LAST, 0);
	assert_int_equal(atomic_load(&begun[NODE_HOLDS]), 2 * HELD);
	assert_int_equal(atomic_load(&begun[NODE_DIES_BEFORE]), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused_closes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_done_is_not_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_close_is_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_done_once, setup_processes, teardown_processes),
		cmocka_unit_test_setup_teardown(test_answered_is_done, setup_processes, teardown_processes),
		cmocka_unit_test_setup_teardown(test_received_last, setup_processes, teardown_processes),
		cmocka_unit_test_setup_teardown(test_bystanders, setup_processes, teardown_processes),
		cmocka_unit_test_setup_teardown(test_one_death, setup_processes, teardown_processes),
		cmocka_unit_test_setup_teardown(test_no_room, setup_processes, teardown_processes),
	};

	return cmocka_run_group_tests_name("fs_receive", tests, NULL, NULL);
}
