/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end on SIGTERM, SIGINT and SIGHUP.
 *
 * The thread that receives requests sleeps in read(2). A handler that only sets
 * a flag is too early when the signal comes just before that call, and the
 * program then stays until the next request. So a thread of its own takes the
 * signals, and wakes the receiver until it has seen the flag.
 */
#ifndef POOLFS_SIGNALS_H
#define POOLFS_SIGNALS_H

#include <fuse_lowlevel.h>

#include "model/error.h"

/** Blocks the signals in this thread and in those that it starts. */
void signals_block(void);
/** From now on a signal ends the loop of @session, which the calling thread is going to run. */
int signals_start(struct fuse_session *session, struct error *e);
/** After the loop: ends the thread. Signals stay blocked. */
void signals_stop(void);

#endif
