/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the kernel's requests and places: the node a request is about, and the
 * attributes that the kernel gets and for how long it may cache them.
 */
#ifndef POOLFS_FS_TREE_REPLY_H
#define POOLFS_FS_TREE_REPLY_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

/**
 * The place of a request's node, in a view with a reference for the caller, whether or not the user may use it: the
 * one who opened @h, or (NULL) who makes the request. 0 or a negative errno.
 */
int request_find(fuse_req_t req, fuse_ino_t ino, const struct handle *h, struct view **ret_view,
		 struct place *ret);
/** The same for who makes the request; -EACCES if they may not use it. */
int request_place(fuse_req_t req, fuse_ino_t ino, struct view **ret_view, struct place *ret);
/**
 * The same for the user who opened @h. Requests on a descriptor are made as that user, whoever holds it now, so that
 * no privileged program can be made to write its output as a request of its own.
 */
int request_open_place(fuse_req_t req, fuse_ino_t ino, const struct handle *h, struct view **ret_view,
		       struct place *ret);
/** The entry @name of the directory @parent, and the directory. As request_place(); the view is also
 * returned if only the name does not exist (-ENOENT) or may not be used (-EACCES). */
int request_entry(fuse_req_t req, fuse_ino_t parent, const char *name, struct view **ret_view,
		  struct place *ret_dir, struct place *ret);
/** The reply of a lookup or readdirplus for an entry, with its cache timeouts. */
int entry_fill(const struct place *p, struct fuse_entry_param *ret);
/**
 * Answers @req with the present attributes of @node, whether or not the user may still use it. Those of slow files are
 * without their size; the kernel does not cache them.
 */
void reply_attributes(fuse_req_t req, struct node node);
/**
 * The same for an entry of a listing, which may be older than the pool is now. -EAGAIN: it is, and readers of the file would see
 * another size than that of their content.
 */
int entry_fill_listed(const struct place *p, struct fuse_entry_param *ret);
/** How long the kernel may cache the attributes of @p, seconds. */
double attr_timeout(const struct place *p);

#endif
