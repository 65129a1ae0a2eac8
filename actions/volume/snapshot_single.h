/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting one snapshot alone. */
#ifndef POOLFS_VOLUME_SNAPSHOT_SINGLE_H
#define POOLFS_VOLUME_SNAPSHOT_SINGLE_H

#include "actions/engine/job.h"

/** DeleteVolumeSnapshot of one snapshot alone, whose volume is settled: volume/snapshot_single.c. */
int snapshot_delete_single(struct job *job, struct error *e);

#endif
