/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sessions/stamp`: tells programs that keep answers of the `call` files whether
 * the pool has changed since.
 *
 * Its time of modification is a number that each state of the pool has for itself,
 * and an answer that depends on nothing else says of which state it is. The kernel
 * keeps the time, so asking with fstat(2) on an open descriptor costs no request to
 * us; before a new state can be seen, the kernel is told to forget it. Self-locking.
 */
#ifndef POOLFS_FS_TELL_STAMP_H
#define POOLFS_FS_TELL_STAMP_H

#include "fs/tree/place.h"

struct stamp;

/** Begins to tell the kernel. NULL when memory is short. */
struct stamp *stamp_new(struct store *store, struct fuse_session *session);
/** No more is told when this returns. Accepts NULL. */
void stamp_stop(struct stamp *stamp);
/** When the store is closed. Accepts NULL. */
void stamp_free(struct stamp *stamp);
struct document *render_stamp(const struct place *p);

#endif
