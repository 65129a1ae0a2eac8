/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a guide that describes each operation with its parameters. */
#ifndef POOLFS_FS_CLASS_GUIDE_OPERATIONS_H
#define POOLFS_FS_CLASS_GUIDE_OPERATIONS_H

#include "fs/class/guide.h"

/**
 * For each kind what creates its objects, their verbs and the Get files that take parameters, with every parameter,
 * the states of a VM that allow it, and the route of the REST interface.
 */
void guide_operations(struct guide *g);

#endif
