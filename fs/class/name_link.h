/* SPDX-License-Identifier: Apache-2.0 */
/* The links in `by-name`. Renaming one gives the object the new name, as writing it to `name` does. */
#ifndef POOLFS_FS_CLASS_NAME_LINK_H
#define POOLFS_FS_CLASS_NAME_LINK_H

#include "fs/tree/class.h"

extern const struct file_class class_name_link;

#endif
