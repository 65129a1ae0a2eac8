/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on scratch files (see scratches.h). Renaming one over a fixed name
 * submits its content, and removes it once the pool has accepted that.
 */
#ifndef POOLFS_FS_CLASS_SCRATCH_H
#define POOLFS_FS_CLASS_SCRATCH_H

#include "fs/tree/class.h"

extern const struct file_class class_scratch;
extern const struct file_class class_scratch_directory;

#endif
