/* SPDX-License-Identifier: Apache-2.0 */
/* How the store drives a change: for store.c and event.c alone. */
#ifndef POOLFS_TXN_INTERNAL_H
#define POOLFS_TXN_INTERNAL_H

#include <sqlite3.h>

#include "model/kind.h"
#include "model/txn.h"

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

#endif
