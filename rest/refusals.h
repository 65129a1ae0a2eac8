/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that were refused before the pool had a job for them, because their
 * session had ended. Clients learn this when they poll the job, as on the real
 * server (behaviour.md 1.2). A request without a session leaves no trace in the
 * pool, so the last thousand are recorded here. Self-locking.
 */
#ifndef POOLFS_REST_REFUSALS_H
#define POOLFS_REST_REFUSALS_H

#include "rest/mount.h"

struct refusals;

struct refusals *refusals_new(void);
/** Accepts NULL. */
void refusals_free(struct refusals *refusals);
/** Records that @job failed because its session had ended. */
void refusals_add(struct refusals *refusals, const char *job);
/** True when @job was recorded and is not yet overwritten. */
bool refusals_has(struct refusals *refusals, const char *job);

#endif
