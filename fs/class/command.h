/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests out of files: what write(2), fsync(2) and rmdir(2) mean.
 *
 * A write that completes a request parks its fuse_req_t, hands the request to
 * the pool and is answered when the job is durable or refused: with the number
 * of bytes, or with the errno whose sentence then stands in `last-error`.
 */
#ifndef POOLFS_FS_CLASS_COMMAND_H
#define POOLFS_FS_CLASS_COMMAND_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

/** Answers a write to a value file, `actions` or `create`. */
void submit_write(const struct place *p, struct handle *h, fuse_req_t req, const char *data, size_t len,
		  off_t offset, int flags);
/** Told what became of a content: 0, or the negative errno whose sentence stands in `last-error`. */
typedef void content_taken_fn(void *arg, int result);
/**
 * Submits a whole content of a writable file at once, as a rename over it does. @taken is called exactly
 * once, when the job is durable or refused: perhaps before the return, perhaps later from the store's writer
 * thread.
 */
void submit_content(const struct place *p, const char *data, size_t len, content_taken_fn *taken, void *arg);
/** 0, or -EINVAL when a document written to @h is not complete (also noted in `last-error`). */
int submit_flush(const struct place *p, struct handle *h);
/** Answers fsync: waits for the jobs that were started through this file. */
void submit_fsync(const struct place *p, fuse_req_t req);
/** fsync of a file whose object is gone: waits for the request that was written through @h, which may have
 * done it. */
void submit_fsync_gone(const struct fs *fs, struct handle *h, fuse_req_t req);
/** Answers rmdir of the directory of an object in @parent: removes its row when it is Destroyed or Deleted
 * already. */
void submit_rmdir(const struct place *p, fuse_ino_t parent, fuse_req_t req);

#endif
