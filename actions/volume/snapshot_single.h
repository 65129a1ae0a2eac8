/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting one snapshot and keeping its descendants. The file says how. */
#ifndef POOLFS_VOLUME_SNAPSHOT_SINGLE_H
#define POOLFS_VOLUME_SNAPSHOT_SINGLE_H

#include "actions/engine/job.h"

/**
 * Deletes the snapshot that is the target of @job, and no other. Its volume must be reconciled. Success
 * when it is gone. On failure the snapshot is Ready again, but Disabled when its content is lost. -ENOSPC
 * (PS.1000) when its overlays may grow too much; errors of volume_locate() and of the host. Blocking.
 */
int snapshot_delete_single(struct job *job, struct error *e);

#endif
