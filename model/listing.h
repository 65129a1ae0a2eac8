/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `inventories`: {"inventories":[...]}, one object per line.
 *
 * Its text is made of parts of up to LISTING_PART objects. A listing that follows another one shares the parts in which
 * nothing has changed, with it and with who still reads it: so a change costs one part, however many objects there are,
 * and two versions take little more memory than one. The parts are where the next process finds them (passage.h).
 */
#ifndef POOLFS_LISTING_H
#define POOLFS_LISTING_H

#include "model/document.h"
#include "model/view.h"

/* Objects whose row ids differ in the lower bits alone are in one part. */
#define LISTING_PART 64

struct listing;

/**
 * The objects of @kind in @view, without those that have been removed since texts of them had left memory. Takes time linear
 * in their number, and ten times as long for parts that are not in @former, an earlier one of the kind (NULL: none). @keep, which
 * may be NULL, stays longer than the text. *@ret is NULL on an error: -ENOMEM, or as object_recall().
 */
int listing_new(const struct view *view, enum kind_id kind, const struct listing *former, struct keep *keep,
		struct listing **ret, struct error *e);
/** Its text, borrowed. */
struct document *listing_document(const struct listing *l);
static inline struct listing *listing_ref(struct listing *l)
{
	ref_get((struct ref *)l);
	return l;
}
/** Accepts NULL. */
static inline void listing_unref(struct listing *l)
{
	ref_put((struct ref *)l);
}

#endif
