/* SPDX-License-Identifier: Apache-2.0 */
/* See supervisor.h. */
#include "fs/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "fs/link.h"
#include "fs/mount.h"
#include "fs/privileges.h"
#include "fs/receive.h"
#include "fs/service.h"
#include "fs/signals.h"
#include "fs/upgrade.h"
#include "model/keep.h"
#include "model/log.h"

struct supervisor {
	const struct session_options *options;
	int device;  /* /dev/fuse; -1: not mounted */
	int keep_fd; /* of what workers keep */
	int signals; /* signalfd(2) */
	sigset_t taken;
	int link;     /* to the worker; -1: there is none */
	pid_t worker; /* 0: it has ended */
	int deaths;   /* of workers in a row that have served nothing, */
	int kills;    /* and those of them by SIGKILL */
	bool served;  /* the present worker has */
	bool is_own;  /* it is of this program, not of the one before */
	bool is_ready;
	bool ends;		 /* the worker has ended as it should, or was told to */
	struct upgrade *upgrade; /* NULL: not mounted */
	int program;		 /* could go on, when no job runs any more; -1: none */
	int asker;		 /* who waits for that */
	int caller;		 /* of an upgrade: who waits for this program to serve; -1: nobody */
	int former;		 /* the program to go back to; -1: none */
	int64_t until;		 /* ns since 1970: when it has to have served */
	struct keep *given;	 /* has given up: the requests that it refuses */
	struct error why;	 /* why the last worker ended, if it said so */
};

/* ------------------------------------------------------------- not serving */

static bool has_given_up(const struct supervisor *s)
{
	return s->deaths + s->kills / 10 >= SUPERVISOR_DEATHS;
}

static char *notice_path(const struct supervisor *s)
{
	char *path;

	return asprintf(&path, "%s/" NOT_SERVING, s->options->pool.state_dir) < 0 ? NULL : path;
}

static void remove_notice(const struct supervisor *s)
{
	_cleanup_free_ char *path = notice_path(s);

	if (path)
		(void)unlink(path);
}

static void write_notice(const struct supervisor *s)
{
	_cleanup_free_ char *path = notice_path(s);
	_cleanup_close_ int fd =
		path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644) : -1;
	_cleanup_free_ char *text = NULL;
	const char *why = error_is_set(&s->why) ? error_sentence(&s->why) : "it was killed, or crashed";
	int len = asprintf(
		&text,
		"The pool at %s is not served: requests fail with EIO.\n"
		"The program that serves it has ended %d times without serving anything. The last time: %s.\n"
		"It is tried again every %d s. When the cause is mended, nothing has to be done; to end the mount: "
		"umount %s\n",
		s->options->mountpoint, s->deaths + s->kills, why, SUPERVISOR_RETRY_S,
		s->options->mountpoint);

	log_error(
		"mount", s->options->mountpoint,
		"is not served: requests fail with EIO. The process that serves it has ended %d times without "
		"serving anything. The last time: %s",
		s->deaths + s->kills, why);
	if (fd >= 0 && len > 0)
		(void)!write(fd, text, (size_t)len);
}

/* Answers requests with EIO from now on. */
static void give_up(struct supervisor *s)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (keep_open(s->keep_fd, &s->given, &e) < 0) {
		log_error("mount", s->options->mountpoint, "%s", error_sentence(&e));
		return;
	}
	receive_refuse_kept(s->device, s->given, EIO);
}

/* A worker is about to open what is kept, which one process at a time may write. */
static void take_up(struct supervisor *s)
{
	keep_free(s->given);
	s->given = NULL;
}

/* ------------------------------------------------------------------ workers */

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* What only the supervisor uses. (Not whatever else is open: libraries have descriptors of their own.) */
static void close_own(const struct supervisor *s, int link)
{
	close_fd(link);
	close_fd(s->signals);
	close_fd(s->device);
	close_fd(s->program);
	close_fd(s->asker);
	close_fd(s->former);
	close_fd(s->caller);
	upgrade_close(s->upgrade);
	if (s->options->ready_fd)
		close_fd(*s->options->ready_fd);
}

static void __attribute__((noreturn)) worker(const struct supervisor *s, const int ends[2])
{
	const int link = ends[1];
	_cleanup_(error_done) struct error e = ERROR_INIT;
	sigset_t child;
	int r;

	close_own(s, ends[0]);
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
	error_done(&s->why);
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

/* The mount is there: other programs may ask to go on with it. */
static void start_upgrades(struct supervisor *s)
{
	s->upgrade = upgrade_new(s->options->mountpoint);
	service_store(s->device, s->keep_fd);
}

/* The worker has opened the pool. */
static void hand_over_device(struct supervisor *s)
{
	if (s->device < 0) {
		(void)mount_make(s->options->args, s->options->mountpoint, &s->device, &s->why);
		/* the worker's error would be that it has none */
		if (s->device < 0)
			s->ends = true;
		else
			start_upgrades(s);
	}
	(void)link_send(s->link, s->device < 0 ? LINK_NO_DEVICE : LINK_DEVICE, s->device, NULL);
}

static void end_mount(struct supervisor *s)
{
	upgrade_free(steal(&s->upgrade));
	if (s->device < 0)
		return;
	service_forget();
	mount_remove(s->options->mountpoint, steal_fd(&s->device));
}

/* ----------------------------------------------------------------- upgrades */

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

/* The new program, which could go on, becomes this one's successor. */
static void become(struct supervisor *s, int program, int caller)
{
	_cleanup_close_ int new = program, own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct handover h = describe(s);

	h.former = own;
	h.caller = caller;
	log_info("mount", s->options->mountpoint, "another program takes over");
	if (own < 0)
		(void)error_set(&e, errno, "cannot open the present program: %s", strerror(errno));
	else
		(void)handover_execute(new, s->options->argv, &h, &e);
	upgrade_tell(caller, &e);
}

static void hold_jobs(const struct supervisor *s, bool hold)
{
	if (s->worker > 0)
		(void)sigqueue(s->worker, SIGNAL_JOBS, (union sigval){.sival_int = hold});
}

/* There is a program that could go on: it does when the jobs that run have ended. */
static void prepare(struct supervisor *s, int program, int caller)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (s->program >= 0) {
		(void)close(program);
		(void)error_set(&e, EBUSY, "another program is about to take over");
		upgrade_tell(caller, &e);
		return;
	}
	s->program = program;
	s->asker = caller;
	s->until = store_now() + UPGRADE_JOBS_S * NS_PER_S;
	hold_jobs(s, true);
}

/* No job runs any more, or nobody who could run one. */
static void go_ahead(struct supervisor *s)
{
	if (s->program < 0)
		return;
	become(s, steal_fd(&s->program), steal_fd(&s->asker));
	hold_jobs(s, false); /* it has failed */
}

/* Jobs take too long. */
static void give_in(struct supervisor *s)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	(void)error_set(
		&e, EBUSY,
		"jobs are still running after %d s (grep -l Processing api-jobs/*/state); try again when they "
		"have ended, or cancel them",
		UPGRADE_JOBS_S);
	hold_jobs(s, false);
	(void)close(steal_fd(&s->program));
	upgrade_tell(steal_fd(&s->asker), &e);
}

/* This program serves. */
static void end_upgrade(struct supervisor *s)
{
	close_fd(s->former);
	s->former = -1;
	if (s->caller < 0)
		return;
	log_info("mount", s->options->mountpoint, "poolfs " POOLFS_VERSION " has taken over");
	upgrade_tell(steal_fd(&s->caller), NULL);
}

/* The first worker of this program has served nothing: the former program goes on. */
static void go_back(struct supervisor *s)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct handover h = describe(s);

	if (!error_is_set(&s->why))
		(void)error_set(&s->why, EIO,
				"its process was killed, or crashed, before it had served anything");
	h.caller = s->caller;
	h.link = -1;
	h.worker = 0;
	h.why = s->why;
	log_error("mount", s->options->mountpoint,
		  "poolfs " POOLFS_VERSION " cannot serve it: %s; the former program goes on",
		  error_sentence(&s->why));
	(void)handover_execute(s->former, s->options->argv, &h, &e);
	log_error("mount", s->options->mountpoint, "the former program: %s", error_sentence(&e));
	close_fd(s->former);
	s->former = -1;
	upgrade_tell(steal_fd(&s->caller), &s->why);
}

/* Goes on with what was handed over by the program before this one. */
static void take_over(struct supervisor *s, struct handover *h)
{
	s->device = steal_fd(&h->device);
	s->keep_fd = steal_fd(&h->keep);
	s->link = steal_fd(&h->link);
	s->former = steal_fd(&h->former);
	s->caller = steal_fd(&h->caller);
	s->worker = s->link >= 0 ? h->worker : 0;
	s->served = true;
	s->is_ready = true;
	s->until = store_now() + UPGRADE_SERVE_S * NS_PER_S;
	start_upgrades(s);
	if (s->options->ready)
		s->options->ready(s->options->ready_arg);
	if (s->link >= 0 && s->caller >= 0)
		(void)kill(s->worker, SIGKILL); /* the next one is this program's */
	if (s->caller >= 0 && s->former < 0)
		upgrade_tell(steal_fd(&s->caller), &h->why);
}

static void on_message(struct supervisor *s, const struct link_message *m)
{
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
		if (has_given_up(s))
			log_info("mount", s->options->mountpoint, "is served again");
		s->deaths = s->kills = 0;
		s->served = true;
		remove_notice(s);
		if (s->is_own)
			end_upgrade(s);
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
		go_ahead(s);
		break;
	case LINK_DEVICE:
	case LINK_NO_DEVICE:
	case LINK_GONE:
	case LINK_UPGRADE:
	case LINK_UPGRADED:
		break;
	}
	if (m->fd >= 0)
		(void)close(m->fd);
}

/* Is the mount there? */
static bool is_mounted(const struct supervisor *s)
{
	struct pollfd device = {.fd = s->device};

	return s->device >= 0 && poll(&device, 1, 0) >= 0 && !(device.revents & POLLERR);
}

/* Children are the workers, of which those before the last may end late. */
static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!upgrade_reaped(s->upgrade, pid, status) && pid == s->worker)
			s->worker = 0;
}

/* The worker has served nothing. What ended it is known when all its threads have ended, soon as a rule. */
static void count_death(struct supervisor *s)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int status = 0;

	for (int ms = 0; s->worker > 0 && ms < 100; ms++) {
		if (waitpid(s->worker, &status, WNOHANG) != 0)
			s->worker = 0;
		else
			(void)nanosleep(&pause, NULL);
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		s->kills++;
	else
		s->deaths++;
}

/* The worker's end of the link is closed: it has ended, or is about to. */
static void on_end(struct supervisor *s)
{
	bool gave_up = has_given_up(s);

	(void)close(steal_fd(&s->link));
	if (s->ends || !is_mounted(s)) {
		if (s->worker > 0)
			(void)waitpid(s->worker, NULL, 0);
		s->ends = true;
		return;
	}
	/*
	 * It is not waited for: a thread of it may wait for a request on the mount itself (fs/tell/watchers.h), which the
	 * next worker answers.
	 */
	if (!s->served)
		count_death(s);
	if (s->worker > 0)
		(void)kill(s->worker, SIGKILL);
	if (s->former >= 0 && !s->served)
		go_back(s);
	if (!has_given_up(s))
		log_warning("mount", s->options->mountpoint,
			    "the process that served it has ended%s%s; another one takes over",
			    error_is_set(&s->why) ? ": " : "",
			    error_is_set(&s->why) ? error_sentence(&s->why) : "");
	else if (!gave_up)
		write_notice(s);
}

/* ------------------------------------------------------------------ the loop */

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
	if (!reopened)
		service_ends();
	if (s->link >= 0) {
		if (s->worker > 0)
			(void)kill(s->worker, (int)info.ssi_signo);
	} else if (!reopened) {
		s->ends = true;
		end_mount(s);
	}
}

/* How long to wait at most, ms. */
static int time_left(const struct supervisor *s, int upgrade_ms)
{
	int ms = s->link < 0 ? SUPERVISOR_RETRY_S * 1000 : -1;

	if (s->former >= 0 || s->program >= 0)
		upgrade_ms = 1000; /* is it time to go back, or to give in? */
	return upgrade_ms >= 0 && (ms < 0 || upgrade_ms < ms) ? upgrade_ms : ms;
}

/* Waits for what comes next: a message, a signal, a request to refuse, another program, the time to try again. */
static int wait_once(struct supervisor *s, struct error *e)
{
	struct pollfd fds[3 + UPGRADE_POLLS] = {{.fd = s->signals, .events = POLLIN},
						{.fd = s->link, .events = POLLIN},
						{.fd = s->given ? s->device : -1, .events = POLLIN}};
	struct pollfd *polls = fds + 3;
	int ms = s->upgrade ? upgrade_polls(s->upgrade, polls) : -1;
	int program = -1, caller = -1;
	int n = poll(fds, s->upgrade ? ARRAY_SIZE(fds) : 3, time_left(s, ms));

	if (n < 0)
		return errno == EINTR ? 0 : error_set(e, errno, "poll: %s", strerror(errno));
	if (fds[1].revents) {
		_cleanup_free_ struct link_message *m = malloc(sizeof(*m));
		int r = m ? link_receive(s->link, m) : -ENOMEM;

		if (r > 0)
			on_message(s, m);
		else
			on_end(s);
	}
	if (fds[0].revents)
		on_signal(s);
	if (fds[2].revents & POLLERR || (fds[2].revents && receive_refuse(s->device, s->given, EIO) < 0))
		s->ends = true;
	if (s->former >= 0 && s->worker > 0 && store_now() > s->until)
		(void)kill(s->worker, SIGKILL);
	if (s->upgrade)
		upgrade_go_on(s->upgrade, polls, s->options, s->keep_fd, &program, &caller);
	if (program >= 0)
		prepare(s, program, caller);
	if (s->program >= 0 && s->link < 0 && !s->ends)
		go_ahead(s);
	else if (s->program >= 0 && store_now() > s->until)
		give_in(s);
	return 0;
}

static int run(struct supervisor *s, struct error *e)
{
	int64_t tried = 0;
	int r = 0;

	while (r >= 0 && !(s->ends && s->link < 0)) {
		bool waits = has_given_up(s) && store_now() - tried < SUPERVISOR_RETRY_S * NS_PER_S;

		if (s->link < 0 && !waits) {
			tried = store_now();
			take_up(s);
			r = start_worker(s, e);
		} else if (s->link < 0 && !s->given) {
			give_up(s);
		}
		if (r >= 0)
			r = wait_once(s, e);
	}
	if (r >= 0 && error_is_set(&s->why)) {
		r = -s->why.errnum;
		error_move(e, &s->why);
	}
	return r;
}

int supervisor_run(const struct session_options *options, struct error *e)
{
	struct supervisor s = {.options = options,
			       .device = -1,
			       .keep_fd = -1,
			       .signals = -1,
			       .link = -1,
			       .program = -1,
			       .asker = -1,
			       .former = -1,
			       .caller = -1,
			       .why = ERROR_INIT};
	struct fuse_session *session = mount_session_new(options->args, NULL, e);
	sigset_t workers;
	int r;

	if (!session) /* bad options: before anything is opened */
		return -EINVAL;
	fuse_session_destroy(session);
	log_info("mount", options->mountpoint, "poolfs " POOLFS_VERSION " starts; state folder '%s'%s%s%s",
		 options->pool.state_dir, options->pool.read_only ? ", read-only" : "",
		 options->allow_other ? ", open to other users" : "",
		 options->inotify ? ", with inotify" : "");
	sigemptyset(&s.taken);
	sigaddset(&s.taken, SIGTERM);
	sigaddset(&s.taken, SIGINT);
	sigaddset(&s.taken, SIGHUP);
	sigaddset(&s.taken, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &s.taken, NULL);
	sigemptyset(&workers);
	sigaddset(&workers, SIGNAL_JOBS); /* they take it when they serve */
	(void)sigprocmask(SIG_BLOCK, &workers, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	s.signals = signalfd(-1, &s.taken, SFD_CLOEXEC | SFD_NONBLOCK);
	r = s.signals < 0 ? error_set(e, errno, "cannot receive signals: %s", strerror(errno)) : 0;
	if (r == 0)
		r = privileges_drop(e);
	if (r == 0 && options->handover && options->handover->device >= 0)
		take_over(&s, options->handover);
	else if (r == 0)
		r = keep_new(&s.keep_fd, e);
	if (r == 0)
		r = run(&s, e);
	end_mount(&s);
	take_up(&s);
	close_fd(s.program);
	close_fd(s.asker);
	close_fd(s.former);
	close_fd(s.caller);
	error_done(&s.why);
	if (s.signals >= 0)
		(void)close(s.signals);
	if (s.keep_fd >= 0)
		(void)close(s.keep_fd);
	if (r == 0)
		log_info("mount", options->mountpoint, "poolfs has ended");
	return r;
}
