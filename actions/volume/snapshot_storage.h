/* SPDX-License-Identifier: Apache-2.0 */
/* Taking snapshots on storage that does it itself (volume_uses_storage_snapshots()). */
#ifndef POOLFS_VOLUME_SNAPSHOT_STORAGE_H
#define POOLFS_VOLUME_SNAPSHOT_STORAGE_H

#include "actions/volume/snapshot.h"

/** As snapshot_take(), for a volume on such storage. -EIO when the storage did not take it. Blocking. */
int snapshot_take_on_storage(struct job *job, const struct new_snapshot *new, struct error *e);
/** As snapshot_reconcile(), for @volume of @view on such storage. Blocking. */
int snapshot_reconcile_on_storage(struct pool *pool, const struct view *view, const struct object *volume,
				  struct error *e);

#endif
