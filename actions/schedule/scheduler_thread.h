/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that runs schedulers. It sleeps until the next moment of all of them, and is woken when
 * a scheduler changes and when the clock is set.
 */
#ifndef POOLFS_SCHEDULE_SCHEDULER_THREAD_H
#define POOLFS_SCHEDULE_SCHEDULER_THREAD_H

#include "actions/engine/pool.h"

struct scheduler_thread;
/** Registers with the store; the thread runs from scheduler_thread_start() on. */
int scheduler_thread_new(struct pool *pool, struct scheduler_thread **ret_clockwork, struct error *e);
int scheduler_thread_start(struct scheduler_thread *c, struct error *e);
/** Ends the thread. Accepts NULL. */
void scheduler_thread_stop(struct scheduler_thread *c);
/** After the store's end, which still tells it of changes. Accepts NULL. */
void scheduler_thread_free(struct scheduler_thread *c);

#endif
