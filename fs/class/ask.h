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

#include "fs/class/content.h"
#include "model/query.h"

/**
 * The query about the collection or sub-collection @p that @text says, as it stands behind the `?` of a URL.
 * -EINVAL.
 */
int ask_parse(const struct place *p, const char *text, struct query **ret_query, struct error *e);
/** True when there can be a query about @p. */
bool ask_is_possible(const struct place *p);

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

/** Makes the content of `collection?query`, see content_start(). */
void ask_content_start(const struct place *p, content_fn *done, void *arg);
/** The file `query` for who does not know how to use it, and `schema`. */
struct document *render_ask(const struct place *p);
struct document *render_schema(const struct place *p);

#endif
