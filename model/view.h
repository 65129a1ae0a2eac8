/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: the whole pool at one moment.
 *
 * A view never changes. Readers take one from the store (store_view()), walk
 * it without any lock for as long as they like, and give it back. Objects found
 * in a view are borrowed from it and live as long as the view does; take a
 * reference (object_ref()) to keep one longer.
 *
 * Walks are by row id, that is in the order of creation, and resume after any
 * id: that is what readdir, limits and loops need, without iterator objects.
 */
#ifndef POOLFS_VIEW_H
#define POOLFS_VIEW_H

#include <stddef.h>

#include "model/object.h"
#include "model/pmap.h"

struct view;

struct view *view_ref(struct view *view);
/** Accepts NULL. */
void view_unref(struct view *view);
DEFINE_CLEANUP(struct view *, view_unref)
#define _cleanup_view_ _cleanup_(view_unref_p)

/** The object of this kind with this uuid; NULL when there is none or @uuid is NULL. */
const struct object *view_get(const struct view *view, enum kind_id kind, const char *uuid);
const struct object *view_get_id(const struct view *view, enum kind_id kind, int64_t id);
/** The object with this uuid among all kinds; NULL when there is none. */
const struct object *view_get_any(const struct view *view, const char *uuid);
/** Number of objects of a kind. */
size_t view_count(const struct view *view, enum kind_id kind);
/** The object with the smallest row id above @after; NULL at the end. */
const struct object *view_next(const struct view *view, enum kind_id kind, int64_t after);
/** A walk over all objects of a kind, several times as fast as view_next(). */
struct view_walk {
	struct pmap_cursor cursor;
	int field;
	const struct object *ahead[16]; /* on their way into the processor's cache */
	unsigned next, count;
};
/** @field is a string field that will be looked at, -1 for none. */
void view_walk_init(struct view_walk *walk, const struct view *view, enum kind_id kind, int field);
/** The next object; NULL at the end. */
const struct object *view_walk_next(struct view_walk *walk);
/** As view_next(), among those whose F_INDEX string @field has exactly the text @value. */
const struct object *view_next_where(const struct view *view, enum kind_id kind, int field, const char *value,
				     int64_t after);
/**
 * As view_next_where(), among those whose text may be equal to @value as text_compare() sees it: all that
 * are, and hash neighbours, so that the caller compares.
 */
const struct object *view_next_candidate(const struct view *view, enum kind_id kind, int field,
					 const char *value, int64_t after);
/** The newest of those that view_next_where() walks; NULL when there is none, or when the newest is but a
 * hash neighbour: good for a hint, not for a proof. */
const struct object *view_newest_where(const struct view *view, enum kind_id kind, int field,
				       const char *value);
/** Number of objects whose F_INDEX string @field has the text @value (counts candidates: an upper bound). */
size_t view_count_where(const struct view *view, enum kind_id kind, int field, const char *value);
/** ns of the last change of any object of the kind; 0 = never. */
int64_t view_changed(const struct view *view, enum kind_id kind);
/** Number of the commit this view shows; grows by one with each. */
uint64_t view_version(const struct view *view);

#define view_for_each(o, view, kind)                                                                         \
	for (const struct object *o = view_next(view, kind, 0); o; o = view_next(view, kind, (o)->id))
#define view_for_each_where(o, view, kind, field, value)                                                     \
	for (const struct object *o = view_next_where(view, kind, field, value, 0); o;                       \
	     o = view_next_where(view, kind, field, value, (o)->id))

/* --- for the store alone: a view that has one owner may be edited */

struct view *view_new(void);
/** An editable copy that shares everything with @view; NULL when memory is short. */
struct view *view_copy(const struct view *view, uint64_t version);
/** Puts @o (a reference is taken) in the place of the object with its row id, if any. 0 or -ENOMEM. */
int view_put(struct view *view, const struct object *o);
/** Takes the object with @o's row id out. 0 or -ENOMEM. */
int view_remove(struct view *view, const struct object *o);
void view_set_changed(struct view *view, enum kind_id kind, int64_t ns);

#endif
