/* SPDX-License-Identifier: Apache-2.0 */
/* Periodic measurement of all storage. */
#ifndef POOLFS_STORAGE_REFRESH_H
#define POOLFS_STORAGE_REFRESH_H

#include "actions/engine/pool.h"

/**
 * Measures all storage, so that sizes are up to date and a backup storage that is accessible again is used
 * again, and removes cached images that are not in use. A timer; blocks as long as a storage does. Always 0.
 */
int storage_refresh(struct pool *pool, struct error *e);

#endif
