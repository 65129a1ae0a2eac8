/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `data` of images, volumes and snapshots: their bytes, with holes. An export shows those of its image to
 * everybody who knows its name.
 *
 * It exists as soon as there are bytes, if this machine reaches them. While a guest
 * has a volume open, opening the file is EBUSY. The size is that of the row, so it is known without opening the file. Dedicated
 * workers, which may wait for a disk, open, read and seek; the request is parked
 * meanwhile.
 */
#ifndef POOLFS_FS_CLASS_DATA_H
#define POOLFS_FS_CLASS_DATA_H

#include "fs/tree/class.h"

extern const struct file_class class_data;

/* Column of the node table. */
bool data_here(const struct place *dir);
bool exports_find(const struct place *dir, const char *name, struct node *ret);

#endif
