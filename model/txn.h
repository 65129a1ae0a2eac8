/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: how a change reads and writes them. A change is a function that the
 * store runs in its writer thread (store_run(), store_post()); see store.h for
 * what it may do and when it is durable.
 */
#ifndef POOLFS_TXN_H
#define POOLFS_TXN_H

#include "model/error.h"
#include "model/event.h"
#include "model/view.h"

struct txn;

/** A change. 0 or a positive number when it is to be kept, a negative errno when it is to be undone. */
typedef int txn_fn(struct txn *t, void *arg, struct error *e);

/** One object's change in a commit: before is NULL for a new object, after for a removed one. Borrowed. */
struct change {
	const struct object *before, *after;
};

/** The state this change works on. Borrowed; replaced by the next put or remove. */
const struct view *txn_view(const struct txn *t);
/** ns since 1970, the same during one change. */
int64_t txn_now(const struct txn *t);
/**
 * Begins the change of a row that is known by its uuid: a copy, to be edited and handed to txn_put().
 *
 *	r = txn_edit(t, KIND_HOST, uuid, &host, e);
 *	if (r < 0)
 *		return r;
 *	object_set_str(host, HOST_STATE, state);
 *	return txn_put(t, host, NULL, e);
 *
 * The copy is the caller's until txn_put() takes it over. -ENOENT with error_gone() when there is no such
 * row, -ENOMEM. A row that is at hand is copied with object_copy(), whose result needs no check before edits
 * and txn_put(): both accept NULL.
 */
int txn_edit(struct txn *t, enum kind_id kind, const char *uuid, struct object **ret_copy, struct error *e);
/**
 * Writes @o (taken over, also on failure): a new row when its id is 0, else in the place of the row
 * with its id. Keeps createDate and lastOpDate and the owners' times. Writing what is there already
 * does nothing. @ret (may be NULL) is the object as it is now in the view, borrowed.
 * -EEXIST for a uuid that is taken, -ENOENT for a foreign key to nothing, -EINVAL for text that is not UTF-8,
 * -ENOMEM for NULL and for an object whose edits ran out of memory.
 */
int txn_put(struct txn *t, struct object *o, const struct object **ret, struct error *e);
/** Removes the row of @o. -ENOTEMPTY when others refer to it by a foreign key. */
int txn_remove(struct txn *t, const struct object *o, struct error *e);
/** The present change is because of @cause (copied), whoever posted it. */
void txn_set_cause(struct txn *t, const struct cause *cause);

#endif
