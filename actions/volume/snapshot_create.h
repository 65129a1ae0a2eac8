/* SPDX-License-Identifier: Apache-2.0 */
/* Taking snapshots. The file says how, and what a kill leaves. */
#ifndef POOLFS_VOLUME_SNAPSHOT_CREATE_H
#define POOLFS_VOLUME_SNAPSHOT_CREATE_H

#include "actions/volume/snapshot.h"

/**
 * Takes a snapshot of a Ready volume, attached or not. Rolls back on failure, unless the host cannot be asked
 * what it did: then the snapshot stays Creating for snapshot_reconcile(). Errors of snapshot_check_take(), of
 * volume_locate() and of the host. Blocking.
 */
int snapshot_take(struct job *job, const struct new_snapshot *new, struct error *e);

#endif
