/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and links; most of them is in the node table. */
#ifndef POOLFS_FS_CLASS_DIRECTORY_H
#define POOLFS_FS_CLASS_DIRECTORY_H

#include "fs/tree/class.h"

extern const struct file_class class_directory;
/** `by-name`, whose walks count the objects of each name. */
extern const struct file_class class_by_name;
extern const struct file_class class_link;

/** `rewind` of directories whose walks need only a view. */
int directory_rewind(const struct fs *fs, struct handle *h);

#endif
