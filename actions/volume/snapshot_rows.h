/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of snapshots: parts of store changes. They run in the writer thread and never block. */
#ifndef POOLFS_VOLUME_SNAPSHOT_ROWS_H
#define POOLFS_VOLUME_SNAPSHOT_ROWS_H

#include "actions/volume/snapshot.h"

/** The snapshot of the volume that is being taken; NULL = none. */
const struct object *snapshot_creating(const struct view *view, const char *volume);

/** Writes a tree of the volume that is not the current one and has no snapshot yet. */
int snapshot_put_tree(struct txn *t, const char *volume, char ret_uuid[UUID_SIZE], struct error *e);
/**
 * Writes the row of a snapshot as Creating, on top of the latest one; if there is none, or @alone, in a new
 * tree.
 */
int snapshot_put_creating(struct txn *t, const struct new_snapshot *spec, const struct object *volume,
			  bool alone, struct error *e);
/** That snapshot is Ready now, with @size bytes on the storage, and the latest one. */
int snapshot_put_taken(struct txn *t, const char *volume, int64_t size, struct error *e);
/** Removes that snapshot, with the tree that it was to begin. */
int snapshot_drop_creating(struct txn *t, const char *volume, struct error *e);
/** Makes @latest (NULL: none) the snapshot that the volume stands on, and its tree the current one. */
int snapshot_put_latest(struct txn *t, const char *volume, const char *latest, struct error *e);
/** Writes the status of a snapshot, and its state when that is not NULL. */
int snapshot_put_status(struct txn *t, const struct object *snapshot, const char *status, const char *state,
			struct error *e);
/** Writes loose rows for the files of all snapshots of a volume and removes its snapshots and trees. */
int snapshots_orphan_all(struct txn *t, const char *volume, struct error *e);
/**
 * Writes a Ready snapshot whose file, of @size bytes on the storage, is the volume's present head, and
 * promises them: PS.1000. The volume stands on none of its snapshots then: the caller gives it another head
 * in the same change. For change functions.
 */
int snapshot_put_frozen(struct txn *t, const struct new_snapshot *spec, int64_t size, struct error *e);
/** Whether one can be taken now. Only looks. */
int snapshot_check_take(const struct view *view, const struct object *volume, struct error *e);

#endif
