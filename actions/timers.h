/* SPDX-License-Identifier: Apache-2.0 */
/* The timer thread, which runs periodic work: deadlines, expiry, expunging, HA. */
#ifndef POOLFS_TIMERS_H
#define POOLFS_TIMERS_H

#include "actions/engine/pool.h"

/** Makes what the functions below use, and pool_close() destroys. */
void pool_timers_init(struct pool *pool);
/** Starts the timer thread. Errors of pthread_create(3). */
int pool_timers_start(struct pool *pool, struct error *e);
/** Ends the thread and waits for it; does nothing if it does not run. */
void pool_timers_stop(struct pool *pool);

#endif
