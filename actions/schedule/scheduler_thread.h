/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that runs schedulers. It sleeps until the next moment of all of them,
 * and wakes up when a scheduler changes or the clock is set.
 */
#ifndef POOLFS_SCHEDULE_SCHEDULER_THREAD_H
#define POOLFS_SCHEDULE_SCHEDULER_THREAD_H

#include "actions/engine/pool.h"

struct scheduler_thread;

/**
 * Registers with the store; the thread is started by scheduler_thread_start(). Errors of timerfd_create(2),
 * -ENOMEM, -ENOSPC.
 */
int scheduler_thread_new(struct pool *pool, struct scheduler_thread **ret_thread, struct error *e);
/** Starts the thread. Errors of pthread_create(3). */
int scheduler_thread_start(struct scheduler_thread *c, struct error *e);
/** Ends the thread. Accepts NULL. */
void scheduler_thread_stop(struct scheduler_thread *c);
/** Only after store_close(), which still calls observers. Accepts NULL. */
void scheduler_thread_free(struct scheduler_thread *c);

#endif
