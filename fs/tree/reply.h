/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the kernel's requests and places: what a request is about, and what
 * the kernel is told of a node and may keep.
 */
#ifndef POOLFS_FS_TREE_REPLY_H
#define POOLFS_FS_TREE_REPLY_H

#include "fs/tree/place.h"

/** The place of a request's node, in a view with a reference for the caller. 0 or a negative errno. */
int request_place(fuse_req_t req, fuse_ino_t ino, struct view **ret_view, struct place *ret);
/** The entry @name of the directory @parent, and the directory. As request_place(); the view is there for
 * -ENOENT of the name, too. */
int request_entry(fuse_req_t req, fuse_ino_t parent, const char *name, struct view **ret_view,
		  struct place *ret_dir, struct place *ret);
/** What a lookup or readdirplus tells of an entry, with the times the kernel may keep it for. */
int entry_fill(const struct place *p, struct fuse_entry_param *ret);
/** Seconds for which the kernel may keep the attributes of @p. */
double attr_timeout(const struct place *p);

#endif
