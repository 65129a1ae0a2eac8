/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that the pool is asked for, once.
 *
 * A process may be killed after the pool has accepted a request and before the
 * kernel has its answer. The next process is handed the same write(2) again
 * (fs/receive.h), and must neither do the request twice nor refuse it. So the uuid of
 * the job is chosen, and kept with the text, before the pool is asked: a job of this
 * uuid means that the request was accepted; without one it is asked again for the same.
 * An accepted one may have changed what its request is about (a name, an object that
 * is gone), so submission_is_done() comes before anything is looked up.
 */
#ifndef POOLFS_FS_CLASS_SUBMISSION_H
#define POOLFS_FS_CLASS_SUBMISSION_H

#include "fs/tree/class.h"
#include "model/uuid.h"

/**
 * Keeps @job, the uuid of the job for @text, and the text, unless the request that this thread works on has a job: then
 * @job becomes that. -ENOSPC, -ENOMEM: neither is kept, so the pool must not be asked.
 */
int submission_keep(const struct fs *fs, const struct text *text, char job[UUID_SIZE], struct error *e);
/**
 * 1: what the request has kept: the job, and, unless @ret_text is NULL, its text (owned by the caller). 0: nothing.
 * -EIO: the job alone, since there was no room for the text: if the pool has no such job, it was not asked.
 */
int submission_find(const struct fs *fs, char ret_job[UUID_SIZE], char **ret_text, size_t *ret_len,
		    struct error *e);
/** True if the request is repeated, and the pool had accepted the text before. */
bool submission_is_done(const struct fs *fs, char ret_job[UUID_SIZE]);

#endif
