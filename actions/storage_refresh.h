/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring every storage anew, in the background. */
#ifndef POOLFS_STORAGE_REFRESH_H
#define POOLFS_STORAGE_REFRESH_H

#include "actions/engine/pool.h"

/**
 * Measures every storage anew in the background, so that sizes are recent and a backup storage that came back
 * is used again, and removes cached images that nobody uses. For the timer thread; returns at once.
 */
int storage_refresh(struct pool *pool, struct error *e);

#endif
