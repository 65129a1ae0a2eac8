/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of threads that grows on demand, up to a limit, and runs functions in the
 * order in which they were queued, each in the name of the request that its caller
 * works on (model/in_hand.h). Self-locking.
 */
#ifndef POOLFS_ENGINE_WORKERS_H
#define POOLFS_ENGINE_WORKERS_H

struct workers;

/** @name: the name of the threads, a static string of at most 15 characters. NULL when memory is short. */
struct workers *workers_new(const char *name, int max_threads);
/** Queues fn(arg). -ENOMEM, or -ESHUTDOWN once workers_stop() has begun: it will not run. */
int workers_run(struct workers *w, void (*fn)(void *arg), void *arg);
/** Waits until all queued functions have run, then ends the threads. Accepts NULL. */
void workers_stop(struct workers *w);
/** workers_stop(), and frees: workers_run() must not be called any more. Accepts NULL. */
void workers_free(struct workers *w);

#endif
