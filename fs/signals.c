/* SPDX-License-Identifier: Apache-2.0 */
/* See signals.h. */
#include "fs/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "model/cleanup.h"
#include "model/log.h"

/* Interrupts the read(2) of the receiver; not used otherwise. */
#define WAKE	      SIGUSR1
#define WAKE_AGAIN_NS 10000000

/* A process has one loop. */
static pthread_t receiver, taker;
/* Immutable while the taker runs */
static struct fuse_session *served;
static struct signal_calls call;
static int signals = -1; /* signalfd(2) */
static atomic_bool ended;

void signals_of_mount(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
}

/* What the taker waits for. */
static void take_set(sigset_t *ret)
{
	signals_of_mount(ret);
	sigaddset(ret, SIGNAL_JOBS);
}

void signals_block(void)
{
	sigset_t set;

	take_set(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void woken(int signal)
{
	(void)signal;
}

/* Waits for a signal that ends the loop. */
static int take(void)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = call.link}};
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents) {
			fds[1].fd = -1;
			if (!atomic_load(&ended))
				call.gone(call.arg);
		}
		if (!fds[0].revents || read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if ((int)info.ssi_signo == SIGNAL_JOBS)
			call.hold_jobs(call.arg, info.ssi_int);
		/* Without a file the terminal is gone, which ends the program. */
		else if (info.ssi_signo != SIGHUP || !log_reopen())
			return (int)info.ssi_signo;
	}
}

static void *taker_main(void *arg)
{
	const struct timespec pause = {.tv_nsec = WAKE_AGAIN_NS};
	int signal;

	(void)arg;
	pthread_setname_np(pthread_self(), "signals");
	signal = take();
	if (!atomic_load(&ended))
		log_info("mount", NULL, "ends by signal %d, %s", signal, strsignal(signal));
	while (!atomic_load(&ended)) {
		fuse_session_exit(served);
		(void)pthread_kill(receiver, WAKE);
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

int signals_start(struct fuse_session *session, const struct signal_calls *calls, struct error *e)
{
	/* Without SA_RESTART, so that read(2) returns. */
	struct sigaction wake = {.sa_handler = woken}, ignore = {.sa_handler = SIG_IGN};
	sigset_t set;
	int r;

	sigemptyset(&wake.sa_mask);
	sigemptyset(&ignore.sa_mask);
	if (sigaction(WAKE, &wake, NULL) < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0)
		return error_set(e, errno, "cannot set signal handlers: %s", strerror(errno));
	take_set(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return error_set(e, errno, "cannot receive signals: %s", strerror(errno));
	receiver = pthread_self();
	served = session;
	call = *calls;
	atomic_store(&ended, false);
	r = pthread_create(&taker, NULL, taker_main, NULL);
	if (r) {
		close_fd(&signals);
		return error_set(e, r, "cannot start a thread: %s", strerror(r));
	}
	return 0;
}

void signals_stop(void)
{
	atomic_store(&ended, true);
	(void)pthread_kill(taker, SIGTERM);
	(void)pthread_join(taker, NULL);
	close_fd(&signals);
}
