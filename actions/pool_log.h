/* SPDX-License-Identifier: Apache-2.0 */
/* What the log tells of the pool: hosts that are lost and found, jobs that failed, settings that were changed. */
#ifndef POOLFS_POOL_LOG_H
#define POOLFS_POOL_LOG_H

#include "actions/engine/pool.h"

/** Tells of changes from now on. Errors of pool_observe(). */
int pool_log_start(struct pool *pool, struct error *e);

#endif
