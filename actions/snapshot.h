/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: trees of frozen files (behaviour.md 3.5).
 *
 * A volume stands on one file, its head (installPath). A snapshot freezes the
 * head: the file becomes the snapshot's, and the volume goes on with an empty
 * overlay of it. (Where the storage keeps snapshots itself, Ceph, the head stays
 * what it is, and a snapshot of it has the path <head>@<uuid>: snapshot_storage.c.)
 * So the head's backing file is that of the snapshot that is
 * `latest`, in the tree that is `current`; without such a tree it is the image
 * below the volume, or nothing. What is read from a frozen file never changes; the
 * file itself does when the snapshot below it is deleted alone (snapshot_single.c).
 *
 * While a job makes a guest change over to a new head, nobody but the host knows
 * which of the two files is the volume's. Before that the file is named in the
 * volume's nextPath; snapshot_settle() clears that up, whoever comes first: the
 * job, its recovery, the next job of the volume, the next start of its VM.
 */
#ifndef POOLFS_SNAPSHOT_H
#define POOLFS_SNAPSHOT_H

#include "actions/job.h"

/* ---- trees, snapshot.c; all of these only look */

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
 * (snapshot_single.c).
 */
int snapshot_check_readable(const struct object *snapshot, struct error *e);

/** Does the volume's storage keep its snapshots itself? */
bool snapshots_are_kept_by_storage(const struct view *view, const struct object *volume);
/** The snapshot of the volume that is being taken; NULL = none. */
const struct object *snapshot_creating(const struct view *view, const char *volume);

/** For operations on a snapshot: the volume is its first queue, the volume's VM the second. */
op_queue_fn snapshot_queue_volume;
op_queue_fn snapshot_queue_vm;

/** What a new snapshot is. */
struct snapshot_spec {
	const char *volume; /* uuid */
	const char *uuid;   /* its own */
	const char *name, *description;
	const char *account;
	const char *scheduler; /* that takes it, or NULL */
	const char *path;      /* that it will have; NULL = the volume's present file */
};

/* ---- parts of changes */

/** Writes a tree of the volume that is not the current one and has no snapshot yet. */
int snapshot_put_tree(struct txn *t, const char *volume, char ret_uuid[UUID_SIZE], struct error *e);
/**
 * Writes the row of a snapshot as Creating, on top of the latest one; if there is none, or @alone, in a new
 * tree.
 */
int snapshot_put_creating(struct txn *t, const struct snapshot_spec *spec, const struct object *volume,
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
int snapshots_loosen_all(struct txn *t, const char *volume, struct error *e);

/* ---- work on hosts; blocking */

/**
 * Clears up whether a volume's nextPath has become its head, by asking the host; writes it and ends the
 * snapshot that was under way. Success when there is nothing to clear up. -ENOTCONN when nobody can be asked:
 * then it stays as it is.
 */
int snapshot_settle(struct pool *pool, const char *volume, struct error *e);
/** The same for volumes that no job works on: when a host has come back. What still cannot be told stays. */
void snapshots_settle_idle(struct pool *pool);
/** For recoveries: waits for the volume's hosts, settles it, removes what the job still had. */
int snapshot_recover_volume(struct job *job, const char *volume, struct error *e);
/** As snapshot_settle(), for all volumes of a VM that is about to start. */
int snapshot_settle_vm(struct pool *pool, const char *vm, struct error *e);

/** snapshot_take() and snapshot_settle() where the storage keeps snapshots itself: snapshot_storage.c. */
int snapshot_take_on_storage(struct job *job, const struct snapshot_spec *spec, struct error *e);
int snapshot_settle_on_storage(struct pool *pool, const struct view *view, const struct object *volume,
			       struct error *e);
/** Takes a snapshot of a Ready volume, attached or not. Leaves nothing on failure. */
int snapshot_take(struct job *job, const struct snapshot_spec *spec, struct error *e);
/**
 * Writes a Ready snapshot whose file, of @size bytes on the storage, is the volume's present head, and
 * promises them: PS.1000. The volume stands on none of its snapshots then: the caller gives it another head
 * in the same change. For change functions.
 */
int snapshot_put_frozen(struct txn *t, const struct snapshot_spec *spec, int64_t size, struct error *e);
/** Whether one can be taken now. Only looks. */
int snapshot_check_take(const struct view *view, const struct object *volume, struct error *e);
/** DeleteVolumeSnapshot of one snapshot alone, whose volume is settled: snapshot_single.c. */
int snapshot_delete_single(struct job *job, struct error *e);
/**
 * Copies everything between the volume's head and @base (NULL: all that is below) into the head. A base that
 * is not below the head makes it stand alone.
 */
int volume_merge(struct job *job, const char *volume, const char *base, struct error *e);

#endif
