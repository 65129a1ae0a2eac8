/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and links, which the node table says nearly everything of. */
#ifndef POOLFS_FS_CLASS_DIRECTORY_H
#define POOLFS_FS_CLASS_DIRECTORY_H

#include "fs/tree/class.h"

extern const struct file_class class_directory;
/** `by-name`, whose walks count how many of a name have gone by. */
extern const struct file_class class_by_name;
/** The directory of an object: rmdir removes what is Destroyed or Deleted. */
extern const struct file_class class_object;
extern const struct file_class class_link;

#endif
