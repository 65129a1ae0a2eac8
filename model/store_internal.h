/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c (threads, groups, views) and txn.c (rows) share. Not for others. */
#ifndef POOLFS_STORE_INTERNAL_H
#define POOLFS_STORE_INTERNAL_H

#include <sqlite3.h>

#include "model/schema.h"
#include "model/store.h"

/* Statements of one kind, prepared at first use; owned by the writer thread. */
struct kind_statements {
	sqlite3_stmt *insert, *update, *remove;
};

struct txn {
	sqlite3 *db;
	struct kind_statements *statements; /* KIND_COUNT of them, the store's */
	struct view *view;		    /* owned; the working state of the present group */
	int64_t now;
	struct cause cause;	/* of the present change */
	struct change *changes; /* owned array, each side holds a reference */
	size_t change_count, change_room;
	bool failed; /* the database refused something: the change cannot be kept */
};

/** Loads all rows of all kinds into @view. */
int txn_load(sqlite3 *db, struct view *view, struct error *e);
/** Forgets the changes from @count on. */
void txn_truncate(struct txn *t, size_t count);
void txn_statements_finalize(struct kind_statements *statements);
/** Runs one SQL statement without results. */
int store_exec(sqlite3 *db, const char *sql, struct error *e);

#endif
