/* SPDX-License-Identifier: Apache-2.0 */
/* See view_batch.h. */
#include "model/view_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/block_draft.h"
#include "model/key_list.h"
#include "model/tally.h"
#include "model/uuid.h"
#include "model/view_internal.h"

/* Longer texts are not remembered. */
#define REMEMBERED UUID_SIZE

struct batch_index {
	int field, slot;
	struct key_list keys;
	char text[REMEMBERED]; /* what the field had last, if it is not "", */
	uint64_t hash;	       /* and text_hash() of it */
};

struct view_batch {
	struct view *view; /* borrowed */
	const struct kind *kind;
	int64_t last; /* the row id of the object that was added last; 0: none was */
	struct key_list ids;
	const struct object **objects; /* of these ids */
	size_t room;		       /* of `objects` */
	struct block_draft *draft;     /* NULL: its objects do not end */
	struct key_list numbers;       /* of blocks */
	struct block **blocks;
	size_t block_room;  /* of `blocks` */
	size_t in_blocks;   /* objects */
	struct tally tally; /* without a function, nothing is summed up */
	struct pmap *taken; /* its sums */
	int index_count;
	struct batch_index indexes[FIELDS_MAX];
};

struct view_batch *view_batch_new(struct view *view, const struct kind *kind)
{
	struct view_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->view = view;
	b->kind = kind;
	b->tally.takes = tally_counts(kind->id) ? view->takes : NULL;
	if (kind->end_field >= 0) {
		b->draft = block_draft_new(kind);
		if (!b->draft) {
			free(b);
			return NULL;
		}
	}
	for (int f = 0; f < kind->field_count; f++) {
		int slot = view_index_slot(kind->id, f);

		if (slot < 0)
			continue;
		b->indexes[b->index_count].field = f;
		b->indexes[b->index_count++].slot = slot;
	}
	return b;
}

void view_batch_free(struct view_batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->ids.count; i++)
		object_unref(b->objects[i]);
	free(b->objects);
	key_list_done(&b->ids);
	for (size_t i = 0; i < b->numbers.count; i++)
		ref_put((struct ref *)b->blocks[i]);
	free(b->blocks);
	block_draft_free(b->draft);
	key_list_done(&b->numbers);
	pmap_unref(b->taken);
	for (int i = 0; i < b->index_count; i++)
		key_list_done(&b->indexes[i].keys);
	free(b);
}

/* The array of pointers with room for one more than @count. NULL when memory is short: it stays as it is. */
static void *with_room(void *array, size_t count, size_t *room)
{
	size_t more = *room ? 2 * *room : 32;
	void *grown;

	if (count < *room)
		return array;
	grown = reallocarray(array, more, sizeof(void *));
	if (grown)
		*room = more;
	return grown;
}

/* Makes the block of the objects that were added last and rest. */
static int end_block(struct view_batch *b)
{
	size_t count = b->draft ? block_draft_count(b->draft) : 0;
	struct block *block, **blocks;
	int r;

	if (!count)
		return 0;
	blocks = with_room(b->blocks, b->numbers.count, &b->block_room);
	if (!blocks)
		return -ENOMEM;
	b->blocks = blocks;
	block = block_draft_end(b->draft);
	r = block ? key_list_add(&b->numbers, (uint64_t)block_number(b->last)) : -ENOMEM;
	if (r < 0) {
		ref_put((struct ref *)block);
		return r;
	}
	b->blocks[b->numbers.count - 1] = block;
	b->in_blocks += count;
	return 0;
}

static int add_object(struct view_batch *b, const struct object *given)
{
	const struct object **objects = with_room(b->objects, b->ids.count, &b->room);
	_cleanup_object_ const struct object *o = object_pack(given);
	int r;

	if (objects)
		b->objects = objects;
	if (!objects || !o)
		return -ENOMEM;
	r = key_list_add(&b->ids, (uint64_t)o->id);
	if (r == 0)
		b->objects[b->ids.count - 1] = steal(&o);
	return r;
}

/* Many rows have the text of the one before. */
static uint64_t text_hash_of(struct batch_index *index, const struct object *o)
{
	const char *text = object_str(o, index->field);
	size_t len;

	if (*text && strcmp(index->text, text) == 0)
		return index->hash;
	len = strnlen(text, REMEMBERED);
	index->hash = object_text_hash(o, index->field);
	if (len < REMEMBERED)
		memcpy(index->text, text, len + 1);
	else
		index->text[0] = '\0';
	return index->hash;
}

int view_batch_add(struct view_batch *b, const struct object *o)
{
	int r = 0;

	if (o->id >= VIEW_ID_MAX)
		return -ERANGE;
	if (o->id <= b->last)
		return -EINVAL;
	for (int i = 0; i < b->index_count; i++) {
		struct batch_index *index = &b->indexes[i];

		if (object_is_null(o, index->field))
			continue;
		r = key_list_add(&index->keys, index_key(text_hash_of(index, o), o->id));
		if (r < 0)
			return r;
	}
	if (b->tally.takes)
		r = tally_add(&b->tally, &b->taken, o);
	if (r == 0 && b->last && block_number(b->last) != block_number(o->id))
		r = end_block(b);
	if (r == 0 && (!b->draft || !block_draft_add(b->draft, o)))
		r = add_object(b, o);
	b->last = o->id;
	return r;
}

/* Builds the indexes, which are NULL before. -ENOMEM; some are there then. */
static int build_indexes(struct view_batch *b, struct pmap **ret)
{
	for (int i = 0; i < b->index_count; i++) {
		struct key_list *keys = &b->indexes[i].keys;
		int r = key_list_sort(keys, VIEW_ID_BITS); /* the ids came in their order */

		if (r == 0)
			r = pmap_build(keys->keys, NULL, keys->count, &ret[i]);
		if (r < 0)
			return r;
		key_list_done(keys); /* at once: together they are as large as the indexes */
	}
	return 0;
}

int view_batch_put(struct view_batch *b)
{
	const enum kind_id kind = b->kind->id;
	struct pmap *indexes[FIELDS_MAX] = {NULL}, *objects = NULL;
	int r = end_block(b);

	if (r == 0)
		r = build_indexes(b, indexes);
	if (r == 0)
		r = pmap_build(b->ids.keys, (struct ref *const *)(uintptr_t)b->objects, b->ids.count,
			       &objects);
	if (r == 0) {
		r = pmap_build(b->numbers.keys, (struct ref *const *)(uintptr_t)b->blocks, b->numbers.count,
			       &b->view->blocks[kind]);
		if (r == 0) {
			b->view->objects[kind] = objects;
		} else {
			b->ids.count = 0; /* they are the map's */
			pmap_unref(objects);
		}
	}
	for (int i = 0; i < b->index_count; i++)
		if (r == 0)
			b->view->index[b->indexes[i].slot] = indexes[i];
		else
			pmap_unref(indexes[i]);
	if (r < 0)
		return r;
	b->view->in_blocks[kind] = b->in_blocks;
	if (b->last)
		b->view->last_id[kind] = b->last;
	b->ids.count = b->numbers.count = 0; /* they are the view's */
	return 0;
}

int view_batch_sum(struct view_batch *b)
{
	int r = tally_end(&b->tally, &b->taken);

	return r < 0 ? r : tally_merge(&b->view->taken, b->taken);
}
