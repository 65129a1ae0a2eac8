/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writable files that a tool has removed, or renamed to a backup, in order to create
 * them anew: install, tar, cp --backup, sed -i.bak and many more replace files so.
 *
 * The value stays until the new one comes. Meanwhile the name is missing for the
 * user who has moved the file: a lookup does not find it, and creating it opens the
 * file for writing. After ASIDE_S seconds without that it is there again, so that
 * removing a file harms nothing. Self-locking.
 */
#ifndef POOLFS_FS_TREE_ASIDE_H
#define POOLFS_FS_TREE_ASIDE_H

#include <sys/types.h>

#include "fs/tree/node.h"

#define ASIDE_S 5

struct aside;
struct keep;

/** With what the process before this one has left in @keep, which may be NULL. */
struct aside *aside_new(struct keep *keep);
/** Accepts NULL. */
void aside_free(struct aside *a);

/** The file is missing for @uid from now on. If too many are, the one that was moved first is there again. */
void aside_begin(struct aside *a, struct node file, uid_t uid);
/** True while the file is missing for @uid. */
bool aside_is(struct aside *a, struct node file, uid_t uid);
/** The file has been created anew, if it was missing. */
void aside_end(struct aside *a, struct node file, uid_t uid);
/** True for ASIDE_S seconds after that: the user may try to give it the mode that a new file would have. */
bool aside_was(struct aside *a, struct node file, uid_t uid);

#endif
