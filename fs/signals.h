/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending on SIGTERM, SIGINT and SIGHUP.
 *
 * The thread that receives requests sleeps in read(2). If a signal arrives just
 * before that call, a handler that only sets a flag does not end it, and the
 * program would stay until the next request. So a separate thread takes the
 * signals, and wakes the receiver until it has seen the flag.
 *
 * The supervisor has the jobs of the pool held back, or released, by SIGNAL_JOBS with a value (sigqueue(3)). Its own death is
 * no signal, but the end of the link to it (fs/link.h), which the same thread waits for.
 */
#ifndef POOLFS_SIGNALS_H
#define POOLFS_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <fuse_lowlevel.h>

#include "model/error.h"

/* One of the real-time signals, which queue: none is lost, and the last one counts. */
#define SIGNAL_JOBS SIGRTMIN

/* What the thread calls. */
struct signal_calls {
	void (*hold_jobs)(void *arg, bool hold); /* upon SIGNAL_JOBS */
	void (*gone)(void *arg);		 /* once, when the other end of `link` is closed */
	void *arg;
	int link; /* borrowed; nothing comes over it while the loop runs */
};

/** The signals that end a mount, or have its log opened again (SIGHUP), whichever of its processes gets them. */
void signals_of_mount(sigset_t *ret);
/** Blocks the signals in this thread and in those that it starts. */
void signals_block(void);
/**
 * From now on a signal ends the loop of @session, which the calling thread is going to run; and another thread makes
 * these calls (copied).
 */
int signals_start(struct fuse_session *session, const struct signal_calls *calls, struct error *e);
/** After the loop: ends the thread. Signals stay blocked. */
void signals_stop(void);

#endif
