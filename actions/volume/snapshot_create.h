/* SPDX-License-Identifier: Apache-2.0 */
/* Taking snapshots. */
#ifndef POOLFS_VOLUME_SNAPSHOT_CREATE_H
#define POOLFS_VOLUME_SNAPSHOT_CREATE_H

#include "actions/volume/snapshot.h"

/**
 * Clears up whether a volume's nextPath has become its head, by asking the host; writes it and ends the
 * snapshot that was under way. Success when there is nothing to clear up. -ENOTCONN when nobody can be asked:
 * then it stays as it is.
 */
int snapshot_reconcile(struct pool *pool, const char *volume, struct error *e);
/** The same for volumes that no job works on: when a host has come back. What still cannot be told stays. */
void snapshots_reconcile_idle(struct pool *pool);
/** For recoveries: waits for the volume's hosts, settles it, removes what the job still had. */
int snapshot_recover_volume(struct job *job, const char *volume, struct error *e);
/** As snapshot_reconcile(), for all volumes of a VM that is about to start. */
int snapshot_reconcile_vm(struct pool *pool, const char *vm, struct error *e);
/** Takes a snapshot of a Ready volume, attached or not. Leaves nothing on failure. */
int snapshot_take(struct job *job, const struct new_snapshot *spec, struct error *e);

#endif
