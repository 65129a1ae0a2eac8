/* SPDX-License-Identifier: Apache-2.0 */
/* See supervisor.h. */
#include "fs/supervisor.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "fs/link.h"
#include "fs/mount.h"
#include "fs/not_serving.h"
#include "fs/privileges.h"
#include "fs/service.h"
#include "fs/signals.h"
#include "fs/upgrade.h"
#include "model/clock.h"
#include "model/keep.h"
#include "model/log.h"

#define NS_PER_MS 1000000

struct supervisor {
	const struct session_options *options;
	int device;   /* /dev/fuse; -1: not mounted */
	int keep_fd;  /* of what workers keep */
	int signals;  /* signalfd(2) */
	int link;     /* to the worker; -1: there is none */
	pid_t worker; /* 0: it has ended, */
	int status;   /* with this, or without one */
	bool served;  /* the present worker has */
	bool is_own;  /* it is of this program, not of the one before */
	bool is_ready;
	bool replaces;		     /* the worker was killed, so that one of this program takes over */
	bool ends;		     /* the worker has ended as it should, or was told to */
	bool is_asked;		     /* by a signal, to end */
	struct link_message message; /* the last of the worker */
	struct upgrade *upgrade;
	struct not_serving not_serving;
	struct error why; /* why the last worker ended, if it said so */
};

/* ------------------------------------------------------------------ workers */

/* What only the supervisor uses. (Not whatever else is open: libraries have descriptors of their own.) */
static void close_own(struct supervisor *s, int *link)
{
	close_fd(link);
	close_fd(&s->signals);
	close_fd(&s->device);
	upgrade_close(s->upgrade);
	if (s->options->ready_fd && *s->options->ready_fd >= 0)
		(void)close(*s->options->ready_fd);
}

/* In a child, which has a copy of @s. */
static void __attribute__((noreturn)) worker(struct supervisor *s, int ends[2])
{
	const int link = ends[1];
	_cleanup_(error_done) struct error e = ERROR_INIT;
	sigset_t child;
	int r;

	close_own(s, &ends[0]);
	/* The others wait until the worker takes them (fs/signals.h), so that none is lost. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_UNBLOCK, &child, NULL);
	r = session_serve(s->options, link, s->keep_fd, &e);
	if (r < 0)
		(void)link_send(link, LINK_ERROR, -1, error_sentence(&e));
	else
		(void)link_send(link, LINK_ENDED, -1, NULL);
	error_done(&e);
	exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

#ifdef POOLFS_TESTS
/* For kill_point(), which takes the whole program with it. */
static void name_supervisor(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("POOLFS_TEST_SUPERVISOR", pid, 1);
}
#else
#define name_supervisor() ((void)0)
#endif

static int start_worker(struct supervisor *s, struct error *e)
{
	int ends[2], r = link_new(ends);

	if (r < 0)
		return error_set(e, -r, "cannot create a pair of sockets: %s", strerror(-r));
	not_serving_try(&s->not_serving);
	service_allow(upgrade_serve_seconds(s->upgrade));
	error_done(&s->why);
	s->status = 0;
	s->served = false;
	s->is_own = true;
	name_supervisor();
	s->worker = fork();
	if (s->worker < 0) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return error_set(e, errno, "cannot start a process: %s", strerror(errno));
	}
	if (s->worker == 0)
		worker(s, ends);
	(void)close(ends[1]);
	s->link = ends[0];
	return 0;
}

/* ------------------------------------------------------------------ the mount */

/* The mount is there: other programs may ask to go on with it. @h: what the one before this has handed over, or NULL. */
static void start_mount(struct supervisor *s, struct handover *h)
{
	upgrade_start(s->upgrade, h);
	service_store(s->device, s->keep_fd);
}

/* The worker has opened the pool, or is about to make one. */
static void hand_over_device(struct supervisor *s)
{
	if (s->device < 0) {
		(void)mount_make(s->options->args, s->options->mountpoint, &s->device, &s->why);
		/* the worker's error would be that it has none */
		if (s->device < 0)
			s->ends = true;
		else
			start_mount(s, NULL);
	}
	(void)link_send(s->link, s->device < 0 ? LINK_NO_DEVICE : LINK_DEVICE, s->device, NULL);
}

static void end_mount(struct supervisor *s)
{
	upgrade_stop(s->upgrade);
	if (s->device < 0)
		return;
	service_forget();
	mount_remove(s->options->mountpoint, steal_fd(&s->device));
}

/* What another program needs to go on. */
static struct handover describe(const struct supervisor *s)
{
	return (struct handover){.device = s->device,
				 .keep = s->keep_fd,
				 .link = s->link,
				 .worker = s->worker,
				 .former = -1,
				 .caller = -1,
				 .background = s->options->background,
				 .why = ERROR_INIT};
}

/* Goes on with what was handed over. */
static void take_over(struct supervisor *s, struct handover *h)
{
	bool is_new = h->former >= 0;

	s->device = steal_fd(&h->device);
	s->keep_fd = steal_fd(&h->keep);
	s->link = steal_fd(&h->link);
	s->worker = s->link >= 0 ? h->worker : 0;
	s->served = true;
	s->is_ready = true;
	start_mount(s, h);
	if (s->options->ready)
		s->options->ready(s->options->ready_arg);
	s->replaces = s->worker > 0 && is_new;
	if (s->replaces)
		(void)kill(s->worker, SIGKILL); /* the next one is this program's */
}

/* ------------------------------------------------------------- what comes in */

static void on_message(struct supervisor *s, struct link_message *m)
{
	const struct handover present = describe(s);

	switch (m->what) {
	case LINK_OPEN:
		hand_over_device(s);
		break;
	case LINK_READY:
		if (!s->is_ready && s->options->ready)
			s->options->ready(s->options->ready_arg);
		s->is_ready = true;
		break;
	case LINK_SERVED:
		s->served = true;
		not_serving_end(&s->not_serving);
		if (s->is_own)
			upgrade_served(s->upgrade);
		break;
	case LINK_LEAVE:
		s->ends = true;
		service_ends();
		end_mount(s);
		(void)link_send(s->link, LINK_GONE, -1, NULL);
		break;
	case LINK_ENDED:
		s->ends = true;
		break;
	case LINK_ERROR:
		if (!error_is_set(&s->why))
			(void)error_set(&s->why, EIO, "%s", m->text);
		break;
	case LINK_IDLE:
		if (!s->is_asked)
			upgrade_idle(s->upgrade, &present);
		break;
	case LINK_DEVICE:
	case LINK_NO_DEVICE:
	case LINK_GONE:
	case LINK_UPGRADE:
	case LINK_UPGRADED:
		break;
	}
	close_fd(&m->fd);
}

/* The worker has ended. */
static void note_status(struct supervisor *s, int status)
{
	s->worker = 0;
	s->status = status;
}

/* Children are the workers, of which those before the last may end late. */
static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!upgrade_reaped(s->upgrade, pid, status) && pid == s->worker)
			note_status(s, status);
}

/* What ended the worker is known when all its threads have ended, soon as a rule. False: it has not, after 100 ms. */
static bool wait_for_status(struct supervisor *s)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int status = 0;

	for (int ms = 0; s->worker > 0 && ms < 100; ms++) {
		if (waitpid(s->worker, &status, WNOHANG) != 0)
			note_status(s, status);
		else
			(void)nanosleep(&pause, NULL);
	}
	return s->worker == 0;
}

/* The worker's end of the link is closed: it has ended, or is about to. */
static void on_end(struct supervisor *s)
{
	bool was_killed = false;
	struct handover present;

	close_fd(&s->link);
	/* The signal was passed on, and may have ended with the worker before that took it. */
	if (s->is_asked && !s->ends)
		end_mount(s);
	/* What the first one says against the pool is told to who waits for the mount. */
	if (s->ends || !mount_is_there(s->device) || (!s->is_ready && error_is_set(&s->why))) {
		if (s->worker > 0)
			(void)waitpid(s->worker, NULL, 0);
		s->ends = true;
		return;
	}
	/* No thread of it works any more, or its end would still be open; none of their requests was the cause. */
	if (s->replaces)
		keep_forget_in_hand(s->keep_fd);
	s->replaces = false;
	/*
	 * It is not waited for: a thread of it may wait for a request on the mount itself (fs/tell/watchers.h), which the
	 * next worker answers.
	 */
	if (!s->served)
		was_killed = wait_for_status(s) && WIFSIGNALED(s->status) && WTERMSIG(s->status) == SIGKILL;
	if (s->worker > 0)
		(void)kill(s->worker, SIGKILL);
	if (!s->served) {
		present = describe(s);
		upgrade_failed(s->upgrade, &present, &s->why);
		not_serving_count(&s->not_serving, was_killed, &s->why);
	}
	if (!not_serving_is_given_up(&s->not_serving))
		log_warning("mount", s->options->mountpoint,
			    "the process that served it has ended%s%s; another one takes over",
			    error_is_set(&s->why) ? ": " : "",
			    error_is_set(&s->why) ? error_sentence(&s->why) : "");
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo info;
	bool reopened;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		reap(s);
		return;
	}
	/* Without a file of the log the terminal is gone, which ends the program. */
	reopened = info.ssi_signo == SIGHUP && log_reopen();
	if (!reopened) {
		s->is_asked = true;
		service_ends();
	}
	if (s->link >= 0) {
		if (s->worker > 0)
			(void)kill(s->worker, (int)info.ssi_signo);
	} else if (!reopened) {
		s->ends = true;
		end_mount(s);
	}
}

/* ------------------------------------------------------------------ the loop */

/* Until @moment, ns of CLOCK_MONOTONIC, and not before it; ms, for poll(2). */
static int time_until(int64_t moment)
{
	int64_t left = moment - clock_monotonic();

	if (moment == INT64_MAX)
		return -1;
	return left <= 0 ? 0 : left / NS_PER_MS >= INT_MAX ? INT_MAX : (int)(left / NS_PER_MS) + 1;
}

/* Waits for what comes next: a message, a signal, a request to refuse, another program, the time to try again. */
static int wait_once(struct supervisor *s, struct error *e)
{
	struct pollfd fds[3 + UPGRADE_POLLS] = {
		{.fd = s->signals, .events = POLLIN},
		{.fd = s->link, .events = POLLIN},
		{.fd = s->not_serving.keep ? s->device : -1, .events = POLLIN},
	};
	struct pollfd *polls = fds + 3;
	int64_t until = upgrade_polls(s->upgrade, polls);
	struct handover present;
	int n;

	if (s->link < 0 && not_serving_next(&s->not_serving) < until)
		until = not_serving_next(&s->not_serving);
	n = poll(fds, ARRAY_SIZE(fds), time_until(until));
	if (n < 0)
		return errno == EINTR ? 0 : error_set(e, errno, "poll: %s", strerror(errno));
	if (fds[1].revents) {
		int r = link_receive(s->link, &s->message);

		if (r > 0)
			on_message(s, &s->message);
		else if (r == 0)
			on_end(s);
		/* else the kernel has no memory, and the message is there the next time */
	}
	if (fds[0].revents)
		on_signal(s);
	if (fds[2].revents & POLLERR ||
	    (fds[2].revents && not_serving_refuse(&s->not_serving, s->device) < 0))
		s->ends = true;
	present = describe(s);
	if (!s->ends && !s->is_asked)
		upgrade_go_on(s->upgrade, polls, &present);
	return 0;
}

/* For want of processes or memory it is tried again as long as there is a mount: its files are open, and it may get some. */
static int try_worker(struct supervisor *s, struct error *e)
{
	int r = start_worker(s, e);

	if (r == 0 || !mount_is_there(s->device))
		return r;
	log_error("mount", s->options->mountpoint, "%s; it is tried again", error_sentence(e));
	not_serving_not_started(&s->not_serving, e);
	error_done(e);
	return 0;
}

static int run(struct supervisor *s, struct error *e)
{
	int r = 0;

	while (r >= 0 && !(s->ends && s->link < 0)) {
		if (s->link < 0 && clock_monotonic() >= not_serving_next(&s->not_serving))
			r = try_worker(s, e);
		else if (s->link < 0 && not_serving_is_given_up(&s->not_serving))
			not_serving_refuse_kept(&s->not_serving, s->device, s->keep_fd);
		if (r >= 0)
			r = wait_once(s, e);
	}
	if (r >= 0 && error_is_set(&s->why)) {
		r = -s->why.errnum;
		error_move(e, &s->why);
	}
	return r;
}

/* Blocks the signals, for the workers, too, which take them when they serve. */
static int receive_signals(struct supervisor *s, struct error *e)
{
	sigset_t taken, blocked;

	signals_of_mount(&taken);
	sigaddset(&taken, SIGCHLD);
	blocked = taken;
	sigaddset(&blocked, SIGNAL_JOBS);
	(void)sigprocmask(SIG_BLOCK, &blocked, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	s->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? error_set(e, errno, "cannot receive signals: %s", strerror(errno)) : 0;
}

int supervisor_run(const struct session_options *options, struct error *e)
{
	struct supervisor s = {
		.options = options,
		.device = -1,
		.keep_fd = -1,
		.signals = -1,
		.link = -1,
		.upgrade = upgrade_new(options),
		.not_serving = {.mountpoint = options->mountpoint, .state_dir = options->pool.state_dir},
		.why = ERROR_INIT};
	struct fuse_session *session = mount_session_new(options->args, NULL, e);
	int r;

	if (!session) { /* bad options: before anything is opened */
		upgrade_free(s.upgrade);
		return -EINVAL;
	}
	fuse_session_destroy(session);
	log_info("mount", options->mountpoint, "poolfs " POOLFS_VERSION " starts; state folder '%s'%s%s%s",
		 options->pool.state_dir, options->pool.read_only ? ", read-only" : "",
		 options->allow_other ? ", open to other users" : "",
		 options->inotify ? ", with inotify" : "");
	r = s.upgrade ? receive_signals(&s, e) : error_oom(e);
	if (r == 0)
		r = privileges_drop(e);
	if (r == 0 && options->handover && options->handover->device >= 0)
		take_over(&s, options->handover);
	else if (r == 0)
		r = keep_new(&s.keep_fd, e);
	if (r == 0)
		r = run(&s, e);
	if (s.upgrade)
		end_mount(&s);
	upgrade_free(s.upgrade);
	not_serving_done(&s.not_serving);
	error_done(&s.why);
	close_fd(&s.signals);
	close_fd(&s.keep_fd);
	if (r == 0)
		log_info("mount", options->mountpoint, "poolfs has ended");
	return r;
}
