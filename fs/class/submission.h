/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that the pool is asked for, once.
 *
 * A process may be killed after the pool has accepted a request and before the
 * kernel has its answer. The next process is handed the same write(2) again
 * (fs/receive.h), and must neither do the request twice nor refuse it. So the uuid of
 * the job is chosen, and kept with the text, before the pool is asked: a job of this
 * uuid means that the request was accepted; without one it is asked again for the same.
 */
#ifndef POOLFS_FS_CLASS_SUBMISSION_H
#define POOLFS_FS_CLASS_SUBMISSION_H

#include "fs/tree/class.h"
#include "model/uuid.h"

/**
 * Chooses the uuid of the job for @text in @job, unless the request that this thread works on has one: then it is that.
 * Keeps both.
 */
void submission_keep(const struct fs *fs, const struct text *text, char job[UUID_SIZE]);
/** What the request has kept: the job, and its text (owned by the caller). False: nothing. */
bool submission_find(const struct fs *fs, char ret_job[UUID_SIZE], char **ret_text, size_t *ret_len);
/** True if the request is repeated, and the pool had accepted the text before. */
bool submission_is_done(const struct fs *fs, char ret_job[UUID_SIZE]);

#endif
