/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a change reads and writes rows. A change is a function that the store runs
 * in its writer thread (store_run(), store_post()); store.h says what it may do
 * and when it is durable.
 */
#ifndef POOLFS_TXN_H
#define POOLFS_TXN_H

#include "model/error.h"
#include "model/event.h"
#include "model/view.h"

struct kind_statements;
struct txn;

/** A change. Returns 0 or a positive number to keep it, a negative errno to roll it back. */
typedef int txn_fn(struct txn *t, void *arg, struct error *e);

/** The change of one object in a commit: before is NULL for a new object, after for a removed one. Borrowed.
 */
struct change {
	const struct object *before, *after;
	uint64_t fields; /* that differ, a bit each; of an object that is new or removed: all */
};

/** The state that the change works on. Borrowed; the next put or remove changes it. */
const struct view *txn_view(const struct txn *t);
/** ns since 1970, constant during a change. */
int64_t txn_now(const struct txn *t);
/**
 * Returns an editable copy of the row with this uuid, to be changed and handed to txn_put():
 *
 *	r = txn_edit(t, KIND_HOST, uuid, &host, e);
 *	if (r < 0)
 *		return r;
 *	object_set_str(host, HOST_STATE, state);
 *	return txn_put(t, host, NULL, e);
 *
 * The copy belongs to the caller until txn_put() takes it over. -ENOENT with error_gone() when there is no
 * such row, -ENOMEM. If you have the row already, use object_copy(): its result needs no check, since edits
 * and txn_put() accept NULL.
 */
int txn_edit(struct txn *t, enum kind_id kind, const char *uuid, struct object **ret_copy, struct error *e);
/**
 * Writes @o (taken over, also on failure): as a new row when its id is 0, else replacing the row with that
 * id. Maintains createDate, lastOpDate and the times of the owners. Does nothing when no value differs. *ret
 * (may be NULL) is the object in the view then, borrowed. -EEXIST when the uuid is taken, -ENOENT when the
 * row or the target of a foreign key does not exist, -EINVAL for text that is not UTF-8, -ENOMEM also for
 * NULL and for an object whose edits ran out of memory.
 */
int txn_put(struct txn *t, struct object *o, const struct object **ret, struct error *e);
/** Removes the row of @o. -ENOTEMPTY when others refer to it by a foreign key, -ENOENT when it is gone. */
int txn_remove(struct txn *t, const struct object *o, struct error *e);
/** Sets the cause of this change (copied), in place of that of the thread that posted it. */
void txn_set_cause(struct txn *t, const struct cause *cause);

/**
 * Decides whether a row may be written: a negative errno and its reason in @e refuse it. @before is NULL for a
 * new row. Only reads.
 */
typedef int txn_guard_fn(const struct txn *t, const struct object *before, const struct object *after,
			 struct error *e);
/**
 * From now on this change only writes down what has happened already, which no limit undoes: the guard is not
 * asked. What hosts report by themselves (a cause without a source) counts as such in any case.
 */
void txn_set_fact(struct txn *t);
/** On whose behalf the change is made. Borrowed. */
const struct cause *txn_cause(const struct txn *t);

/* ------------------------------------------------------------ for store.c */

/**
 * Writes what the changes of a group have made of each row to the database, in its open transaction: each row once, however
 * often it has changed. The text of @e is that of SQLite.
 */
int txn_write(struct txn *t, struct error *e);
/** Drops all recorded changes but the first @count. */
void txn_truncate(struct txn *t, size_t count);
/** Finalizes the statements of all kinds. */
void txn_statements_finalize(struct kind_statements *statements);

#endif
