/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing volumes with their snapshots.
 *
 * The rows go in one change, which turns the files into orphan files
 * (storage/orphan_file.h). Those are removed afterwards, so that a kill in
 * between leaves no file that no row names.
 */
#ifndef POOLFS_VOLUME_REMOVE_H
#define POOLFS_VOLUME_REMOVE_H

#include "actions/engine/pool.h"

/**
 * Removes the rows and files of a volume and of its snapshots. Success when they are gone already. -ENOTCONN
 * (PS.1003) when no host can access the files. Blocking.
 */
int volume_remove(struct pool *pool, const char *volume_uuid, struct error *e);
/** As volume_remove(), but the files may stay until a host can access them (storage/orphan_file.h). Blocking. */
int volume_drop(struct pool *pool, const char *volume_uuid, struct error *e);

/**
 * Removes the rows of a volume and of its snapshots; their files become orphan files. Success when the
 * volume is gone already. For change functions; the caller removes the files with orphan_files_remove().
 */
int volume_put_gone(struct txn *t, const char *uuid, struct error *e);
/** Submits ExpungeDataVolume for volumes that have been Deleted for longer than volume.expungePeriod. */
int volume_expunge_due(struct pool *pool, struct error *e);

#endif
