/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that runs schedulers. It sleeps until the next moment of all of them, and is woken when
 * a scheduler changes and when the clock is set.
 */
#ifndef POOLFS_SCHEDULE_SCHEDULER_THREAD_H
#define POOLFS_SCHEDULE_SCHEDULER_THREAD_H

#include "actions/engine/pool.h"

struct clockwork;
/** Registers with the store; the thread runs from clockwork_start() on. */
int clockwork_new(struct pool *pool, struct clockwork **ret_clockwork, struct error *e);
int clockwork_start(struct clockwork *c, struct error *e);
/** Ends the thread. Accepts NULL. */
void clockwork_stop(struct clockwork *c);
/** After the store's end, which still tells it of changes. Accepts NULL. */
void clockwork_free(struct clockwork *c);

#endif
