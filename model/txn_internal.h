/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a change, for store.c and event.c alone. */
#ifndef POOLFS_TXN_INTERNAL_H
#define POOLFS_TXN_INTERNAL_H

#include <sqlite3.h>

#include "model/kind.h"
#include "model/txn.h"

/* Those of one kind that set some fields and are kept. */
#define UPDATES_MAX 16

struct statement_cache {
	struct {
		sqlite3_stmt *stmt;
		uint64_t fields; /* that it sets: a bit each */
	} of[UPDATES_MAX];
	unsigned next; /* of them, to be replaced */
};

/* The statements of one kind, prepared on first use; owned by the writer thread. */
struct kind_statements {
	sqlite3_stmt *insert, *remove, *remove_texts;
	struct statement_cache updates, texts;
};

struct txn {
	sqlite3 *db;
	struct kind_statements *statements; /* KIND_COUNT of them, the store's */
	struct view *view;		    /* owned; the working state of the current group */
	int64_t now;
	struct cause cause;	/* of the current change */
	struct change *changes; /* owned array, each side holds a reference */
	size_t change_count, change_room;
	txn_guard_fn *guard; /* the store's, or NULL */
	bool fact;	     /* see txn_set_fact() */
	bool failed;	     /* memory was short in the middle: the change must be undone */
};

#endif
