/* SPDX-License-Identifier: Apache-2.0 */
/* Taking volumes away. */
#ifndef POOLFS_VOLUME_REMOVE_H
#define POOLFS_VOLUME_REMOVE_H

#include "actions/engine/pool.h"

/** Removes a volume and its snapshots, files and rows. Success when they are gone already. Blocking. */
int volume_remove(struct pool *pool, const char *volume_uuid, struct error *e);

/**
 * Removes the rows of a volume and its snapshots; their files become loose. Success when it is gone. For
 * change functions; the caller removes the files with orphan_files_remove().
 */
int volume_put_gone(struct txn *t, const char *uuid, struct error *e);
/** Submits the expunge of volumes that have been Deleted for longer than volume.expungePeriod. */
int volume_expunge_due(struct pool *pool, struct error *e);

#endif
