/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount option `inotify`: watchers of the tree with inotify(7) get IN_ATTRIB,
 * IN_CREATE and IN_DELETE also for changes that were not made through the mount.
 *
 * The kernel generates such events only for its own system calls. So a thread
 * repeats through the mount what has already happened: it sets the times of a file
 * that has changed, creates the directory that exists, and removes the one that
 * does not. These requests come back to this program; they are recognized by the
 * thread id, which the kernel puts into them, and by what the thread has just
 * announced, and are answered without doing anything (watchers_answer_*).
 *
 * This is done only for nodes that the kernel has in memory, as others cannot be
 * watched: they are opened by file handle, which fails for the others.
 *
 * - Bounded: at most WATCHERS_OBJECTS changed objects are recorded; beyond that
 *   only their kind is, and its collection gets an IN_ATTRIB. Many changes of a
 *   file in a short time are reported once.
 * - The thread holds no lock while it is inside the mount, and has its own table
 *   of descriptors, without /dev/fuse: if the program is killed, the mount ends,
 *   and with it whatever the thread waits for.
 * - It works through a private copy of the mount, so that it does not keep
 *   umount(8) from working; when the mount has left the namespace, the copy is
 *   closed too, and with it the file system.
 * - The kernel locks a file during a request on it, and fsync(2) waits for jobs. A
 *   change of a locked file is reported later.
 * - A process that goes on for another one begins with the nodes that the kernel was ever given (fs/tree/kept.h). What the
 *   other one had not reported yet, nobody knows: so all of them get an IN_ATTRIB, as do the collections.
 *
 * A directory inside an object that is watched while the kernel has dropped its
 * name for lack of memory is not reported (its files are). Self-locking.
 */
#ifndef POOLFS_FS_TELL_WATCHERS_H
#define POOLFS_FS_TELL_WATCHERS_H

#include "fs/tree/place.h"

#define WATCHERS_OBJECTS 16384

struct change;
struct watchers;

/** Call before the first change that is to be reported, and after kept_new(). NULL if out of memory. */
struct watchers *watchers_new(const struct fs *fs);
/** Starts the thread on the new mount, whose requests need not be served yet. */
int watchers_start(struct watchers *w, const char *mountpoint, struct error *e);
/** Tells the thread to end. Does not wait: its last request may never be answered. */
void watchers_stop(struct watchers *w);
/** Waits for the end of the thread; the connection to the kernel must be closed before. */
void watchers_join(struct watchers *w);
/** Call after both, and after the last change. Accepts NULL. */
void watchers_free(struct watchers *w);

/** Records the changes that produced @view. Called in the store's writer thread. */
void watchers_observe(struct watchers *w, struct view *view, const struct change *changes, size_t count);

/** The kernel learns of this node, so it may be watched from now on. Accepts NULL. */
void watchers_note(struct watchers *w, struct node node);

/*
 * Each of these answers the request and returns true if it is the announced one of the thread. Call them
 * before the request is handled otherwise.
 */
/** A lookup. */
bool watchers_answer_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
/** A creation: mkdir, mknod, symlink. */
bool watchers_answer_make(fuse_req_t req, fuse_ino_t parent, const char *name);
/** A removal: rmdir, unlink. */
bool watchers_answer_remove(fuse_req_t req, fuse_ino_t parent, const char *name);
/** The attributes of a deleted directory in which a name is removed. */
bool watchers_answer_gone(fuse_req_t req, fuse_ino_t ino);
/** Setting the times of a file. */
bool watchers_answer_times(fuse_req_t req, fuse_ino_t ino);

#endif
