/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fair scheduling of long tasks of many clients in the background, so that no client
 * delays the others for long. Of each client one task runs at a time, in the order
 * of submission; of all clients together a limited number. The next task is that of
 * the client that was served longest ago. Self-locking.
 */
#ifndef POOLFS_ENGINE_TURNS_H
#define POOLFS_ENGINE_TURNS_H

#include "actions/engine/workers.h"

struct turns;

/** Uses at most @at_once threads of @workers, which must outlive it. NULL when memory is short. */
struct turns *turns_new(struct workers *workers, int at_once);
/** Only when all tasks are done. Accepts NULL. */
void turns_free(struct turns *turns);
/**
 * Runs fn(arg) when it is the turn of @client (a name; copied); at once in the calling thread if there is no
 * worker. -ENOMEM: it will not run.
 */
int turns_run(struct turns *turns, const char *client, void (*fn)(void *arg), void *arg);

#endif
