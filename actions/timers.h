/* SPDX-License-Identifier: Apache-2.0 */
/* The timer thread: deadlines, expiry, expunging, HA. */
#ifndef POOLFS_TIMERS_H
#define POOLFS_TIMERS_H

#include <pthread.h>

#include "actions/engine/pool.h"

/** Starts and ends the timer thread (timers.c). */
int pool_timers_start(struct pool *pool, struct error *e);
void pool_timers_stop(struct pool *pool);

#endif
