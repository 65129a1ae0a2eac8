/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that take requests: what write(2), fsync(2) and rmdir(2) mean.
 *
 * A write that completes a request is parked: the request goes to the pool, and
 * the write is answered when the job is durable or refused, with the number of
 * bytes, or with an errno that is explained in `last-error`. The members
 * `request` and `jobs` of the file class say how a text is parsed and which jobs
 * an fsync waits for.
 */
#ifndef POOLFS_FS_CLASS_COMMAND_H
#define POOLFS_FS_CLASS_COMMAND_H

#include "actions/engine/request.h"
#include "fs/class/document.h"

extern const struct file_class class_actions;
extern const struct file_class class_create;

/* For other files that take requests. */
void command_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data, size_t len,
		   off_t offset, int flags);
/** -EINVAL, explained in `last-error`, if a document written to @h is not complete. */
void command_flush(fuse_req_t req, const struct place *p, struct handle *h);
/** Waits for the jobs that were started through this file. */
void command_fsync(fuse_req_t req, const struct place *p, struct handle *h);
/** @taken is called when the job is durable or refused: before the return, or later from the store's writer
 * thread. */
void command_replace(const struct place *p, const char *data, size_t len, content_taken_fn *taken, void *arg);
#define COMMAND_FILE                                                                                         \
	DOCUMENT_FILE, .write = command_write, .flush = command_flush, .fsync = command_fsync,               \
		       .replace = command_replace

/** Answers the write of the last @len bytes of a whole text. */
typedef void command_text_fn(const struct place *p, struct handle *h, fuse_req_t req, const char *text,
			     size_t text_len, size_t len);
/** Submits the request in the text. */
void command_submit_text(const struct place *p, struct handle *h, fuse_req_t req, const char *text,
			 size_t text_len, size_t len);
/** As command_write(), for texts that are no requests: passes each complete document to @whole. */
void command_write_pieces(fuse_req_t req, const struct place *p, struct handle *h, const char *data,
			  size_t len, off_t offset, int flags, command_text_fn *whole);
/** Checks the offset of a write. False if it would leave a hole in a request; it has been refused then. */
bool command_begin_write(fuse_req_t req, const struct place *p, struct handle *h, size_t len, off_t offset,
			 int flags);

/** Answers rmdir of the directory of an object in @parent: removes its row if it is Destroyed or Deleted. */
void command_rmdir(fuse_req_t req, const struct place *p, fuse_ino_t parent);

/** The actor of a request written to @p. */
static inline struct actor place_actor(const struct place *p)
{
	return (struct actor){.uid = p->uid, .source = "fs"};
}

/* Columns of the node table. */
struct document *render_menu(const struct place *p);
struct document *render_create(const struct place *p);

#endif
