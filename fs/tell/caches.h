/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the kernel which attributes it may no longer keep.
 *
 * The kernel keeps the attributes of objects, their values and inventories, of
 * collections and of `sessions/stamp`, so that stat(2), and fstat(2) on an open
 * descriptor, need no request. Before a new state of the pool becomes visible,
 * the kernel drops those that it changes: who has learnt of a change gets no
 * older size or time. An object that is gone loses its attributes too, whereupon
 * the kernel asks for its name again; so names need no notice of their own.
 *
 * With one exception: attributes that come with the name of an inode which the kernel does not know yet, while the pool
 * changes. It cannot drop what it gets a moment later, and has it for as long as fs/tree/reply.c says: fstat(2) of a file
 * that was being opened meanwhile may show the older size for a tick, stat(2) of a name that was being listed for a second.
 *
 * A process that goes on for another one begins with all that the kernel was ever given: nobody knows which of the last
 * changes it was told, and what changed since was told by nobody.
 *
 * Self-locking.
 */
#ifndef POOLFS_FS_TELL_CACHES_H
#define POOLFS_FS_TELL_CACHES_H

#include "fs/tree/place.h"

struct caches;

/** For caches_start(). NULL if out of memory. */
struct caches *caches_new(const struct fs *fs, struct fuse_session *session);
/** Tells the kernel from now on. Call it upon INIT, before any answer. */
void caches_start(struct caches *caches);
/** Has the kernel been told of all that @view shows? Then it was told of no later change either, if @view is the newest one. */
bool caches_have_told(const struct caches *caches, const struct view *view);
/** Has the kernel ask for the attributes of @node again. Does not block. */
void caches_drop(const struct caches *caches, struct node node);
/** The kernel is told nothing any more when this returns. Accepts NULL. */
void caches_stop(struct caches *caches);
/** Call after the store is closed. Accepts NULL. */
void caches_free(struct caches *caches);

#endif
