/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of the kernel on scratch files. Renaming one over a fixed name
 * submits its content, and takes it away once the pool has accepted it.
 */
#ifndef POOLFS_FS_CLASS_SCRATCH_H
#define POOLFS_FS_CLASS_SCRATCH_H

#include "fs/tree/class.h"

extern const struct file_class class_scratch;

#endif
