/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `where` and the directories of conditions below it (see tree/where.h). Their
 * entries are the results of queries, so workers answer lookups and listings.
 */
#ifndef POOLFS_FS_CLASS_CONDITION_H
#define POOLFS_FS_CLASS_CONDITION_H

#include "fs/tree/class.h"

/** `where` itself. */
extern const struct file_class class_where;
/** A directory of conditions. */
extern const struct file_class class_condition;

#endif
