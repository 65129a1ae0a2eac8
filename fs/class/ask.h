/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries over collections: who may ask what, and asking in the background.
 *
 * Never in the thread that receives the kernel's requests: users take turns
 * (actions/turns.h), and what takes longer than the setting search.timeLimit says,
 * waiting included, is cut off with ETIMEDOUT.
 */
#ifndef POOLFS_FS_CLASS_ASK_H
#define POOLFS_FS_CLASS_ASK_H

#include "fs/tree/place.h"
#include "model/query.h"

/* A query that waits for its turn; the first member of what a caller makes of it. */
struct ask {
	const struct fs *fs;
	struct view *view;   /* owned */
	struct query *query; /* owned */
	struct query_scope scope;
	char account[UUID_SIZE];      /* what `scope` borrows */
	void (*run)(struct ask *ask); /* in a worker */
};

/** Takes @query over, and a reference to the place's view. */
void ask_init(struct ask *ask, const struct place *p, struct query *query);
void ask_done(struct ask *ask);
/** Has @run called, perhaps before the return. -ENOMEM: it will not be. */
int ask_start(struct ask *ask, uid_t uid, void (*run)(struct ask *ask));
/** The answer as REST gives it; NULL with @e set. Takes long. */
struct document *ask_answer(const struct ask *ask, struct error *e);

/** Refuses a request of @uid with @result; the sentence goes to `last-error`. */
void ask_reply_error(const struct fs *fs, fuse_req_t req, uid_t uid, int result, const struct error *e);

#endif
