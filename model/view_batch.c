/* SPDX-License-Identifier: Apache-2.0 */
/* See view_batch.h. */
#include "model/view_batch.h"

#include <errno.h>
#include <stdlib.h>

#include "model/key_list.h"
#include "model/view_internal.h"

struct view_batch {
	struct view *view; /* borrowed */
	const struct kind *kind;
	struct key_list ids;
	const struct object **objects; /* of these ids */
	size_t room;		       /* of `objects` */
	int index_count;
	struct {
		int field, slot;
		struct key_list keys;
	} indexes[FIELDS_MAX];
};

struct view_batch *view_batch_new(struct view *view, const struct kind *kind)
{
	struct view_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->view = view;
	b->kind = kind;
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
	for (int i = 0; i < b->index_count; i++)
		key_list_done(&b->indexes[i].keys);
	free(b);
}

/* Makes room for one more object. */
static int make_room(struct view_batch *b)
{
	size_t room = b->room ? 2 * b->room : 32;
	const struct object **grown;

	if (b->ids.count < b->room)
		return 0;
	grown = reallocarray(b->objects, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	b->objects = grown;
	b->room = room;
	return 0;
}

int view_batch_add(struct view_batch *b, const struct object *o)
{
	size_t count = b->ids.count;
	int r;

	if (o->id >= VIEW_ID_MAX)
		return -ERANGE;
	if (o->id <= (count ? (int64_t)b->ids.keys[count - 1] : 0))
		return -EINVAL;
	for (int i = 0; i < b->index_count; i++) {
		if (object_is_null(o, b->indexes[i].field))
			continue;
		r = key_list_add(&b->indexes[i].keys,
				 index_key(object_text_hash(o, b->indexes[i].field), o->id));
		if (r < 0)
			return r;
	}
	r = make_room(b);
	if (r == 0)
		r = key_list_add(&b->ids, (uint64_t)o->id);
	if (r == 0)
		b->objects[count] = object_ref(o);
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
	struct pmap *indexes[FIELDS_MAX] = {NULL};
	int r = build_indexes(b, indexes);

	if (r == 0)
		r = pmap_build(b->ids.keys, (struct ref *const *)(uintptr_t)b->objects, b->ids.count,
			       &b->view->objects[b->kind->id]);
	for (int i = 0; i < b->index_count; i++)
		if (r == 0)
			b->view->index[b->indexes[i].slot] = indexes[i];
		else
			pmap_unref(indexes[i]);
	if (r < 0)
		return r;
	if (b->ids.count)
		b->view->last_id[b->kind->id] = (int64_t)b->ids.keys[b->ids.count - 1];
	b->ids.count = 0; /* the objects are the view's */
	return 0;
}
