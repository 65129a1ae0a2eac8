/* SPDX-License-Identifier: Apache-2.0 */
/* The node table: what there is in the tree. See tree/place.h for how to add a file. */
#ifndef POOLFS_FS_TABLE_H
#define POOLFS_FS_TABLE_H

#include "fs/tree/place.h"

/** A row for each class of nodes. */
extern const struct node_entry node_table[NODE_CLASS_COUNT];

#endif
