/* SPDX-License-Identifier: Apache-2.0 */
/* See signals.h. */
#include "fs/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "model/log.h"

/* Interrupts the read(2) of the receiver; not used otherwise. */
#define WAKE	      SIGUSR1
#define WAKE_AGAIN_NS 10000000

/* A process has one loop. */
static pthread_t receiver, taker;
/* Immutable while the taker runs */
static struct fuse_session *served;
static void (*on_jobs)(void *arg, bool hold);
static void *on_jobs_arg;
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
	siginfo_t info;
	sigset_t set;

	take_set(&set);
	for (;;) {
		if (sigwaitinfo(&set, &info) < 0)
			continue;
		if (info.si_signo == SIGNAL_JOBS)
			on_jobs(on_jobs_arg, info.si_value.sival_int);
		/* Without a file the terminal is gone, which ends the program. */
		else if (info.si_signo != SIGHUP || !log_reopen())
			return info.si_signo;
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

int signals_start(struct fuse_session *session, void (*hold_jobs)(void *arg, bool hold), void *arg,
		  struct error *e)
{
	/* Without SA_RESTART, so that read(2) returns. */
	struct sigaction wake = {.sa_handler = woken}, ignore = {.sa_handler = SIG_IGN};
	int r;

	sigemptyset(&wake.sa_mask);
	sigemptyset(&ignore.sa_mask);
	if (sigaction(WAKE, &wake, NULL) < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0)
		return error_set(e, errno, "cannot set signal handlers: %s", strerror(errno));
	receiver = pthread_self();
	served = session;
	on_jobs = hold_jobs;
	on_jobs_arg = arg;
	atomic_store(&ended, false);
	r = pthread_create(&taker, NULL, taker_main, NULL);
	return r ? error_set(e, r, "cannot start a thread: %s", strerror(r)) : 0;
}

void signals_stop(void)
{
	atomic_store(&ended, true);
	(void)pthread_kill(taker, SIGTERM);
	(void)pthread_join(taker, NULL);
}
