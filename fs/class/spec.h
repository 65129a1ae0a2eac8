/* SPDX-License-Identifier: Apache-2.0 */
/* The file `spec` of an object: its desired state (see actions/spec/spec.h). */
#ifndef POOLFS_FS_CLASS_SPEC_H
#define POOLFS_FS_CLASS_SPEC_H

#include "fs/tree/class.h"

extern const struct file_class class_spec;

/* Column of the node table. */
struct document *render_spec(const struct place *p);

#endif
