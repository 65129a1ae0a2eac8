/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sessions/stamp`: tells programs that cache answers of the `call` files whether
 * the pool has changed since.
 *
 * Its modification time is a number unique to each state of the pool; an answer
 * that depends on nothing else carries the number of its state. The kernel caches
 * the attributes, so fstat(2) on an open descriptor costs no request; before a new
 * state becomes visible, that cache is invalidated. Self-locking.
 */
#ifndef POOLFS_FS_TELL_STAMP_H
#define POOLFS_FS_TELL_STAMP_H

#include "fs/tree/place.h"

struct stamp;

/** Starts to notify the kernel. NULL if out of memory. */
struct stamp *stamp_new(struct store *store, struct fuse_session *session);
/** The kernel is not notified any more when this returns. Accepts NULL. */
void stamp_stop(struct stamp *stamp);
/** Call after the store is closed. Accepts NULL. */
void stamp_free(struct stamp *stamp);
struct document *render_stamp(const struct place *p);

#endif
