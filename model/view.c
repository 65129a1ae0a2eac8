/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views. See view.h.
 *
 * One map per kind from row id to object, one from block_number() to the block of those
 * that rest, and one set per F_INDEX field of the hash of the text with the row id of each
 * object that has it (index_key()). Readers compare the text itself, so a hash collision
 * only costs time. Another map has sums of what the objects of an account take.
 */
#include "model/view.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/block_draft.h"
#include "model/tally.h"
#include "model/text_hash.h"
#include "model/view_internal.h"

/* Immutable after index_slots_init(). */
static short index_slot[KIND_COUNT][FIELDS_MAX];
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static void index_slots_init(void)
{
	short next = 0;

	for (int k = 0; k < KIND_COUNT; k++)
		for (int f = 0; f < FIELDS_MAX; f++) {
			const struct kind *kind = kind_get((enum kind_id)k);
			bool indexed = f < kind->field_count && (kind->fields[f].flags & F_INDEX);

			index_slot[k][f] = indexed && next < INDEX_MAX ? next++ : -1;
		}
}

int view_index_slot(enum kind_id kind, int field)
{
	return index_slot[kind][field];
}

static void view_destroy(struct ref *self)
{
	struct view *view = (struct view *)self;

	for (size_t i = 0; i < ARRAY_SIZE(view->objects); i++)
		pmap_unref(view->objects[i]);
	for (size_t i = 0; i < ARRAY_SIZE(view->blocks); i++)
		pmap_unref(view->blocks[i]);
	for (size_t i = 0; i < ARRAY_SIZE(view->index); i++)
		pmap_unref(view->index[i]);
	pmap_unref(view->taken);
	free(view);
}

struct view *view_new(void)
{
	struct view *view = calloc(1, sizeof(*view));

	pthread_once(&index_once, index_slots_init);
	if (view)
		ref_init(&view->ref, view_destroy);
	return view;
}

struct view *view_copy(const struct view *old, uint64_t version)
{
	struct view *view = malloc(sizeof(*view));

	if (!view)
		return NULL;
	/* All but the reference count, which readers of @old modify. */
	memcpy((char *)view + sizeof(view->ref), (const char *)old + sizeof(old->ref),
	       sizeof(*view) - sizeof(view->ref));
	ref_init(&view->ref, view_destroy);
	view->version = version;
	for (size_t i = 0; i < ARRAY_SIZE(view->objects); i++)
		pmap_ref(view->objects[i]);
	for (size_t i = 0; i < ARRAY_SIZE(view->blocks); i++)
		pmap_ref(view->blocks[i]);
	for (size_t i = 0; i < ARRAY_SIZE(view->index); i++)
		pmap_ref(view->index[i]);
	pmap_ref(view->taken);
	return view;
}

struct view *view_ref(struct view *view)
{
	ref_get(&view->ref);
	return view;
}

void view_unref(struct view *view)
{
	if (view)
		ref_put(&view->ref);
}

static bool is_in_bucket(uint64_t key, uint64_t hash)
{
	return key >> VIEW_ID_BITS == hash >> VIEW_ID_BITS;
}

static int64_t id_of(uint64_t key)
{
	return (int64_t)(key & (uint64_t)VIEW_ID_MAX);
}

/* Updates the indexes from @before to @after, either of which may be NULL. */
static int index_update(struct view *view, const struct object *before, const struct object *after)
{
	const struct kind *kind = after ? after->kind : before->kind;

	for (int f = 0; f < kind->field_count; f++) {
		int slot = index_slot[kind->id][f], r = 0;
		const char *old, *new;

		if (slot < 0)
			continue;
		old = before ? object_str(before, f) : NULL;
		new = after ? object_str(after, f) : NULL;
		if (old && new &&strcmp(old, new) == 0)
			continue;
		if (old)
			r = pmap_remove(&view->index[slot],
					index_key(object_text_hash(before, f), before->id));
		if (r == 0 && new)
			r = pmap_set(&view->index[slot], index_key(object_text_hash(after, f), after->id),
				     NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---------------------------------------------------------- what accounts have */

int64_t view_taken(const struct view *view, const char *account, int which)
{
	return tally_sum(view->taken, account, which);
}

void view_tally(struct view *view, view_takes_fn *takes)
{
	view->takes = takes;
}

/* ------------------------------------------------------------------ blocks */

/* The block that has, or would have, the object; NULL when there is none. */
static struct block *find_block(const struct view *view, enum kind_id kind, int64_t id)
{
	struct ref *block = NULL;

	if (view->blocks[kind])
		pmap_get(view->blocks[kind], (uint64_t)block_number(id), &block);
	return (struct block *)block;
}

/* The smallest row id above @after of an object in a block, which is *ret_block; 0 at the end. */
static int64_t next_in_blocks(const struct view *view, enum kind_id kind, int64_t after,
			      struct block **ret_block)
{
	struct block *block = find_block(view, kind, after + 1);
	int64_t id = block ? block_next(block, after) : 0;
	struct ref *next;

	if (!id) {
		if (!pmap_next(view->blocks[kind], (uint64_t)block_number(after + 1), NULL, &next))
			return 0;
		block = (struct block *)next;
		id = block_next(block, 0);
	}
	*ret_block = block;
	return id;
}

/*
 * The object with the smallest row id above @after, if it is in no block; else *ret_block is where @ret_id
 * is.
 */
static const struct object *next_object(const struct view *view, enum kind_id kind, int64_t after,
					struct block **ret_block, int64_t *ret_id)
{
	struct ref *o = NULL;
	struct block *block = NULL;
	int64_t id = view->blocks[kind] ? next_in_blocks(view, kind, after, &block) : 0;

	pmap_next(view->objects[kind], (uint64_t)after, NULL, &o);
	*ret_block = NULL;
	if (!id || (o && ((const struct object *)o)->id < id))
		return (const struct object *)o;
	*ret_block = block;
	*ret_id = id;
	return NULL;
}

/* Replaces a block, or removes it when nothing is left in it. Takes over the reference. */
static int put_block(struct view *view, enum kind_id kind, int64_t number, struct block *block)
{
	size_t count = block_count(block);
	int r;

	if (count) {
		r = pmap_set(&view->blocks[kind], (uint64_t)number, (struct ref *)block);
		if (r == 0)
			return 0;
	} else {
		r = pmap_remove(&view->blocks[kind], (uint64_t)number);
	}
	ref_put((struct ref *)block);
	return r;
}

/* Removes an object from its block, if it is in one. 0, -ENOENT, or -ENOMEM. */
static int remove_from_block(struct view *view, enum kind_id kind, int64_t id)
{
	struct block *block = find_block(view, kind, id), *without;
	int r;

	if (!block || !block_has(block, id))
		return -ENOENT;
	without = block_without(block, id);
	if (!without)
		return -ENOMEM;
	r = put_block(view, kind, block_number(id), without);
	if (r == 0)
		view->in_blocks[kind]--;
	return r;
}

/* The first object of the block of row @id that is in none; *ret_last is the last one. NULL when there is none. */
static const struct object *outside_block(const struct view *view, enum kind_id kind, int64_t id,
					  const struct object **ret_last)
{
	const int64_t behind = block_number(id) * BLOCK_IDS,
		      before = behind > BLOCK_IDS ? behind - BLOCK_IDS - 1 : 0;
	struct ref *first, *last;
	uint64_t key;

	if (!pmap_next(view->objects[kind], (uint64_t)before, &key, &first) || (int64_t)key >= behind)
		return NULL;
	(void)pmap_previous(view->objects[kind], (uint64_t)behind, &key);
	(void)pmap_get(view->objects[kind], key, &last);
	*ret_last = (const struct object *)last;
	return (const struct object *)first;
}

/* The block of all objects of the block of row @id, if all of them rest, wherever they are now. */
static struct block *gather_block(const struct view *view, enum kind_id kind, int64_t id)
{
	_cleanup_block_draft_ struct block_draft *draft = block_draft_new(kind_get(kind));
	const int64_t behind = block_number(id) * BLOCK_IDS;
	struct block_row room;
	const struct object *o;
	struct block *block;

	if (!draft)
		return NULL;
	for (int64_t at = behind - BLOCK_IDS - 1;; at = o->id) {
		int64_t next = 0;

		o = next_object(view, kind, at > 0 ? at : 0, &block, &next);
		if (block)
			o = block_look(block, next, &room);
		if (!o || o->id >= behind)
			return block_draft_end(draft);
		if (!block_draft_add(draft, o))
			return NULL;
	}
}

void view_rest(struct view *view, enum kind_id kind, int64_t id)
{
	const struct object *first, *last;
	struct pmap *objects;
	struct block *block, *before;
	size_t more;

	if (view->last_id[kind] < block_number(id) * BLOCK_IDS - 1)
		return;
	first = outside_block(view, kind, id, &last);
	/* the last one mostly rests last */
	if (!first || !object_rests(last))
		return;
	before = find_block(view, kind, id);
	block = gather_block(view, kind, id);
	if (!block)
		return;
	more = block_count(block) - (before ? block_count(before) : 0);
	objects = pmap_ref(view->objects[kind]);
	for (int64_t key = first->id, end = last->id; key <= end; key++)
		if (pmap_remove(&objects, (uint64_t)key) == -ENOMEM) {
			ref_put((struct ref *)block);
			pmap_unref(objects);
			return;
		}
	if (put_block(view, kind, block_number(id), block) < 0) {
		pmap_unref(objects);
		return;
	}
	pmap_unref(view->objects[kind]);
	view->objects[kind] = objects;
	view->in_blocks[kind] += more;
}

int64_t view_rest_again(struct view *view, enum kind_id kind, int64_t number)
{
	struct block *rested;
	struct ref *block;
	uint64_t key;

	if (!pmap_next(view->blocks[kind], (uint64_t)number, &key, &block))
		return 0;
	rested = block_rested((struct block *)block);
	if (rested)
		(void)put_block(view, kind, (int64_t)key, rested);
	return (int64_t)key;
}

/* ----------------------------------------------------------------- changes */

int view_put(struct view *view, const struct object *given)
{
	const struct object *before = view_get_id(view, given->kind->id, given->id);
	_cleanup_object_ const struct object *o = object_pack(given);
	int r;

	if (!o)
		return -ENOMEM;
	if (o->id >= VIEW_ID_MAX)
		return -ERANGE;
	r = tally_update(&view->taken, view->takes, before, o);
	if (r == 0)
		r = index_update(view, before, o);
	if (r == 0 && remove_from_block(view, o->kind->id, o->id) == -ENOMEM)
		r = -ENOMEM;
	if (r == 0)
		r = pmap_set(&view->objects[o->kind->id], (uint64_t)o->id, (struct ref *)(uintptr_t)o);
	if (r < 0)
		return r;
	if (o->id > view->last_id[o->kind->id])
		view->last_id[o->kind->id] = o->id;
	(void)steal(&o);
	return 0;
}

int view_remove(struct view *view, const struct object *o)
{
	int r = tally_update(&view->taken, view->takes, o, NULL);

	if (r == 0)
		r = index_update(view, o, NULL);
	if (r < 0)
		return r;
	r = remove_from_block(view, o->kind->id, o->id);
	if (r == -ENOENT)
		r = pmap_remove(&view->objects[o->kind->id], (uint64_t)o->id);
	return r == -ENOENT ? 0 : r;
}

void view_set_changed(struct view *view, enum kind_id kind, int64_t ns)
{
	view->changed[kind] = ns;
}

int64_t view_changed(const struct view *view, enum kind_id kind)
{
	return view->changed[kind];
}

int64_t view_last_id(const struct view *view, enum kind_id kind)
{
	return view->last_id[kind];
}

void view_set_last_id(struct view *view, enum kind_id kind, int64_t id)
{
	view->last_id[kind] = id;
}

uint64_t view_version(const struct view *view)
{
	return view->version;
}

size_t view_count(const struct view *view, enum kind_id kind)
{
	return pmap_count(view->objects[kind]) + view->in_blocks[kind];
}

const struct object *view_get_id(const struct view *view, enum kind_id kind, int64_t id)
{
	struct ref *o = NULL;
	struct block *block;

	if (pmap_get(view->objects[kind], (uint64_t)id, &o))
		return (const struct object *)o;
	block = find_block(view, kind, id);
	return block ? block_get(block, id) : NULL;
}

/* The object with this row id; one that rests is looked at, in @room, which takes no memory. */
static const struct object *look_at(const struct view *view, enum kind_id kind, int64_t id,
				    struct block_row *room)
{
	struct ref *o = NULL;
	const struct block *block;

	if (pmap_get(view->objects[kind], (uint64_t)id, &o))
		return (const struct object *)o;
	block = find_block(view, kind, id);
	return block && block_has(block, id) ? block_look(block, id, room) : NULL;
}

bool view_has_id(const struct view *view, enum kind_id kind, int64_t id)
{
	const struct block *block;

	if (pmap_get(view->objects[kind], (uint64_t)id, NULL))
		return true;
	block = find_block(view, kind, id);
	return block && block_has(block, id);
}

bool view_shows(const struct view *view, const struct object *o)
{
	const struct object *there;
	struct block_row room;

	there = look_at(view, o->kind->id, o->id, &room);
	return there == o || (there && object_rests(there) && there->changed == o->changed);
}

const struct object *view_next(const struct view *view, enum kind_id kind, int64_t after)
{
	struct block *block;
	int64_t id;
	const struct object *o = next_object(view, kind, after, &block, &id);

	return block ? block_get(block, id) : o;
}

void view_walk_init(struct view_walk *walk, const struct view *view, enum kind_id kind, int field)
{
	view_walk_init_after(walk, view, kind, field, 0);
}

void view_walk_init_after(struct view_walk *walk, const struct view *view, enum kind_id kind, int field,
			  int64_t after)
{
	walk->view = view;
	walk->kind = kind;
	walk->after = after;
	walk->field = field;
	if (after)
		pmap_cursor_init_after(&walk->cursor, view->objects[kind], (uint64_t)after);
	else
		pmap_cursor_init(&walk->cursor, view->objects[kind]);
	walk->next = walk->count = 0;
}

/* What rests is not made, but looked at. */
static const struct object *walk_with_blocks(struct view_walk *walk)
{
	struct block *block;
	int64_t id;
	const struct object *o = next_object(walk->view, walk->kind, walk->after, &block, &id);

	if (block)
		o = block_look(block, id, &walk->row);
	if (o)
		walk->after = o->id;
	return o;
}

const struct object *view_walk_next(struct view_walk *walk)
{
	const struct object *o;

	if (walk->view->blocks[walk->kind])
		return walk_with_blocks(walk);
	if (walk->next < walk->count)
		return walk->ahead[walk->next++];
	/* Memory latency dominates: prefetch several objects before using the first. */
	walk->count = 0;
	while (walk->count < ARRAY_SIZE(walk->ahead) &&
	       (o = (const struct object *)pmap_cursor_next(&walk->cursor))) {
		__builtin_prefetch(o);
		__builtin_prefetch(o->content);
		walk->ahead[walk->count++] = o;
	}
	for (unsigned i = 0; i < walk->count && walk->field >= 0; i++)
		__builtin_prefetch(object_text_in_memory(walk->ahead[i], walk->field));
	walk->next = 1;
	return walk->count ? walk->ahead[0] : NULL;
}

const struct object *view_keep(const struct view *view, const struct object *o)
{
	return o->nulls & OBJECT_PACKED ? o : view_get_id(view, o->kind->id, o->id);
}

void view_candidates_init(struct view_candidates *candidates, const struct view *view, enum kind_id kind,
			  int field, const char *value)
{
	int slot = index_slot[kind][field];
	bool indexed = slot >= 0 && value;

	/* not the room */
	candidates->view = view;
	candidates->kind = kind;
	candidates->index = indexed ? view->index[slot] : NULL;
	candidates->hash = indexed ? text_hash(value) : 0;
}

const struct object *view_candidates_next(struct view_candidates *candidates, int64_t after)
{
	uint64_t key;

	if (!pmap_next(candidates->index, index_key(candidates->hash, after), &key, NULL) ||
	    !is_in_bucket(key, candidates->hash))
		return NULL;
	return look_at(candidates->view, candidates->kind, id_of(key), &candidates->row);
}

struct view_where *view_where_init(struct view_where *where, const struct view *view, enum kind_id kind,
				   int field, const char *value)
{
	view_candidates_init(&where->candidates, view, kind, field, value);
	where->field = field;
	where->value = value;
	where->after = 0;
	return where;
}

const struct object *view_where_next(struct view_where *where)
{
	const struct object *o;

	while ((o = view_candidates_next(&where->candidates, where->after))) {
		where->after = o->id;
		if (object_str_is(o, where->field, where->value))
			return o;
	}
	return NULL;
}

void view_having_init(struct view_having *having, const struct view *view, enum kind_id kind, int field)
{
	having->view = view;
	having->kind = kind;
	having->index = view->index[index_slot[kind][field]];
	having->after = 0;
}

const struct object *view_having_next(struct view_having *having)
{
	if (!pmap_next(having->index, having->after, &having->after, NULL))
		return NULL;
	return look_at(having->view, having->kind, id_of(having->after), &having->row);
}

const struct object *view_newest_where(const struct view *view, enum kind_id kind, int field,
				       const char *value)
{
	int slot = index_slot[kind][field];
	const struct object *o;
	struct block_row room;
	uint64_t hash, key;

	if (slot < 0 || !value)
		return NULL;
	hash = text_hash(value);
	if (!pmap_previous(view->index[slot], index_key(hash, VIEW_ID_MAX), &key) || !is_in_bucket(key, hash))
		return NULL;
	o = look_at(view, kind, id_of(key), &room);
	return o && object_str_is(o, field, value) ? view_keep(view, o) : NULL;
}

const struct object *view_next_where(const struct view *view, enum kind_id kind, int field, const char *value,
				     int64_t after)
{
	struct view_where where;
	const struct object *o;

	view_where_init(&where, view, kind, field, value);
	where.after = after;
	o = view_where_next(&where);
	return o ? view_keep(view, o) : NULL;
}

bool view_has_where(const struct view *view, enum kind_id kind, int field, const char *value)
{
	struct view_where where;

	return view_where_next(view_where_init(&where, view, kind, field, value)) != NULL;
}

bool view_has_candidate_before(const struct view *view, enum kind_id kind, int field, const char *value,
			       int64_t before)
{
	struct view_candidates candidates;
	uint64_t key;

	view_candidates_init(&candidates, view, kind, field, value);
	return pmap_previous(candidates.index, index_key(candidates.hash, before), &key) &&
	       is_in_bucket(key, candidates.hash);
}

size_t view_count_candidates(const struct view *view, enum kind_id kind, int field, const char *value)
{
	struct view_candidates candidates;

	view_candidates_init(&candidates, view, kind, field, value);
	return pmap_rank(candidates.index, index_key(candidates.hash, VIEW_ID_MAX)) -
	       pmap_rank(candidates.index, index_key(candidates.hash, 0));
}

size_t view_count_where(const struct view *view, enum kind_id kind, int field, const char *value)
{
	struct view_where where;
	size_t count = 0;

	view_where_init(&where, view, kind, field, value);
	while (view_where_next(&where))
		count++;
	return count;
}

const struct object *view_get(const struct view *view, enum kind_id kind, const char *uuid)
{
	return view_next_where(view, kind, FIELD_UUID, uuid, 0);
}

bool view_has(const struct view *view, enum kind_id kind, const char *uuid)
{
	return view_has_where(view, kind, FIELD_UUID, uuid);
}

const struct object *view_get_any(const struct view *view, const char *uuid)
{
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++) {
		const struct object *o = view_get(view, (enum kind_id)k, uuid);

		if (o)
			return o;
	}
	return NULL;
}
