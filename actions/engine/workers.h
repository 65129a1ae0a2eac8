/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of threads that grows with the work, up to a limit, and runs functions
 * in the order in which they came.
 */
#ifndef POOLFS_ENGINE_WORKERS_H
#define POOLFS_ENGINE_WORKERS_H

struct workers;

/** @name: of the threads, at most 15 characters. NULL when memory is short. */
struct workers *workers_new(const char *name, int max_threads);
/** Queues fn(arg). -ENOMEM; -ESHUTDOWN once workers_stop() has begun: it will not run. */
int workers_run(struct workers *w, void (*fn)(void *arg), void *arg);
/** Runs what is queued, waits for it, ends the threads; others may still call workers_run(). Accepts NULL. */
void workers_stop(struct workers *w);
/** workers_stop(), and frees: nobody may call workers_run() any more. Accepts NULL. */
void workers_free(struct workers *w);

#endif
