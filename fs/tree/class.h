/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File classes: how the files and directories of a row of the node table answer
 * the kernel's requests. The row's `io` points to its class, which is one file
 * in class/; op/ finds the node and calls the function here.
 *
 * Each function that takes a request answers it, at once or later from another
 * thread. If it is NULL, the request is refused, or the default noted beside it
 * applies. What a place borrows need not outlive the call.
 */
#ifndef POOLFS_FS_TREE_CLASS_H
#define POOLFS_FS_TREE_CLASS_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

struct job_set;
struct request;

/** Receives the content of a file (@d is handed over), or the error. */
typedef void content_fn(void *arg, int result, struct document *d, const struct error *e);
/** Receives the size of a file and the time of its last change, or a negative errno. */
typedef void measured_fn(void *arg, int result, int64_t size, int64_t changed);
/** Called when a walk over a directory can begin, or with a negative errno. */
typedef void walk_fn(void *arg, int result);
/** Receives the outcome of replacing a content: 0, or the negative errno explained in `last-error`. */
typedef void content_taken_fn(void *arg, int result);

/* Bytes, borrowed. */
struct text {
	const char *data;
	size_t len;
	struct request
		*made; /* the request that it is; NULL if it has not been made yet. `take` takes it over */
};

/* How much of a text there is. */
enum text_part {
	TEXT_PART,  /* a document that is not complete */
	TEXT_OPEN,  /* it may be all, but more may come */
	TEXT_WHOLE, /* certainly all, unless it is amended */
};

/* A request of the kernel that is answered when a text has been taken. */
struct answer {
	enum { ANSWER_WRITE, ANSWER_FLUSH, ANSWER_FSYNC } to;
	fuse_req_t req;
	size_t written; /* by the write */
};

struct file_class {
	/*
	 * Nodes whose row is not that of an object: 0 if the node exists, else -ENOENT or -ESTALE. A node
	 * that is derived from another sets *ret_base to that one. NULL: the row is that of an object.
	 */
	int (*is_here)(const struct fs *fs, struct node node, struct node *ret_base);
	/* May the caller use this file, whose row is not that of an object? -EACCES. NULL: see place_check(). */
	int (*check)(const struct place *p);
	/* Attributes, unless they follow from the row and the content (NULL). */
	int (*stat)(const struct place *p, struct stat *ret);
	/* The same of a file that is no document, when it takes long to find out; @done is called exactly once. */
	void (*measure)(const struct place *p, measured_fn *done, void *arg);
	/* Makes a content that takes long; @done is called exactly once. NULL: see `render` in the row. */
	void (*start)(const struct place *p, content_fn *done, void *arg);

	/* Requests on files. */
	void (*open)(fuse_req_t req, const struct place *p, struct fuse_file_info *fi);
	void (*read)(fuse_req_t req, struct handle *h, size_t size, off_t offset);
	void (*lseek)(fuse_req_t req, struct handle *h, off_t offset, int whence);
	void (*write)(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t size,
		      off_t offset, int flags);
	/*
	 * Could the kernel keep the content in its pages (paged.h)? Then it is the same for all readers, quickly rendered, and
	 * changes only with the object, and with the time of the file. NULL: no.
	 */
	bool (*is_paged)(const struct place *p);
	bool maps; /* the file can be written through a shared mapping, too */
	void (*fallocate)(fuse_req_t req, struct handle *h, int mode, off_t offset, off_t length);
	/* NULL: nothing to do, the answer is 0. */
	void (*flush)(fuse_req_t req, const struct place *p, struct handle *h);
	/* NULL as for flush. @h may be NULL. */
	void (*fsync)(fuse_req_t req, const struct place *p, struct handle *h);
	bool by_handle; /* fsync needs only the handle: @p is NULL if the node is gone */
	/* NULL: only the present values can be set. */
	void (*setattr)(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set);
	/* Truncates; @h: the open file, NULL by path. NULL: as if it were done. */
	int (*cut)(const struct place *p, struct handle *h, off_t size, struct error *e);
	/* Gives a handle of the process before this one its state again. NULL: it has none, or makes it when needed. */
	void (*revive)(const struct fs *fs, struct handle *h);
	/*
	 * Does what the end of the handle is to wait for. True: it replies later, and takes the handle out of the
	 * table then, so that another process repeats the request if this one is killed meanwhile. NULL: false.
	 */
	bool (*release_later)(fuse_req_t req, struct handle *h);
	/* Called after the handle has left the table; does not reply. NULL: nothing to release. */
	void (*release)(const struct fs *fs, struct handle *h);

	/* Names chosen by users. `create` works in the directories given by the `in` and `here` of the row.
	 */
	void (*create)(fuse_req_t req, const struct place *dir, const char *name, mode_t mode,
		       struct fuse_file_info *fi);
	/* In the same directories; NULL: no directories can be made there. */
	void (*mkdir)(fuse_req_t req, const struct place *dir, const char *name, mode_t mode);
	/* Opens a file that its user has moved aside, as if it were created. NULL: it cannot be moved. */
	void (*recreate)(fuse_req_t req, const struct place *p, struct fuse_file_info *fi);
	void (*link)(fuse_req_t req, const struct place *p, const struct place *dir, const char *name);
	void (*unlink)(fuse_req_t req, const struct place *dir, const char *name, const struct place *p);
	void (*rename)(fuse_req_t req, const struct place *dir, const char *name, const struct place *p,
		       fuse_ino_t to, const char *to_name, unsigned flags);
	/*
	 * Of a rename that is repeated, and that the pool has accepted: does what else belongs to it. Does not reply. NULL:
	 * there is nothing else.
	 */
	void (*renamed)(fuse_req_t req, const struct place *dir, const char *name, fuse_ino_t to,
			const char *to_name);
	/* Replaces the content at once, for a rename; @taken is called exactly once. */
	void (*replace)(const struct place *p, const char *data, size_t len, content_taken_fn *taken,
			void *arg);

	/* Directories. */
	/* NULL: the directory is fixed. */
	void (*rmdir)(fuse_req_t req, const struct place *dir, const char *name, const struct place *p);
	/* Answers a lookup that takes long. NULL: see the node table. */
	void (*lookup)(fuse_req_t req, const struct place *dir, const char *name);
	/* Prepares a walk over the directory from its start; @done is called exactly once. NULL: see
	 * `rewind`. */
	void (*walk)(const struct place *dir, struct handle *h, walk_fn *done, void *arg);
	/* The same, done at once. -ENOMEM. */
	int (*rewind)(const struct fs *fs, struct handle *h);

	/* poll(2): a number that differs after each change of the content. NULL: poll never wakes. */
	int64_t (*version)(const struct place *p);
	/* The number of the content that the handle shows; NULL: the one at its open. */
	int64_t (*seen)(const struct handle *h);
	bool grows; /* readable only while there is something new to read */

	/* Files that take texts in pieces, see class/writing.h. */
	/* How much of a text there is, or the error if it cannot become a valid one. */
	int (*part)(const struct place *p, const struct gather *g, struct error *e);
	/* Could a text that `request` refuses become valid by further pieces? NULL: no. */
	bool (*may_grow)(const struct place *p, const char *text, size_t len);
	/* Takes a text; answers the request of the kernel. */
	void (*take)(const struct place *p, struct handle *h, const struct text *text, struct answer answer);
	/*
	 * Of a request that is repeated, since a process was killed before it had answered: true if the text that it gave
	 * to the pool was taken, or is given again. @p: NULL if the node is gone.
	 */
	bool (*resume)(const struct fs *fs, const struct place *p, struct handle *h, struct answer answer);
	/* Answers an fsync when the jobs that were started through the file have ended. */
	void (*settle)(const struct place *p, fuse_req_t req);
	bool amends; /* all pieces of an open form one text; else each whole one is a request of its own */

	/* Files that take requests, see class/command.h. */
	/* Parses a whole text into a request; *ret_req is NULL if nothing has to be done. */
	int (*request)(const struct place *p, const char *text, size_t len, struct request **ret_req,
		       struct error *e);
	/* The jobs that are started through the file; false: none. */
	bool (*jobs)(const struct place *p, struct job_set *ret);
};

/** The file class of a handle. */
static inline const struct file_class *handle_class(const struct fs *fs, const struct handle *h)
{
	return fs->nodes[h->node.class].io;
}

/**
 * Makes the content of any file. @done is called exactly once, before the return or later from another
 * thread. What the place borrows need not outlive the call.
 */
void content_start(const struct place *p, content_fn *done, void *arg);

#endif
