/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking turns: long work for many clients in the background, such that none
 * delays the others for long. One client has one piece of work at a time, all
 * together have a few, and the next is that of the client who was served longest
 * ago; the work of one client is done in its order. Self-locking.
 */
#ifndef POOLFS_ENGINE_TURNS_H
#define POOLFS_ENGINE_TURNS_H

#include "actions/engine/workers.h"

struct turns;

/** Uses at most @at_once threads of @workers, which must live longer. NULL when memory is short. */
struct turns *turns_new(struct workers *workers, int at_once);
/** When all work is done. Accepts NULL. */
void turns_free(struct turns *turns);
/** Runs fn(arg) when it is the turn of @client (a name; copied). -ENOMEM: it will not run. */
int turns_run(struct turns *turns, const char *client, void (*fn)(void *arg), void *arg);

#endif
