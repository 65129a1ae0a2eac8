/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that volumes really take, measured from time to time. */
#ifndef POOLFS_VOLUME_SIZE_REFRESH_H
#define POOLFS_VOLUME_SIZE_REFRESH_H

#include "actions/engine/pool.h"

/**
 * Measures all volumes with files, and writes their actualSize where it has changed. What no host can tell stays
 * as it is. A timer; blocks as long as a storage does. Always 0.
 */
int volume_refresh_sizes(struct pool *pool, struct error *e);

#endif
