/* SPDX-License-Identifier: Apache-2.0 */
/* See upgrade.h. */
#include "fs/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fs/link.h"
#include "fs/mount_table.h"
#include "fs/service.h"
#include "fs/session.h"
#include "fs/signals.h"
#include "fs/upgrade_socket.h"
#include "model/clock.h"
#include "model/log.h"
#include "model/store.h"

enum step {
	STEP_NONE,  /* nobody has asked */
	STEP_ASKED, /* it is to be said which program */
	STEP_TRIED, /* `program` is to say whether it could go on */
	STEP_WAITS, /* jobs that run are to end */
	STEP_SERVES /* this is the new program, and its worker is to serve */
};

static const int step_seconds[] = {
	[STEP_ASKED] = UPGRADE_ASK_S, [STEP_TRIED] = UPGRADE_TRY_S, [STEP_WAITS] = UPGRADE_JOBS_S};

struct upgrade {
	const struct session_options *options;
	int listener; /* -1: none */
	enum step step;
	int64_t until; /* ns of CLOCK_MONOTONIC: when the step has taken too long; INT64_MAX: never */
	int caller;    /* who has asked, and waits for the outcome; -1: nobody */
	int program;   /* TRIED, WAITS; else -1 */
	int former;    /* SERVES: the program to go back to; else -1 */
	/* TRIED */
	pid_t trial; /* 0: it has ended, with `status` */
	int status;
	bool is_late; /* it has not ended in its time, and was killed */
	int said;     /* what the trial prints; -1: it has ended */
	char text[LINK_TEXT];
	size_t len;
};

int64_t upgrade_serve_seconds(const struct upgrade *u)
{
	return UPGRADE_SERVE_S + store_bytes(u->options->pool.state_dir) / UPGRADE_SCHEMA_RATE;
}

static void begin(struct upgrade *u, enum step step)
{
	int64_t seconds = step == STEP_SERVES ? upgrade_serve_seconds(u) : step_seconds[step];

	u->step = step;
	u->until = clock_monotonic() + seconds * NS_PER_S;
}

/* @e: NULL = it is done. */
static void end(struct upgrade *u, const struct error *e)
{
	u->step = STEP_NONE;
	u->until = INT64_MAX;
	close_fd(&u->program);
	close_fd(&u->former);
	if (u->caller >= 0)
		upgrade_tell(&u->caller, e);
}

/* Ends it with an error. */
static void _printf_(3, 4) fail(struct upgrade *u, int errnum, const char *format, ...)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *sentence = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&sentence, format, args) < 0)
		sentence = NULL;
	va_end(args);
	(void)error_set(&e, errnum, "%s", sentence ? sentence : "out of memory");
	end(u, &e);
}

void upgrade_tell(int *caller, const struct error *e)
{
	(void)link_send(*caller, e ? LINK_ERROR : LINK_UPGRADED, -1, e ? error_sentence(e) : NULL);
	close_fd(caller);
}

static void hold_jobs(const struct handover *present, bool hold)
{
	if (present->worker > 0)
		(void)sigqueue(present->worker, SIGNAL_JOBS, (union sigval){.sival_int = hold});
}

/* ------------------------------------------------------------------ start, end */

struct upgrade *upgrade_new(const struct session_options *options)
{
	struct upgrade *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->options = options;
	u->listener = u->caller = u->program = u->former = u->said = -1;
	u->until = INT64_MAX;
	return u;
}

void upgrade_start(struct upgrade *u, struct handover *h)
{
	const char *mountpoint = u->options->mountpoint;
	dev_t mount;

	u->listener = mount_table_find_pool(mountpoint, &mount) ? upgrade_socket_listen(mount) : -ENOENT;
	if (u->listener < 0) {
		log_warning("mount", mountpoint, "cannot be upgraded while it is mounted: %s",
			    strerror(-u->listener));
		u->listener = -1;
	}
	if (!h)
		return;
	u->caller = steal_fd(&h->caller);
	u->former = steal_fd(&h->former);
	if (u->former >= 0) {
		begin(u, STEP_SERVES);
		return;
	}
	/* this is the former program again */
	hold_jobs(h, false);
	end(u, &h->why);
}

void upgrade_stop(struct upgrade *u)
{
	if (u->trial > 0)
		(void)kill(u->trial, SIGKILL);
	if (u->step != STEP_NONE)
		fail(u, ECANCELED, "the mount ends");
	upgrade_close(u);
}

void upgrade_close(struct upgrade *u)
{
	close_fd(&u->listener);
	close_fd(&u->caller);
	close_fd(&u->program);
	close_fd(&u->former);
	close_fd(&u->said);
}

void upgrade_free(struct upgrade *u)
{
	if (u)
		upgrade_stop(u);
	free(u);
}

/* ----------------------------------------------------------------------- asked */

/* Who may not ask, or not now, is told so before it can say anything. */
static void refuse(int caller, int errnum, const char *sentence)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)link_discard(caller);
	(void)error_set(&e, errnum, "%s", sentence);
	upgrade_tell(&caller, &e);
}

static void on_connection(struct upgrade *u)
{
	int caller = accept4(u->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (caller < 0)
		return;
	if (!upgrade_socket_is_trusted(caller)) {
		refuse(caller, EPERM, "only root and the user who mounted it may replace its program");
	} else if (u->step != STEP_NONE) {
		refuse(caller, EBUSY, "another upgrade is under way; try again when it has ended");
	} else {
		u->caller = caller;
		begin(u, STEP_ASKED);
	}
}

/* The program says by its exit status and a sentence whether it could go on. */
static void __attribute__((noreturn))
try_program(int program, int out, const struct session_options *options, int keep_fd)
{
	const struct handover h = {.device = -1,
				   .keep = keep_fd,
				   .link = -1,
				   .former = -1,
				   .caller = -1,
				   .background = options->background,
				   .tries = true,
				   .why = ERROR_INIT};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	(void)handover_execute(program, options->argv, &h, &e);
	dprintf(STDERR_FILENO, "%s", error_sentence(&e));
	_exit(EXIT_FAILURE);
}

/* Has @program (owned) tried. */
static void start_trial(struct upgrade *u, int program, int keep_fd)
{
	int fds[2];

	u->program = program;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		fail(u, errno, "cannot create a pipe: %s", strerror(errno));
		return;
	}
	u->trial = fork();
	if (u->trial == 0)
		try_program(program, fds[1], u->options, keep_fd);
	close_fd(&fds[1]);
	if (u->trial < 0) {
		u->trial = 0;
		close_fd(&fds[0]);
		fail(u, errno, "cannot start a process: %s", strerror(errno));
		return;
	}
	u->said = fds[0];
	u->len = 0;
	u->is_late = false;
	begin(u, STEP_TRIED);
}

static void on_question(struct upgrade *u, int keep_fd)
{
	_cleanup_free_ struct link_message *m = malloc(sizeof(*m));
	int r = m ? link_receive(u->caller, m) : -ENOMEM;

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		fail(u, r < 0 ? -r : EPIPE, "the message cannot be read");
	} else if (m->what != LINK_UPGRADE || m->fd < 0) {
		close_fd(&m->fd);
		fail(u, EINVAL, "the message is not understood: it has no program");
	} else {
		start_trial(u, m->fd, keep_fd);
	}
}

/* ------------------------------------------------------- tried, waits for jobs */

static void on_text(struct upgrade *u)
{
	ssize_t n = read(u->said, u->text + u->len, sizeof(u->text) - 1 - u->len);

	if (n > 0)
		u->len += (size_t)n;
	if (n == 0 || (n < 0 && errno != EINTR) || u->len == sizeof(u->text) - 1)
		close_fd(&u->said);
}

/* The trial has ended. */
static void judge(struct upgrade *u, const struct handover *present)
{
	const char *said = u->text;

	if (WIFEXITED(u->status) && WEXITSTATUS(u->status) == 0) {
		begin(u, STEP_WAITS);
		hold_jobs(present, true);
		return;
	}
	if (u->is_late) {
		fail(u, ETIMEDOUT, "the new program did not answer within %d s when it was tried",
		     UPGRADE_TRY_S);
		return;
	}
	u->text[u->len] = '\0';
	u->text[strcspn(u->text, "\n")] = '\0';
	if (strncmp(said, "poolfs: ", strlen("poolfs: ")) == 0)
		said += strlen("poolfs: ");
	fail(u, EIO, "%s", *said ? said : "the new program ended without a message when it was tried");
}

/* The new program becomes this one's successor. */
static void become(struct upgrade *u, const struct handover *present)
{
	_cleanup_close_ int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct handover h = *present;

	h.former = own;
	h.caller = u->caller;
	log_info("mount", u->options->mountpoint, "another program takes over");
	if (own < 0)
		(void)error_set(&e, errno, "cannot open the present program: %s", strerror(errno));
	else
		(void)handover_execute(u->program, u->options->argv, &h, &e);
	hold_jobs(present, false);
	end(u, &e);
}

void upgrade_idle(struct upgrade *u, const struct handover *present)
{
	if (u->step == STEP_WAITS)
		become(u, present);
	else
		hold_jobs(present, false); /* it was late */
}

/* --------------------------------------------------------------------- serves */

void upgrade_served(struct upgrade *u)
{
	if (u->step != STEP_SERVES)
		return;
	log_info("mount", u->options->mountpoint, "poolfs " POOLFS_VERSION " has taken over");
	end(u, NULL);
}

void upgrade_failed(struct upgrade *u, const struct handover *present, const struct error *why)
{
	static const char unknown[] = "its process was killed, or crashed, before it had served anything";
	_cleanup_(error_done) struct error e = ERROR_INIT, reason = ERROR_INIT;
	const char *mountpoint = u->options->mountpoint;
	struct handover h = *present;

	if (u->step != STEP_SERVES)
		return;
	(void)error_set(&reason, EIO, "%s", error_is_set(why) ? error_sentence(why) : unknown);
	log_error("mount", mountpoint,
		  "poolfs " POOLFS_VERSION " cannot serve it: %s; the former program goes on",
		  error_sentence(&reason));
	service_allow(upgrade_serve_seconds(u)); /* a former program may not ask for time itself */
	h.caller = u->caller;
	h.link = -1;
	h.worker = 0;
	h.why = reason;
	(void)handover_execute(u->former, u->options->argv, &h, &e);
	log_error("mount", mountpoint, "the former program: %s", error_sentence(&e));
	end(u, &reason);
}

/* ------------------------------------------------------------------- going on */

/* The step has taken too long. */
static void on_late(struct upgrade *u, const struct handover *present)
{
	u->until = INT64_MAX;
	switch (u->step) {
	case STEP_NONE:
		break;
	case STEP_ASKED:
		fail(u, ETIMEDOUT, "it was not said within %d s which program is to take over",
		     UPGRADE_ASK_S);
		break;
	case STEP_TRIED:
		u->is_late = u->trial > 0;
		if (u->is_late)
			(void)kill(u->trial, SIGKILL);
		close_fd(&u->said); /* a child of it may have it open, too */
		break;
	case STEP_WAITS:
		hold_jobs(present, false);
		fail(u, EBUSY,
		     "jobs are still running after %d s (grep -l Processing api-jobs/*/state); try again when "
		     "they have ended, or cancel them",
		     UPGRADE_JOBS_S);
		break;
	case STEP_SERVES:
		if (present->worker > 0)
			(void)kill(present->worker, SIGKILL);
		break;
	}
}

int64_t upgrade_polls(const struct upgrade *u, struct pollfd ret[UPGRADE_POLLS])
{
	ret[0] = (struct pollfd){.fd = u->listener, .events = POLLIN};
	ret[1] = (struct pollfd){.fd = u->step == STEP_ASKED ? u->caller : -1, .events = POLLIN};
	ret[2] = (struct pollfd){.fd = u->said, .events = POLLIN};
	return u->until;
}

void upgrade_go_on(struct upgrade *u, const struct pollfd polls[UPGRADE_POLLS],
		   const struct handover *present)
{
	if (polls[1].revents && u->step == STEP_ASKED)
		on_question(u, present->keep);
	if (polls[2].revents && u->said >= 0)
		on_text(u);
	if (clock_monotonic() >= u->until)
		on_late(u, present);
	if (polls[0].revents && u->listener >= 0)
		on_connection(u);
	if (u->step == STEP_TRIED && u->trial == 0 && u->said < 0)
		judge(u, present);
	if (u->step == STEP_WAITS && present->link < 0)
		become(u, present); /* nobody is there who could run a job */
}

bool upgrade_reaped(struct upgrade *u, pid_t pid, int status)
{
	if (u->trial == 0 || pid != u->trial)
		return false;
	u->trial = 0;
	u->status = status;
	return true;
}
