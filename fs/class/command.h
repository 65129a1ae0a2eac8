/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that take requests: `actions` and `create`, and what they share with value
 * files and `spec`.
 *
 * What kernel and program do to a text is described in writing.h. The request in a
 * whole text goes to the pool, and the kernel's request is parked until the job is
 * durable or refused; a refusal is explained in `last-error`. The members `request`
 * and `jobs` of the file class say how a text is parsed and which jobs an fsync waits
 * for.
 */
#ifndef POOLFS_FS_CLASS_COMMAND_H
#define POOLFS_FS_CLASS_COMMAND_H

#include "actions/engine/request.h"
#include "fs/class/movable.h"
#include "fs/class/writing.h"
#include "fs/tree/class.h"

extern const struct file_class class_actions;
extern const struct file_class class_create;

/** Asks the pool for the request in @text, as `take` of a file class. */
void command_take(const struct place *p, struct handle *h, const struct text *text, struct answer answer);
/** Answers an fsync when the jobs that were started through this file have ended. */
void command_wait(const struct place *p, fuse_req_t req);
/** @taken is called when the job is durable or refused: before the return, or later from the store's writer
 * thread. */
void command_replace(const struct place *p, const char *data, size_t len, content_taken_fn *taken, void *arg);
bool command_resume(const struct fs *fs, const struct place *p, struct handle *h, struct answer answer);
#define COMMAND_FILE                                                                                         \
	.write = writing_write, .flush = writing_flush, .fsync = writing_fsync, .cut = writing_cut,          \
	.replace = command_replace, .take = command_take, .settle = command_wait, .revive = writing_revive,  \
	.resume = command_resume, .unlink = movable_unlink, .rename = movable_rename,                        \
	.recreate = movable_recreate

/* Columns of the node table. */
struct document *render_menu(const struct place *p);
struct document *render_create(const struct place *p);
/** With other users, every account may create what is not for administrators. */
mode_t permissions_create(const struct place *p);

#endif
