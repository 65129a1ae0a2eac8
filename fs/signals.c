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
static struct fuse_session *served; /* immutable while the taker runs */
static atomic_bool ended;

static void take_set(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
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

static void *taker_main(void *arg)
{
	const struct timespec pause = {.tv_nsec = WAKE_AGAIN_NS};
	sigset_t set;
	int signal;

	(void)arg;
	pthread_setname_np(pthread_self(), "signals");
	take_set(&set);
	/* Without a file the terminal is gone, which ends the program. */
	do
		(void)sigwait(&set, &signal);
	while (signal == SIGHUP && log_reopen());
	if (!atomic_load(&ended))
		log_info("mount", NULL, "ends by signal %d, %s", signal, strsignal(signal));
	while (!atomic_load(&ended)) {
		fuse_session_exit(served);
		(void)pthread_kill(receiver, WAKE);
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

int signals_start(struct fuse_session *session, struct error *e)
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
