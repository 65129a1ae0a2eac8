/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: trees of frozen files (behaviour.md 3.5).
 *
 * A volume stands on one file, its head (installPath). A snapshot freezes the
 * head: the file becomes the snapshot's, and the volume goes on with an empty
 * overlay of it. So the head's backing file is that of the snapshot that is
 * `latest` in the tree that is `current`; without such a tree it is the image
 * below the volume, or nothing. Frozen files never change.
 *
 * While a job makes a guest change over to a new head, nobody but the host knows
 * which of the two files is the volume's. Before that the file is named in the
 * volume's nextPath; snapshot_settle() clears that up, whoever comes first: the
 * job, its recovery, the next job of the volume, the next start of its VM.
 */
#ifndef POOLFS_SNAPSHOT_H
#define POOLFS_SNAPSHOT_H

#include "job.h"

/** Writes loose rows for the files of all snapshots of a volume and removes its snapshots and trees. */
int snapshots_loosen_all(struct txn *t, const char *volume, struct error *e);

#endif
