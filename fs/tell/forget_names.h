/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the kernel forget names, which it looks up again then. That is how the name of a file comes to lead to another inode
 * of it (fs/tree/paged.h).
 *
 * The kernel takes the lock of the directory for that, so it waits for lookups and changes there, which cannot be
 * interrupted. A thread does it that shares no descriptor with the others: if the process is killed meanwhile, the
 * supervisor sees the end of the link, and the next process answers what the thread waits for.
 *
 * Self-locking.
 */
#ifndef POOLFS_FS_TELL_FORGET_NAMES_H
#define POOLFS_FS_TELL_FORGET_NAMES_H

#include "fs/tree/place.h"

struct forget_names;

/** NULL if out of memory. */
struct forget_names *forget_names_new(const struct fs *fs);
/** Starts the thread, which forgets for fs->paged. @device: /dev/fuse. -errno: files are not read through pages. */
int forget_names_start(struct forget_names *names, int device);
/** Nothing is forgotten any more, and the thread closes /dev/fuse. Does not wait: it may wait for requests. Accepts NULL. */
void forget_names_stop(struct forget_names *names);
/** Has it closed /dev/fuse? As long as it has not, requests have to be answered, and the mount does not end. */
bool forget_names_has_ended(struct forget_names *names);
/** Waits for the end of the thread. Accepts NULL. */
void forget_names_join(struct forget_names *names);
/** Accepts NULL. */
void forget_names_free(struct forget_names *names);

#endif
