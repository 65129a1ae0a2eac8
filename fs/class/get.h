/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Get files: the answer of a Get operation, which may need a worker or a host.
 * Files without parameters are listed, so they can always be read: an error is
 * returned as content.
 */
#ifndef POOLFS_FS_CLASS_GET_H
#define POOLFS_FS_CLASS_GET_H

#include "fs/tree/class.h"

extern const struct file_class class_get;
/** `name?parameters`. */
extern const struct file_class class_get_query;

mode_t permissions_get(const struct place *p);

#endif
