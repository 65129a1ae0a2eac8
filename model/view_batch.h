/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All objects of a kind, to be put into a view at once: what view_put() of each would lead to, but the maps are
 * built from sorted keys, instead of changed for each. A batch has one owner, on one thread at a time.
 */
#ifndef POOLFS_VIEW_BATCH_H
#define POOLFS_VIEW_BATCH_H

#include "model/cleanup.h"
#include "model/view.h"

struct view_batch;

/**
 * An empty batch for @view, which has no object of @kind. Batches of different kinds may be filled, and put, by
 * different threads. NULL when memory is short.
 */
struct view_batch *view_batch_new(struct view *view, const struct kind *kind);
/** Drops the objects that were not put. Accepts NULL. */
void view_batch_free(struct view_batch *batch);
DEFINE_CLEANUP(struct view_batch *, view_batch_free)
#define _cleanup_view_batch_ _cleanup_(view_batch_free_p)
/**
 * Adds an object, packed, or object_new_borrowing(), which can be used for the next one then. 0; or, and
 * then the batch can only be freed, -ENOMEM, -ERANGE for an id of VIEW_ID_MAX or above, -EINVAL for one
 * that is not positive, or not above that of the object before.
 */
int view_batch_add(struct view_batch *batch, const struct object *o);
/** Moves the objects to the view. 0, or -ENOMEM, after which the view is as it was. */
int view_batch_put(struct view_batch *batch);
/**
 * Adds what the objects take to the sums of the view, if it has any (view_tally()): once, and by one thread at a time. 0 or
 * -ENOMEM.
 */
int view_batch_sum(struct view_batch *batch);

#endif
