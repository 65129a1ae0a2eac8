/* SPDX-License-Identifier: Apache-2.0 */
/* How the last writer ended: not yet, normally, with a status, killed; reaped by its parent or not. What the signals
 * that wait for a thread mean for its system call. */
#include "tests/unit/test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/engine/thread_status.h"
#include "actions/image/writer.h"

/* A child that waits for the end of a socket and then exits with @status; closing *ret_end ends it. It is out of fork(),
 * which blocks signals in some libraries, when this returns. */
static pid_t start_child(int status, int *ret_end)
{
	int ends[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(ends[1]);
		if (write(ends[0], &byte, 1) == 1)
			(void)!read(ends[0], &byte, 1); /* until the other end is closed */
		_exit(status);
	}
	(void)close(ends[0]);
	assert_int_equal(read(ends[1], &byte, 1), 1);
	*ret_end = ends[1];
	return pid;
}

/* Waits until the child has ended, but does not reap it. */
static void await_end(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void check_end(int status, int signal, bool killed)
{
	struct writer w = WRITER_INIT;
	int child_end;
	pid_t pid = start_child(status, &child_end);

	writer_note(&w, pid);
	assert_true(w.pidfd >= 0);
	assert_false(writer_was_killed(&w));
	if (signal)
		assert_int_equal(kill(pid, signal), 0);
	(void)close(child_end);
	await_end(pid);
	assert_int_equal(writer_was_killed(&w), killed);
	writer_done(&w);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void kinds_of_end_are_distinguished(void **state)
{
	(void)state;
	check_end(0, 0, false);
	check_end(3, 0, false);
	check_end(0, SIGKILL, true);
	check_end(0, SIGTERM, true);
}

static void without_a_writer_nothing_was_killed(void **state)
{
	struct writer w = WRITER_INIT;

	(void)state;
	assert_false(writer_was_killed(&w));
	writer_note(&w, 0);
	assert_false(writer_was_killed(&w));
	writer_note(&w, getpid());
	writer_note(&w, getpid());
	assert_false(writer_was_killed(&w));
	assert_false(thread_is_dying(getpid()));
	writer_done(&w);
}

/* Another process may have the pid by then: only the pidfd knows, if the kernel supports it. */
static void a_reused_pid_is_not_the_writer(void **state)
{
	struct writer w = WRITER_INIT;
	int child_end;
	pid_t pid = start_child(5, &child_end);

	(void)state;
	writer_note(&w, pid);
	(void)close(child_end);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(writer_was_killed(&w));
	writer_done(&w);
}

static void handle(int signal)
{
	(void)signal;
}

/* Signals wait for a process while it is stopped. */
static void only_signals_with_an_effect_end_a_call(void **state)
{
	int child_end, status;
	void (*before)(int) = signal(SIGUSR1, handle);
	pid_t pid = start_child(0, &child_end);

	(void)state;
	(void)signal(SIGUSR1, before);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	assert_false(thread_must_return(pid));
	assert_int_equal(kill(pid, SIGWINCH), 0);
	assert_int_equal(kill(pid, SIGTSTP), 0);
	assert_false(thread_must_return(pid));
	assert_int_equal(kill(pid, SIGUSR1), 0);
	assert_true(thread_must_return(pid));
	assert_false(thread_is_dying(pid));
	(void)close(child_end);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(thread_must_return(pid)); /* nothing is known of it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_end_are_distinguished),
		cmocka_unit_test(without_a_writer_nothing_was_killed),
		cmocka_unit_test(only_signals_with_an_effect_end_a_call),
		cmocka_unit_test(a_reused_pid_is_not_the_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
