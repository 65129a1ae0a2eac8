/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `data` of images, volumes and snapshots: their bytes, with holes.
 *
 * It is there while it can be read: a volume's is not while a guest has it open. Its
 * size is that of the row, so it is known without opening it. Opening,
 * reading and seeking are done by workers of their own, which may wait for a
 * disk; the request is parked meanwhile.
 */
#ifndef POOLFS_FS_CLASS_DATA_H
#define POOLFS_FS_CLASS_DATA_H

#include "fs/tree/class.h"

extern const struct file_class class_data;

/* Column of the node table. */
bool data_here(const struct place *dir);

#endif
