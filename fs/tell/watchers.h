/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount option `inotify`: who watches the tree with inotify(7) gets the
 * kernel's own IN_ATTRIB, IN_CREATE and IN_DELETE for changes that were not made
 * through the mount.
 *
 * The kernel makes such events only for what goes through it. So a thread of
 * ours goes through the mount and does there what has happened already: it sets
 * the times of a file that has changed, makes the directory that is there, and
 * removes the one that is not. These requests come back to us; they are known by
 * the thread's own id, which the kernel puts into them, and by what the thread
 * has just announced, and are answered without doing anything (the door below).
 *
 * What costs time is done only for what the kernel knows: a file is asked for by
 * its handle, and one that the kernel has not in memory nobody can be watching.
 *
 * - Bounded: a change is remembered as "this object", not more than
 *   WATCHERS_OBJECTS of them; beyond that only the kind is, and its collection
 *   gets an IN_ATTRIB. Many changes of a file in short time are one.
 * - The thread holds no lock while it is inside the mount, and has a table of
 *   descriptors of its own, without /dev/fuse: when the program is killed, the
 *   mount ends, and with it whatever the thread waits for.
 * - It works through a private copy of the mount, so that umount(8) finds nothing
 *   of ours in its way; when the mount has left the namespace the copy goes too,
 *   and with it the file system.
 *
 * - The kernel locks a file for the time of a request on it, and fsync(2) and rmdir(2)
 *   wait for jobs. What would have to wait for such a one is told of later.
 *
 * A directory inside an object that is watched while the kernel has dropped its
 * name for want of memory is not told of (its files are). Self-locking.
 */
#ifndef POOLFS_FS_TELL_WATCHERS_H
#define POOLFS_FS_TELL_WATCHERS_H

#include "fs/tree/place.h"

#define WATCHERS_OBJECTS 16384

struct change;
struct watchers;

/** To be made before the first change that is to be told of. NULL without memory. */
struct watchers *watchers_new(const struct fs *fs);
/** Starts the thread on the new mount, whose requests need not be answered yet. */
int watchers_start(struct watchers *w, const char *mountpoint, struct error *e);
/** From now on the thread only ends. Does not wait: its last request may be one that nobody answers. */
void watchers_stop(struct watchers *w);
/** Waits for the thread's end; the connection to the kernel must be closed by now. */
void watchers_join(struct watchers *w);
/** After both, and after the last change. Accepts NULL. */
void watchers_free(struct watchers *w);

/** These were changed, and made @view. In the store's writer thread. */
void watchers_observe(struct watchers *w, struct view *view, const struct change *changes, size_t count);

/** The kernel is told of this node, so that it may be watched. Accepts NULL. */
void watchers_note(struct watchers *w, struct node node);
/** A user's rmdir of the object's directory begins; if it succeeds, it is the kernel that tells of it.
 * Accepts NULL, as the next. */
void watchers_rmdir_begins(struct watchers *w, struct node object);
/** It has become this job; NULL: it was refused. */
void watchers_rmdir_goes_on(struct watchers *w, struct node object, const char *job);

/*
 * The door: each answers the request and returns true when it is the thread's own announced one. They come
 * before the usual answers.
 */
/** Of a name: lookup. */
bool watchers_answer_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
/** Of a name that is made: mkdir, mknod, symlink. */
bool watchers_answer_make(fuse_req_t req, fuse_ino_t parent, const char *name);
/** Of a name that is removed: rmdir, unlink. */
bool watchers_answer_remove(fuse_req_t req, fuse_ino_t parent, const char *name);
/** Of the attributes of a directory that is no more, in which a name is removed. */
bool watchers_answer_gone(fuse_req_t req, fuse_ino_t ino);
/** Of a file whose times are set. */
bool watchers_answer_times(fuse_req_t req, fuse_ino_t ino);

#endif
