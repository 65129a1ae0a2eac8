/* SPDX-License-Identifier: Apache-2.0 */
/* Taking snapshots that the storage keeps itself. */
#ifndef POOLFS_VOLUME_SNAPSHOT_STORAGE_H
#define POOLFS_VOLUME_SNAPSHOT_STORAGE_H

#include "actions/volume/snapshot.h"

/** snapshot_take() and snapshot_reconcile() where the storage keeps snapshots itself: volume/snapshot_storage.c. */
int snapshot_take_on_storage(struct job *job, const struct new_snapshot *spec, struct error *e);
int snapshot_reconcile_on_storage(struct pool *pool, const struct view *view, const struct object *volume,
				  struct error *e);

#endif
