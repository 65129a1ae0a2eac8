/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the rows of snapshots and of their trees: parts of store changes, which
 * run in the writer thread and never block.
 *
 * In each tree at most one snapshot has no parent. At most one snapshot of a volume
 * is `latest` and at most one Creating; at most one of its trees is `current`.
 */
#ifndef POOLFS_VOLUME_SNAPSHOT_ROWS_H
#define POOLFS_VOLUME_SNAPSHOT_ROWS_H

#include "actions/volume/snapshot.h"

/** Writes a new tree of the volume: not the current one, and without snapshots. */
int snapshot_put_tree(struct txn *t, const char *volume, char ret_uuid[UUID_SIZE], struct error *e);
/**
 * Writes the row of a snapshot as Creating. Its parent is the latest one; when there is none, or with
 * @alone, it is the root of a new tree. -ENOMEM.
 */
int snapshot_put_creating(struct txn *t, const struct new_snapshot *new, const struct object *volume,
			  bool alone, struct error *e);
/**
 * Makes the Creating snapshot of the volume Ready, with @size bytes on the storage, and the latest one.
 * -EPROTO when no snapshot is Creating.
 */
int snapshot_put_taken(struct txn *t, const char *volume, int64_t size, struct error *e);
/** Removes the Creating snapshot of the volume, if any, and its tree when that has no other. */
int snapshot_drop_creating(struct txn *t, const char *volume, struct error *e);
/** Makes @latest (NULL: none) the latest snapshot of the volume, and its tree the current one. */
int snapshot_put_latest(struct txn *t, const char *volume, const char *latest, struct error *e);
/** Sets the status of a snapshot, and its state unless @state is NULL. */
int snapshot_put_status(struct txn *t, const struct object *snapshot, const char *status, const char *state,
			struct error *e);
/** Removes the rows of all snapshots and trees of a volume; the files become orphan files (orphan_file.h). */
int snapshots_orphan_all(struct txn *t, const char *volume, struct error *e);
/**
 * Writes a Ready snapshot whose file, of @size bytes on the storage, is the volume's current head, and
 * reserves these bytes; PS.1000 when they are not available. No snapshot of the volume is the latest then:
 * the caller gives the volume another head in the same change. -ENOENT when the volume is gone.
 */
int snapshot_put_frozen(struct txn *t, const struct new_snapshot *new, int64_t size, struct error *e);
#endif
