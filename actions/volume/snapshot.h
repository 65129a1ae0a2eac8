/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: trees of frozen files (behaviour.md 3.5).
 *
 * A volume stands on one file, its head (installPath). A snapshot freezes the
 * head: the file becomes the snapshot's, and the volume goes on with an empty
 * overlay of it. (Where the storage keeps snapshots itself, Ceph, the head stays
 * what it is, and a snapshot of it has the path <head>@<uuid>: volume/snapshot_storage.c.)
 * So the head's backing file is that of the snapshot that is
 * `latest`, in the tree that is `current`; without such a tree it is the image
 * below the volume, or nothing. What is read from a frozen file never changes; the
 * file itself does when the snapshot below it is deleted alone (volume/snapshot_single.c).
 *
 * While a job makes a guest change over to a new head, nobody but the host knows
 * which of the two files is the volume's. Before that the file is named in the
 * volume's nextPath; snapshot_reconcile() clears that up, whoever comes first: the
 * job, its recovery, the next job of the volume, the next start of its VM.
 */
#ifndef POOLFS_VOLUME_SNAPSHOT_H
#define POOLFS_VOLUME_SNAPSHOT_H

#include "actions/engine/job.h"

/** The tree that the volume goes on from; NULL = none. */
const struct object *snapshot_current_tree(const struct view *view, const char *volume);
/** The snapshot that the volume's head stands on; NULL = none. */
const struct object *snapshot_latest(const struct view *view, const char *volume);
/** True when @snapshot is @ancestor or was taken after it, on top of it. */
bool snapshot_is_below(const struct view *view, const struct object *snapshot, const struct object *ancestor);
/** Snapshots from the root of the tree to this one, both counted; 0 for NULL. */
int snapshot_depth(const struct view *view, const struct object *snapshot);
/** The file of the image below the volume's chain; NULL = nothing is known to be there. Borrowed. */
const char *volume_base_path(const struct view *view, const struct object *volume);

/** Whether what the snapshot has frozen can be read: -EBUSY when it is not Ready, or Disabled
 * (volume/snapshot_single.c).
 */
int snapshot_check_readable(const struct object *snapshot, struct error *e);

/** For operations on a snapshot: the volume is its first queue, the volume's VM the second. */
op_queue_fn snapshot_queue_volume;
op_queue_fn snapshot_queue_vm;

/** What a new snapshot is. */
struct new_snapshot {
	const char *volume; /* uuid */
	const char *uuid;   /* its own */
	const char *name, *description;
	const char *account;
	const char *scheduler; /* that takes it, or NULL */
	const char *path;      /* that it will have; NULL = the volume's present file */
};
/**
 * Copies everything between the volume's head and @base (NULL: all that is below) into the head. A base that
 * is not below the head makes it stand alone.
 */
int volume_merge(struct job *job, const char *volume, const char *base, struct error *e);

#endif
