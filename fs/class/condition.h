/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `where` and the directories of conditions below it (see tree/where.h). What
 * they hold is found by queries, so lookups and listings are answered by
 * workers.
 */
#ifndef POOLFS_FS_CLASS_CONDITION_H
#define POOLFS_FS_CLASS_CONDITION_H

#include "fs/tree/class.h"

/** `where` itself. */
extern const struct file_class class_where;
/** A directory of conditions. */
extern const struct file_class class_condition;

#endif
