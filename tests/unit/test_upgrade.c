/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's part of an upgrade, with the clocks, the other program, and who is trusted in the test's hands. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/link.h"
#include "fs/mount_table.h"
#include "fs/session.h"
#include "fs/upgrade.h"
#include "fs/upgrade_socket.h"
#include "model/cleanup.h"
#include "model/clock.h"

#define A_DAY_S 86400

static int64_t monotonic_s = 1000, wall_s = 1000000000;
static const char *state_dir = "/none";
static bool trusts;
static int trial_status; /* what the program that is tried ends with; -1: it hangs */
/* What the process was to become. */
static struct {
	int count, program;
	struct handover h;
	char why[200];
} executed;

/* Of the linker: --wrap */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_handover_execute(int program, char *const argv[], const struct handover *h, struct error *e);
bool __wrap_mount_table_find_pool(const char *path, dev_t *ret);
bool __wrap_upgrade_socket_is_trusted(int end);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	*ret = (struct timespec){.tv_sec = clock == CLOCK_MONOTONIC ? monotonic_s : wall_s};
	return 0;
}

bool __wrap_mount_table_find_pool(const char *path, dev_t *ret)
{
	assert_string_equal(path, "/mount");
	*ret = (dev_t)getpid(); /* a name of its own */
	return true;
}

bool __wrap_upgrade_socket_is_trusted(int end)
{
	assert_true(end >= 0);
	return trusts;
}

int __wrap_handover_execute(int program, char *const argv[], const struct handover *h, struct error *e)
{
	(void)argv;
	if (h->tries) { /* in a child */
		if (trial_status < 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				(void)pause();
		}
		dprintf(STDERR_FILENO, "poolfs: it is too old\n");
		_exit(trial_status);
	}
	executed.count++;
	executed.program = program;
	executed.h = *h;
	snprintf(executed.why, sizeof(executed.why), "%s",
		 error_is_set(&h->why) ? error_sentence(&h->why) : "");
	return error_set(e, ENOEXEC, "it does not start");
}

struct fixture {
	struct session_options options;
	struct upgrade *u;
	struct handover present;
	int caller; /* the other end */
};

static void setup(struct fixture *f, struct handover *h)
{
	*f = (struct fixture){.options = {.mountpoint = "/mount", .pool.state_dir = state_dir},
			      .present = {.device = -1, .keep = -1, .link = 1, .former = -1, .caller = -1},
			      .caller = -1};
	trusts = true;
	trial_status = 0;
	executed.count = 0;
	f->u = upgrade_new(&f->options);
	assert_non_null(f->u);
	upgrade_start(f->u, h);
}

static void teardown(struct fixture *f)
{
	upgrade_free(f->u);
	close_fd(&f->caller);
	while (waitpid(-1, NULL, 0) > 0)
		; /* a trial, which has the socket open until it ends */
}

static void go_on(struct fixture *f)
{
	struct pollfd polls[UPGRADE_POLLS];

	(void)upgrade_polls(f->u, polls);
	assert_true(poll(polls, UPGRADE_POLLS, 0) >= 0);
	upgrade_go_on(f->u, polls, &f->present);
}

static int connected(struct fixture *f)
{
	int fd = upgrade_socket_connect((dev_t)getpid());

	assert_true(fd >= 0);
	go_on(f);
	return fd;
}

/* The answer to @fd, which is closed; "": none yet, and it stays open. */
static const char *answer(int *fd)
{
	static struct link_message m;
	struct pollfd p = {.fd = *fd, .events = POLLIN};

	if (poll(&p, 1, 0) == 0)
		return "";
	assert_int_equal(link_receive(*fd, &m), 1);
	assert_int_equal(m.fd, -1);
	close_fd(fd);
	return m.what == LINK_UPGRADED ? "done" : m.text;
}

/* Somebody asks, with a program. */
static void ask(struct fixture *f)
{
	_cleanup_close_ int program = dup(STDIN_FILENO);

	f->caller = connected(f);
	assert_int_equal(link_send(f->caller, LINK_UPGRADE, program, NULL), 0);
	go_on(f);
}

/* The trial ends. */
static void end_trial(struct fixture *f)
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	assert_true(pid > 0);
	assert_true(upgrade_reaped(f->u, pid, status));
	go_on(f); /* its text */
	go_on(f); /* and the end of it */
}

static void is_busy(struct fixture *f)
{
	int other = connected(f);

	assert_string_equal(answer(&other), "another upgrade is under way; try again when it has ended");
}

/* The step does not end with the wall clock, but when it has taken @seconds. */
static void takes(struct fixture *f, int seconds)
{
	is_busy(f);
	wall_s += A_DAY_S;
	go_on(f);
	monotonic_s += seconds - 1;
	go_on(f);
	wall_s -= 2 * (int64_t)A_DAY_S;
	go_on(f);
	assert_string_equal(answer(&f->caller), "");
	is_busy(f);
	monotonic_s += 1;
	go_on(f);
}

static void a_stranger_is_refused_before_it_says_anything(void **state)
{
	_cleanup_close_ int program = dup(STDIN_FILENO);
	struct fixture f;
	int fd;

	(void)state;
	setup(&f, NULL);
	trusts = false;
	fd = connected(&f);
	assert_string_equal(answer(&fd), "only root and the user who mounted it may replace its program");
	/* also if it has said something before it was seen */
	fd = upgrade_socket_connect((dev_t)getpid());
	assert_int_equal(link_send(fd, LINK_UPGRADE, program, NULL), 0);
	go_on(&f);
	assert_string_equal(answer(&fd), "only root and the user who mounted it may replace its program");
	trusts = true;
	ask(&f);
	assert_string_equal(answer(&f.caller), "");
	teardown(&f);
}

static void who_stays_silent_is_refused_after_its_time(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, NULL);
	f.caller = connected(&f);
	takes(&f, UPGRADE_ASK_S);
	assert_string_equal(answer(&f.caller), "it was not said within 5 s which program is to take over");
	ask(&f);
	assert_string_equal(answer(&f.caller), "");
	teardown(&f);
}

static void a_program_that_refuses_is_not_taken(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, NULL);
	trial_status = 1;
	ask(&f);
	is_busy(&f);
	end_trial(&f);
	assert_string_equal(answer(&f.caller), "it is too old");
	assert_int_equal(executed.count, 0);
	teardown(&f);
}

static void a_program_that_hangs_is_not_taken(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, NULL);
	trial_status = -1;
	ask(&f);
	takes(&f, UPGRADE_TRY_S);
	end_trial(&f);
	assert_string_equal(answer(&f.caller),
			    "the new program did not answer within 30 s when it was tried");
	/* what the next one says counts again */
	trial_status = 1;
	ask(&f);
	end_trial(&f);
	assert_string_equal(answer(&f.caller), "it is too old");
	teardown(&f);
}

static void jobs_have_their_time(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, NULL);
	ask(&f);
	end_trial(&f);
	takes(&f, UPGRADE_JOBS_S);
	assert_string_equal(
		answer(&f.caller),
		"jobs are still running after 60 s (grep -l Processing api-jobs/*/state); try again when "
		"they have ended, or cancel them");
	assert_int_equal(executed.count, 0);
	/* what comes late does nothing */
	upgrade_idle(f.u, &f.present);
	assert_int_equal(executed.count, 0);
	teardown(&f);
}

static void the_program_takes_over_when_no_job_runs(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, NULL);
	ask(&f);
	end_trial(&f);
	assert_int_equal(executed.count, 0);
	upgrade_idle(f.u, &f.present);
	assert_int_equal(executed.count, 1);
	assert_true(executed.h.former >= 0 && executed.h.caller >= 0 && !executed.h.tries);
	assert_string_equal(answer(&f.caller), "it does not start"); /* as the test says */
	/* nobody is there who could run jobs */
	f.present.link = -1;
	ask(&f);
	end_trial(&f);
	assert_int_equal(executed.count, 2);
	teardown(&f);
}

/* As the new program, whose caller waits. */
static void setup_new(struct fixture *f, struct handover *h)
{
	int ends[2];

	assert_int_equal(link_new(ends), 0);
	*h = (struct handover){.device = -1, .keep = -1, .link = -1, .why = ERROR_INIT};
	h->caller = ends[0];
	h->former = dup(STDIN_FILENO);
	setup(f, h);
	f->caller = ends[1];
	assert_int_equal(h->caller, -1);
	assert_int_equal(h->former, -1);
}

static void the_new_program_is_done_when_it_serves(void **state)
{
	struct handover h;
	struct fixture f;

	(void)state;
	setup_new(&f, &h);
	is_busy(&f);
	assert_string_equal(answer(&f.caller), "");
	upgrade_served(f.u);
	assert_string_equal(answer(&f.caller), "done");
	assert_int_equal(executed.count, 0);
	ask(&f);
	assert_string_equal(answer(&f.caller), "");
	teardown(&f);
}

/* What the service manager is told: a socket, which NOTIFY_SOCKET names. */
static int manage(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	return fd;
}

/* The former program gets as much time of the manager as the new one had, or that would end it in the middle. */
static void assert_allowed(int manager, int64_t seconds)
{
#ifdef HAVE_SYSTEMD
	char said[128], expected[128];
	ssize_t n = recv(manager, said, sizeof(said) - 1, 0);

	assert_true(n > 0);
	said[n] = '\0';
	(void)snprintf(expected, sizeof(expected), "EXTEND_TIMEOUT_USEC=%" PRId64, seconds * 1000000);
	assert_string_equal(said, expected);
#else
	(void)manager;
	(void)seconds;
#endif
}

/* A worker of the new program is killed after @seconds without serving anything, and the former program goes on. */
static void serves_within(int seconds)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct handover h;
	struct fixture f;
	int status;

	setup_new(&f, &h);
	f.present.worker = fork();
	if (f.present.worker == 0)
		for (;;)
			(void)pause();
	assert_true(f.present.worker > 0);
	takes(&f, seconds);
	assert_int_equal(waitpid(f.present.worker, &status, 0), f.present.worker);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	upgrade_failed(f.u, &f.present, &why);
	assert_int_equal(executed.count, 1);
	assert_true(executed.h.caller >= 0 && executed.h.former < 0 && executed.h.worker == 0);
	assert_string_equal(executed.why,
			    "its process was killed, or crashed, before it had served anything");
	/* the former one does not start either */
	assert_string_equal(answer(&f.caller),
			    "its process was killed, or crashed, before it had served anything");
	teardown(&f);
}

static void the_new_program_has_its_time_to_serve(void **state)
{
	(void)state;
	serves_within(UPGRADE_SERVE_S);
}

/* It may have to bring the database to another schema first. */
static void a_large_database_takes_its_time(void **state)
{
	const int64_t size = 1500000000, seconds = UPGRADE_SERVE_S + size / UPGRADE_SCHEMA_RATE;
	char folder[] = "/tmp/poolfs-test-XXXXXX", path[64], socket_path[64];
	int fd, manager;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/pool.db", folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
	(void)snprintf(socket_path, sizeof(socket_path), "%s/notify", folder);
	manager = manage(socket_path);
	state_dir = folder;
	serves_within((int)seconds);
	state_dir = "/none";
	assert_allowed(manager, seconds);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	(void)close(manager);
	assert_int_equal(unlink(socket_path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void the_former_program_tells_why(void **state)
{
	struct handover h = {.device = -1, .keep = -1, .link = -1, .former = -1, .why = ERROR_INIT};
	struct fixture f;
	int ends[2];

	(void)state;
	assert_int_equal(link_new(ends), 0);
	h.caller = ends[0];
	(void)error_set(&h.why, EIO, "the new one is bad");
	setup(&f, &h);
	assert_string_equal(answer(&ends[1]), "the new one is bad");
	ask(&f);
	assert_string_equal(answer(&f.caller), "");
	error_done(&h.why);
	teardown(&f);
}

static void who_waits_is_told_that_the_mount_ends(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, NULL);
	f.caller = connected(&f);
	upgrade_stop(f.u);
	assert_string_equal(answer(&f.caller), "the mount ends");
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stranger_is_refused_before_it_says_anything),
		cmocka_unit_test(who_stays_silent_is_refused_after_its_time),
		cmocka_unit_test(a_program_that_refuses_is_not_taken),
		cmocka_unit_test(a_program_that_hangs_is_not_taken),
		cmocka_unit_test(jobs_have_their_time),
		cmocka_unit_test(the_program_takes_over_when_no_job_runs),
		cmocka_unit_test(the_new_program_is_done_when_it_serves),
		cmocka_unit_test(the_new_program_has_its_time_to_serve),
		cmocka_unit_test(a_large_database_takes_its_time),
		cmocka_unit_test(the_former_program_tells_why),
		cmocka_unit_test(who_waits_is_told_that_the_mount_ends),
	};

	return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
