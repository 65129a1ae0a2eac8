/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of unfinished documents: what programs have begun to write on descriptors that are still open.
 *
 * One document is limited by itself; here the sum of all is, and that of each user, since every local user can
 * open `sessions/call` as often as the kernel allows. The first bytes of each descriptor do not count, so that a
 * user at the limit can still write requests of the usual size. Thread-safe.
 */
#ifndef POOLFS_FS_TREE_GATHERED_H
#define POOLFS_FS_TREE_GATHERED_H

#include <stddef.h>
#include <sys/types.h>

#include "model/error.h"

/* Bytes of all unfinished documents, and of those of one user. */
#define GATHERED_TOTAL	 (128 << 20)
#define GATHERED_OF_USER (32 << 20)
/* Bytes of one descriptor that do not count. */
#define GATHERED_FREE 4096

struct gathered;

/* NULL without memory. */
struct gathered *gathered_new(void);
/** Accepts NULL. */
void gathered_free(struct gathered *all);
/**
 * Checks whether a descriptor of the user may hold @bytes, where it holds @held now. -EDQUOT, -ENOSPC. Changes
 * nothing.
 */
int gathered_check(struct gathered *all, uid_t uid, size_t held, size_t bytes, struct error *e);
/** A descriptor of the user holds @bytes instead of @held. Without memory for the user, only the sum counts. */
void gathered_move(struct gathered *all, uid_t uid, size_t held, size_t bytes);

#endif
