/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that were refused before the pool had a job for them, because their
 * session had ended: clients are told so when they poll the job, as by the real
 * server (behaviour.md 1.2). Whoever has no session leaves nothing in the pool;
 * the last thousand are remembered here. Self-locking.
 */
#ifndef POOLFS_REST_REFUSALS_H
#define POOLFS_REST_REFUSALS_H

#include "rest/door.h"

struct refusals;

struct refusals *refusals_new(void);
/** Accepts NULL. */
void refusals_free(struct refusals *refusals);
/** Remembers that @job failed for want of a session. */
void refusals_add(struct refusals *refusals, const char *job);
bool refusals_has(struct refusals *refusals, const char *job);

#endif
