/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `data` of images, volumes and snapshots: their bytes, with holes. An export
 * shows those of its image, while that is Ready, to everybody who knows its name.
 *
 * `data` exists as soon as there are bytes, if this machine reaches them. While a guest
 * has a volume open, opening the file is EBUSY; a read through a descriptor from before
 * is ESTALE. The size is that of the row, so it is known without opening the file.
 * Threads of their own, which may wait for a disk, open, read, seek and close; the
 * request is parked meanwhile. The next process opens an open file again at its first
 * read or seek.
 */
#ifndef POOLFS_FS_CLASS_DATA_H
#define POOLFS_FS_CLASS_DATA_H

#include "fs/tree/class.h"

extern const struct file_class class_data;

/* Columns of the node table. */
bool data_here(const struct place *dir);
bool exports_find(const struct place *dir, const char *name, struct node *ret);

#endif
