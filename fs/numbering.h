/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the numbers in a node mean (fs/tree/node.h): those of classes, kinds, folders, fields, operations.
 *
 * The kernel, and the open files that are kept, name files by these numbers. Another version of the program may go on
 * with a mount only if each number means the same to it; it may have further ones.
 */
#ifndef POOLFS_FS_NUMBERING_H
#define POOLFS_FS_NUMBERING_H

#include <stdbool.h>

#include "model/error.h"

struct keep;

/** Keeps the numbering of this program, for the next. -ENOMEM, -ENOSPC. */
int numbering_keep(struct keep *keep, struct error *e);
/** -EPROTO: what is kept was written by a program with another numbering. */
int numbering_check(struct keep *keep, struct error *e);
/** Does each line of @former begin the same line of @present? Declared for tests. */
bool numbering_continues(const char *former, const char *present);

#endif
