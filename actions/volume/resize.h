/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes of a volume, as its file has them. */
#ifndef POOLFS_VOLUME_RESIZE_H
#define POOLFS_VOLUME_RESIZE_H

#include "actions/engine/job.h"

/** Writes what the volume's file says of its sizes, and the storage's promises. Nothing for one without a
 * file. Blocking. */
int volume_sync_size(struct job *job, const char *uuid, struct error *e);

#endif
