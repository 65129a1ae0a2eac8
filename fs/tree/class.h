/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File classes: what the files and directories of a row of the node table do
 * with the requests of the kernel. The row's `io` points to its class, which is
 * one file in class/; op/ finds the node and calls what stands here.
 *
 * Each function that takes a request answers it, at once or later from another
 * thread. What is NULL is refused or left to the default said beside it. What a
 * place borrows need not live longer than the call.
 */
#ifndef POOLFS_FS_TREE_CLASS_H
#define POOLFS_FS_TREE_CLASS_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

struct job_set;
struct request;

/** Told the content of a file, or why there is none. @d is handed over. */
typedef void content_fn(void *arg, int result, struct document *d, const struct error *e);
/** Told that a walk over a directory can begin, or why not (a negative errno). */
typedef void walk_fn(void *arg, int result);
/** Told what became of a content: 0, or the negative errno whose sentence stands in `last-error`. */
typedef void content_taken_fn(void *arg, int result);

struct file_class {
	/*
	 * Nodes whose row is no object's: 0 if there is one of this number, -ENOENT, -ESTALE. A node that is
	 * made of another sets *ret_base to that. NULL: the row is an object's.
	 */
	int (*is_here)(const struct fs *fs, struct node node, struct node *ret_base);
	/* Attributes that come neither from the row nor from the content. NULL: see place_stat(). */
	int (*stat)(const struct place *p, struct stat *ret);
	/* Makes a content that takes long; @done is called exactly once. NULL: the row's `render` is quick.
	 */
	void (*start)(const struct place *p, content_fn *done, void *arg);

	/* Requests on files. */
	void (*open)(fuse_req_t req, const struct place *p, struct fuse_file_info *fi);
	void (*read)(fuse_req_t req, struct handle *h, size_t size, off_t offset);
	void (*lseek)(fuse_req_t req, struct handle *h, off_t offset, int whence);
	void (*write)(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t size,
		      off_t offset, int flags);
	void (*fallocate)(fuse_req_t req, struct handle *h, int mode, off_t offset, off_t length);
	/* NULL: there is nothing to do, the answer is 0. */
	void (*flush)(fuse_req_t req, const struct place *p, struct handle *h);
	/* NULL as for flush. @h may be NULL. */
	void (*fsync)(fuse_req_t req, const struct place *p, struct handle *h);
	bool by_handle; /* fsync needs the handle only: @p may be NULL when the node is gone */
	/* NULL: what is so already may be set again. */
	void (*setattr)(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set);
	/* The handle is out of the table; answers nothing. NULL: nothing to give up. */
	void (*release)(const struct fs *fs, struct handle *h);

	/* Names that users give. `create`: in the directories that the row names in `in` and `here`. */
	void (*create)(fuse_req_t req, const struct place *dir, const char *name, mode_t mode,
		       struct fuse_file_info *fi);
	void (*link)(fuse_req_t req, const struct place *p, const struct place *dir, const char *name);
	void (*unlink)(fuse_req_t req, const struct place *dir, const char *name, const struct place *p);
	void (*rename)(fuse_req_t req, const struct place *dir, const char *name, const struct place *p,
		       fuse_ino_t to, const char *to_name, unsigned flags);
	/* Takes a whole content at once, as a rename over the file gives it; @taken is called exactly once.
	 */
	void (*replace)(const struct place *p, const char *data, size_t len, content_taken_fn *taken,
			void *arg);

	/* Directories. */
	void (*rmdir)(fuse_req_t req, const struct place *p, fuse_ino_t parent);
	/* Answers a lookup that takes long. NULL: the node table knows the entries. */
	void (*lookup)(fuse_req_t req, const struct place *dir, const char *name);
	/* Starts a walk over the directory from the beginning; @done is called exactly once. NULL: rewind. */
	void (*walk)(const struct place *dir, struct handle *h, walk_fn *done, void *arg);
	/* The same at once: sets what the handle's walk sees. -ENOMEM. */
	int (*rewind)(const struct fs *fs, struct handle *h);

	/* poll(2). A number that is another one when the content has changed. NULL: nobody is woken. */
	int64_t (*version)(const struct place *p);
	/* That of what the handle shows; NULL: the present one when it is opened. */
	int64_t (*seen)(const struct handle *h);
	bool grows; /* readable only while there is more than was read */

	/* Files that take requests, see class/command.h. */
	/* The request in a whole text; *ret_req NULL when there is nothing to ask for. */
	int (*request)(const struct place *p, const char *text, size_t len, struct request **ret_req,
		       struct error *e);
	/* Which jobs are started through the file; false: none ever. */
	bool (*jobs)(const struct place *p, struct job_set *ret);
	/* What was written last, where the file gives that back as it is. */
	struct document *(*written)(const struct place *p);
};

/** What the files of a handle's node do. */
static inline const struct file_class *handle_class(const struct fs *fs, const struct handle *h)
{
	return fs->nodes[h->node.class].io;
}

/**
 * Makes the content of any file; @done is called exactly once, perhaps before the return, perhaps later
 * from another thread. What the place borrows need not live longer than this call.
 */
void content_start(const struct place *p, content_fn *done, void *arg);

#endif
