/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes in a volume's row, kept equal to those of its file. */
#ifndef POOLFS_VOLUME_SIZE_H
#define POOLFS_VOLUME_SIZE_H

#include "actions/engine/job.h"

/**
 * Writes the sizes of the volume's file into its row, and updates the capacity of its storage. Does nothing
 * for a volume that is not Ready. -ENOTCONN (PS.1003) when no host can be asked. Blocking.
 */
int volume_sync_size(struct job *job, const char *uuid, struct error *e);

#endif
