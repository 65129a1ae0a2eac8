/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding out how a snapshot ended that was being taken when a job failed, a host
 * went away or the daemon was killed: the host is asked, and the rows follow.
 * snapshot_create.c tells why both answers lose no data.
 */
#ifndef POOLFS_VOLUME_SNAPSHOT_RECONCILE_H
#define POOLFS_VOLUME_SNAPSHOT_RECONCILE_H

#include "actions/engine/job.h"

/**
 * Asks the host whether the file in the volume's nextPath has become its head. If so the snapshot that was
 * being taken is made Ready, else its row is removed. Before that, merges that may not be on the disk are settled
 * (merge.h). Success when there is nothing of both. -ENOTCONN when no host can be asked: nothing changes then. For the
 * job that has the volume. Blocking.
 */
int snapshot_reconcile(struct pool *pool, const char *volume, struct error *e);
/**
 * The same without a question, when the new head is known to be in use: it was created, and a running guest was
 * switched to it. Blocking.
 */
int snapshot_conclude(struct pool *pool, const char *volume, struct error *e);
/**
 * Finds out the heads of all volumes that no job works on, as far as hosts can be asked: when one is back. Merges stay
 * for the next job to settle, since one may begin at any moment. Blocking.
 */
void snapshots_reconcile_idle(struct pool *pool);
/** For recoveries: waits for the volume's hosts, reconciles it, removes the job's orphan files. Blocking. */
int snapshot_recover_volume(struct job *job, const char *volume, struct error *e);
/** Reconciles all volumes of a VM, as must be done before it starts. Blocking. */
int snapshot_reconcile_vm(struct pool *pool, const char *vm, struct error *e);
/**
 * Removes the row of a snapshot that could not be taken. Returns 0, or 1 when the guest uses the new head:
 * nothing is undone, and snapshot_reconcile() makes the snapshot Ready. -ENOENT when no snapshot was being
 * taken, another error when the host cannot be asked. Blocking.
 */
int snapshot_undo(struct pool *pool, const char *volume);

#endif
