/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: a snapshot of the whole pool.
 *
 * A view never changes. Readers get one from the store (store_view()), read it
 * without locks for as long as they like, and release it. Objects found in a view
 * are borrowed from it; take a reference (object_ref()) to keep one longer.
 *
 * Objects that rest are in blocks (block.h), and made when somebody asks for them. So view_get() and its
 * kin may return NULL for one of these when memory is short. Whether it is there is known even then
 * (view_has()), and walks come across it. One that has not ended never rests.
 *
 * Iteration is by row id, that is in the order of creation, and can resume after
 * any id: sufficient for readdir, limits and loops, without iterator objects.
 */
#ifndef POOLFS_VIEW_H
#define POOLFS_VIEW_H

#include <stddef.h>

#include "model/block.h"
#include "model/object.h"
#include "model/pmap.h"

struct view;

struct view *view_ref(struct view *view);
/** Accepts NULL. */
void view_unref(struct view *view);
DEFINE_CLEANUP(struct view *, view_unref)
#define _cleanup_view_ _cleanup_(view_unref_p)

/**
 * The object of this kind with this uuid; NULL when there is none or @uuid is NULL, or if it rests and
 * memory is short.
 */
const struct object *view_get(const struct view *view, enum kind_id kind, const char *uuid);
const struct object *view_get_id(const struct view *view, enum kind_id kind, int64_t id);
/** Whether there is an object of this kind with this uuid, or row id. Takes no memory. */
bool view_has(const struct view *view, enum kind_id kind, const char *uuid);
bool view_has_id(const struct view *view, enum kind_id kind, int64_t id);
/** Whether the view has @o, an object of some view or walk, as it is there. Takes no memory. */
bool view_shows(const struct view *view, const struct object *o);
/** The object with this uuid among all kinds; NULL when there is none. */
const struct object *view_get_any(const struct view *view, const char *uuid);
/** Number of objects of a kind. */
size_t view_count(const struct view *view, enum kind_id kind);
/** The object with the smallest row id above @after; NULL at the end. */
const struct object *view_next(const struct view *view, enum kind_id kind, int64_t after);
/** An iterator over all objects of a kind, several times as fast as view_next(). */
struct view_walk {
	const struct view *view;
	enum kind_id kind;
	int64_t after; /* the last one, if the kind has blocks */
	struct pmap_cursor cursor;
	int field;
	const struct object *ahead[16]; /* prefetched */
	unsigned next, count;
	struct block_row row; /* where objects of blocks are looked at */
};
/**
 * Starts an iteration. @field is a string field that the caller will read, -1 for none. The view must stay as it is until
 * the end.
 */
void view_walk_init(struct view_walk *walk, const struct view *view, enum kind_id kind, int field);
/** The same with the objects above row @after. */
void view_walk_init_after(struct view_walk *walk, const struct view *view, enum kind_id kind, int field,
			  int64_t after);
/** The next object; NULL at the end. One that rests, and its texts, are valid until the next call only: view_keep(). */
const struct object *view_walk_next(struct view_walk *walk);
/** The same object, which a walk has come to, borrowed from the view; NULL when memory is short. */
const struct object *view_keep(const struct view *view, const struct object *o);
/**
 * As view_next(), among those whose F_INDEX string @field has exactly the text @value. Each is made if it
 * rests: view_for_each_where() makes none.
 */
const struct object *view_next_where(const struct view *view, enum kind_id kind, int field, const char *value,
				     int64_t after);
/**
 * The objects whose F_INDEX string may be equal to a text by text_compare(): all that are, and possibly others with the
 * same hash, so the caller must compare. Valid as long as the view.
 */
struct view_candidates {
	const struct view *view;
	enum kind_id kind;
	struct pmap *index;
	uint64_t hash;
	struct block_row row; /* where objects of blocks are looked at */
};
void view_candidates_init(struct view_candidates *candidates, const struct view *view, enum kind_id kind,
			  int field, const char *value);
/**
 * The one with the smallest row id above @after; NULL at the end. As that of view_walk_next(): view_keep().
 */
const struct object *view_candidates_next(struct view_candidates *candidates, int64_t after);
/**
 * A walk over the objects whose F_INDEX string @field has exactly the text @value, which stays the
 * caller's.
 */
struct view_where {
	struct view_candidates candidates;
	int field;
	const char *value;
	int64_t after; /* the last one */
};
/** Starts the walk; returns @where. */
struct view_where *view_where_init(struct view_where *where, const struct view *view, enum kind_id kind,
				   int field, const char *value);
/** The next object; NULL at the end. As that of view_walk_next(): view_keep(). */
const struct object *view_where_next(struct view_where *where);
/**
 * A walk over the objects whose F_INDEX string @field is not null, in no order: for a field that few of many objects have.
 */
struct view_having {
	const struct view *view;
	enum kind_id kind;
	const struct pmap *index;
	uint64_t after;	      /* the last entry of the index */
	struct block_row row; /* where objects of blocks are looked at */
};
void view_having_init(struct view_having *having, const struct view *view, enum kind_id kind, int field);
/** The next object; NULL at the end. As that of view_walk_next(): view_keep(). */
const struct object *view_having_next(struct view_having *having);
/** Whether there is any. Takes no memory. */
bool view_has_where(const struct view *view, enum kind_id kind, int field, const char *value);
/** Is there one below row @before? */
bool view_has_candidate_before(const struct view *view, enum kind_id kind, int field, const char *value,
			       int64_t before);
/** Their number, without a look at them. */
size_t view_count_candidates(const struct view *view, enum kind_id kind, int field, const char *value);
/** The newest object that view_next_where() would find. May be NULL although there is one, when a newer
 * object has the same hash: a hint only. */
const struct object *view_newest_where(const struct view *view, enum kind_id kind, int field,
				       const char *value);
/** The number of objects that view_next_where() finds, by a look at each. */
size_t view_count_where(const struct view *view, enum kind_id kind, int field, const char *value);
/** What the objects of the account take in all, of number @which of view_tally(); INT64_MAX if that is too large. */
int64_t view_taken(const struct view *view, const char *account, int which);
/** Time of the last change of any object of the kind, ns since 1970; 0 = never. */
int64_t view_changed(const struct view *view, enum kind_id kind);
/** The largest row id that an object of the kind has or had; 0 when there was none. */
int64_t view_last_id(const struct view *view, enum kind_id kind);
/** The number of the commit that made this view; increases by one with each. */
uint64_t view_version(const struct view *view);

#define view_for_each(o, view, kind)                                                                         \
	for (const struct object *o = view_next(view, kind, 0); o; o = view_next(view, kind, (o)->id))
/*
 * As view_where_next(): an object that rests is there until the next step only. The view must stay as it
 * is.
 */
#define view_for_each_where(o, view, kind, field, value)                                                     \
	for (struct view_where o##_walk, *o##_where = view_where_init(&o##_walk, view, kind, field, value);  \
	     o##_where; o##_where = NULL)                                                                    \
		for (const struct object *o; (o = view_where_next(o##_where));)

/* --- for the store alone: a view with a single owner may be edited */

struct view *view_new(void);
/** An editable copy that shares everything with @view; NULL when memory is short. */
struct view *view_copy(const struct view *view, uint64_t version);
/*
 * The bits of a row id; the largest number is none. They are given out one by one: enough for a thousand a
 * second for 34 years.
 */
#define VIEW_ID_BITS 40
#define VIEW_ID_MAX  ((INT64_C(1) << VIEW_ID_BITS) - 1)
/**
 * Inserts @o, packed (object_pack()), replacing the object with its row id, if any. 0, -ENOMEM, or -ERANGE
 * for an id of VIEW_ID_MAX or above.
 */
int view_put(struct view *view, const struct object *o);
/** Removes the object with the row id of @o. 0 or -ENOMEM. */
int view_remove(struct view *view, const struct object *o);
/**
 * Puts the objects of the block of row @id in a block, or in that where some of them are, if all of them
 * rest and there will not be more of them. When memory is short, the view stays as it is.
 */
void view_rest(struct view *view, enum kind_id kind, int64_t id);
/**
 * Drops what the block after that of number @number has made, which nobody but other views has then.
 * Returns its number; 0 at the end.
 */
int64_t view_rest_again(struct view *view, enum kind_id kind, int64_t number);
void view_set_changed(struct view *view, enum kind_id kind, int64_t ns);
void view_set_last_id(struct view *view, enum kind_id kind, int64_t id);
/** The number of the index of a field, -1 without one. */
int view_index_slot(enum kind_id kind, int field);

/* The most numbers that an object can take something of. */
#define TAKES_MAX 16
/** Adds to @takes, all zero, what an object of a kind with OWNER_SHAREABLE takes of each number. */
typedef void view_takes_fn(const struct object *o, int64_t takes[TAKES_MAX]);
/**
 * From now on, what the objects of each account take is summed up: in this view, which has none yet, and in its copies with
 * each change, in constant time per change.
 */
void view_tally(struct view *view, view_takes_fn *takes);

#endif
