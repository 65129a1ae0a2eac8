/* SPDX-License-Identifier: Apache-2.0 */
/* Periodic measurement of all storage, in the background. */
#ifndef POOLFS_STORAGE_REFRESH_H
#define POOLFS_STORAGE_REFRESH_H

#include "actions/engine/pool.h"

/**
 * Measures all storage in the background, so that sizes are up to date and a backup storage that is
 * accessible again is used again, and removes cached images that are not in use. For the timer thread; does
 * not block, and does nothing while the last refresh still runs. -ENOMEM, -ESHUTDOWN.
 */
int storage_refresh(struct pool *pool, struct error *e);

#endif
