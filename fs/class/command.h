/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that take requests: what write(2), fsync(2) and rmdir(2) mean.
 *
 * A write that completes a request parks its fuse_req_t, hands the request to
 * the pool and is answered when the job is durable or refused: with the number
 * of bytes, or with the errno whose sentence then stands in `last-error`. Which
 * request a text is, and which jobs an fsync waits for, say the members
 * `request` and `jobs` of the file's class.
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
/** -EINVAL when a document written to @h is not complete (also noted in `last-error`). */
void command_flush(fuse_req_t req, const struct place *p, struct handle *h);
/** Waits for the jobs that were started through this file. */
void command_fsync(fuse_req_t req, const struct place *p, struct handle *h);
/** @taken is called when the job is durable or refused: perhaps before the return, perhaps later from the
 * store's writer thread. */
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
/** As command_write(), for texts that mean something else: gathers a document and gives it to @whole. */
void command_write_pieces(fuse_req_t req, const struct place *p, struct handle *h, const char *data,
			  size_t len, off_t offset, int flags, command_text_fn *whole);
/** Notes where a write ends; false, and it is answered, when it would leave a hole in a request. */
bool command_begin_write(fuse_req_t req, const struct place *p, struct handle *h, size_t len, off_t offset,
			 int flags);

/** Answers rmdir of the directory of an object in @parent: removes its row when it is Destroyed or Deleted
 * already. */
void command_rmdir(fuse_req_t req, const struct place *p, fuse_ino_t parent);

/** Who asks for what is written to @p. */
static inline struct actor place_actor(const struct place *p)
{
	return (struct actor){.uid = p->uid, .source = "fs"};
}

/* Columns of the node table. */
struct document *render_menu(const struct place *p);
struct document *render_create(const struct place *p);

#endif
