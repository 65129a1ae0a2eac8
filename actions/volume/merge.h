/* SPDX-License-Identifier: Apache-2.0 */
/* Copying the files below a volume's head into it. */
#ifndef POOLFS_VOLUME_MERGE_H
#define POOLFS_VOLUME_MERGE_H

#include "actions/engine/job.h"

/**
 * Copies all files between the volume's head and @base (NULL: all files below the head) into the head, whose
 * backing file is @base then. If @base is not below the head, the head gets no backing file. Reports progress
 * to @job. Errors of volume_locate() and of the host. Blocking.
 */
int volume_merge(struct job *job, const char *volume, const char *base, struct error *e);

#endif
