/* SPDX-License-Identifier: Apache-2.0 */
/* Value files: a field of an object, or a tag. Writing one requests the operation that sets the field. */
#ifndef POOLFS_FS_CLASS_VALUE_H
#define POOLFS_FS_CLASS_VALUE_H

#include "fs/tree/class.h"

extern const struct file_class class_value;

/* Columns of the node table. */
struct document *render_field(const struct place *p);
struct document *render_tag(const struct place *p);
mode_t permissions_value(const struct place *p);
mode_t permissions_of_tag(const struct place *p);

#endif
