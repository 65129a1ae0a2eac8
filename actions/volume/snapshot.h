/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: trees of frozen files (behaviour.md 3.5).
 *
 * A volume is written to one file, its head (installPath). A snapshot freezes the
 * head: the file becomes that of the snapshot, and the volume gets a new head, an
 * empty overlay of it. (Where the storage takes snapshots itself, Ceph, the head
 * stays, and the snapshot has the path <head>@<uuid>: volume/snapshot_storage.c.)
 * So the backing file of the head is that of the snapshot that is `latest`, in the
 * tree that is `current`; without such a tree it is the cached image, or nothing.
 * What is read from a frozen file never changes; the file itself does when the
 * snapshot below it is deleted alone (volume/snapshot_single.c).
 *
 * While a job switches a guest to a new head, only the host knows which of the two
 * files the guest writes to. The new file is named in the volume's nextPath before
 * that. snapshot_reconcile() asks the host and updates the rows; it is called by
 * the job, its recovery, the next job of the volume and the next start of its VM.
 */
#ifndef POOLFS_VOLUME_SNAPSHOT_H
#define POOLFS_VOLUME_SNAPSHOT_H

#include "actions/engine/job.h"

/* Questions about the rows of a view. Results are borrowed from it; nothing blocks. */

/** The tree of the snapshot that is the backing file of the volume's head; NULL = none. */
const struct object *snapshot_current_tree(const struct view *view, const char *volume);
/** The snapshot that is the backing file of the volume's head; NULL = none. */
const struct object *snapshot_latest(const struct view *view, const char *volume);
/** The snapshot of the volume that is being taken; NULL = none. */
const struct object *snapshot_creating(const struct view *view, const char *volume);
/** True when @snapshot is @ancestor or one of its descendants. */
bool snapshot_is_below(const struct view *view, const struct object *snapshot, const struct object *ancestor);
/** The number of snapshots from the root of the tree to this one, both included; 0 for NULL. */
int snapshot_depth(const struct view *view, const struct object *snapshot);
/** Checks that a snapshot of the volume can be taken now. -EBUSY, -EOPNOTSUPP for shareable volumes. */
int snapshot_check_take(const struct view *view, const struct object *volume, struct error *e);
/** Checks that the content of the snapshot can be read. -EBUSY when it is not Ready and Enabled. */
int snapshot_check_readable(const struct object *snapshot, struct error *e);

/** The queues of operations on a snapshot: first that of its volume, second that of the volume's VM. */
op_queue_fn snapshot_queue_volume;
op_queue_fn snapshot_queue_vm;

/** A snapshot to be taken; it belongs to the owner of the volume. All borrowed. */
struct new_snapshot {
	const char *volume; /* uuid */
	const char *uuid;   /* of the snapshot */
	const char *name, *description;
	const char *scheduler;	       /* uuid of the scheduler that takes it, or NULL */
	const char *path;	       /* its file; NULL = the volume's current file */
	const struct request *request; /* whose tags it gets; NULL = no tags */
};

#endif
