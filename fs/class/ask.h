/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries over collections, run by workers and never in the thread that receives
 * the kernel's requests. Users take turns (actions/engine/turns.h), and a query
 * that takes longer than the setting search.timeLimit, waiting included, fails
 * with ETIMEDOUT.
 */
#ifndef POOLFS_FS_CLASS_ASK_H
#define POOLFS_FS_CLASS_ASK_H

#include "fs/tree/place.h"
#include "model/query_eval.h"

/* A query that waits for its turn; callers embed it as their first member. */
struct ask {
	const struct fs *fs;
	struct view *view;   /* owned */
	struct query *query; /* owned */
	struct query_scope scope;
	char account[UUID_SIZE];      /* what `scope` borrows */
	void (*run)(struct ask *ask); /* in a worker */
};

/** Takes over @query, and takes a reference to the view of the place. */
void ask_init(struct ask *ask, const struct place *p, struct query *query);
void ask_done(struct ask *ask);
/** Calls @run in a worker, perhaps before the return; not if this fails. -ENOMEM. */
int ask_start(struct ask *ask, uid_t uid, void (*run)(struct ask *ask));
/** The answer in the form of REST; NULL with @e set. May take long. */
struct document *ask_answer(const struct ask *ask, struct error *e);

#endif
