/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the kernel's requests and places: the node a request is about, and the
 * attributes that the kernel gets and for how long it may cache them.
 */
#ifndef POOLFS_FS_TREE_REPLY_H
#define POOLFS_FS_TREE_REPLY_H

#include "fs/tree/place.h"

/** The place of a request's node, in a view with a reference for the caller. 0 or a negative errno. */
int request_place(fuse_req_t req, fuse_ino_t ino, struct view **ret_view, struct place *ret);
/** The entry @name of the directory @parent, and the directory. As request_place(); the view is also
 * returned if only the name does not exist (-ENOENT). */
int request_entry(fuse_req_t req, fuse_ino_t parent, const char *name, struct view **ret_view,
		  struct place *ret_dir, struct place *ret);
/** The reply of a lookup or readdirplus for an entry, with its cache timeouts. */
int entry_fill(const struct place *p, struct fuse_entry_param *ret);
/** How long the kernel may cache the attributes of @p, seconds. */
double attr_timeout(const struct place *p);

#endif
