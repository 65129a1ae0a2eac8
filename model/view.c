/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views. See view.h.
 *
 * One map per kind from row id to object, and one map per F_INDEX field from the
 * hash of the text to the set of row ids that may have it. Readers compare the
 * text itself, so a hash collision only costs time.
 */
#include "model/view.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "model/text.h"

/* Maximum number of F_INDEX fields; a unit test checks that there are not more. */
#define INDEX_MAX 160

struct view {
	struct ref ref;
	uint64_t version;
	int64_t changed[KIND_COUNT];
	struct pmap *objects[KIND_COUNT];
	struct pmap *index[INDEX_MAX];
};

/* Immutable after index_slots_init(). */
static short index_slot[KIND_COUNT][FIELDS_MAX];
static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static void index_slots_init(void)
{
	short next = 0;

	if (sodium_init() < 0)
		abort(); /* no source of random numbers */
	randombytes_buf(hash_key, sizeof(hash_key));
	for (int k = 0; k < KIND_COUNT; k++)
		for (int f = 0; f < FIELDS_MAX; f++) {
			const struct kind *kind = kind_get((enum kind_id)k);
			bool indexed = f < kind->field_count && (kind->fields[f].flags & F_INDEX);

			index_slot[k][f] = indexed && next < INDEX_MAX ? next++ : -1;
		}
}

/*
 * SipHash with a random key per process, so that clients cannot choose names that collide. Texts that are
 * equal by text_compare() have the same hash, so that queries can use the index.
 */
static uint64_t hash_text(const char *text)
{
	unsigned char out[crypto_shorthash_BYTES];
	char key[512];
	uint64_t hash;

	crypto_shorthash(out, (const unsigned char *)key, text_key(text, key, sizeof(key)), hash_key);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}

static void view_destroy(struct ref *self)
{
	struct view *view = (struct view *)self;

	for (size_t i = 0; i < ARRAY_SIZE(view->objects); i++)
		pmap_unref(view->objects[i]);
	for (size_t i = 0; i < ARRAY_SIZE(view->index); i++)
		pmap_unref(view->index[i]);
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
	for (size_t i = 0; i < ARRAY_SIZE(view->index); i++)
		pmap_ref(view->index[i]);
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

/* The set of row ids for @hash in the index @slot, borrowed; NULL when empty. */
static struct pmap *index_set(const struct view *view, int slot, uint64_t hash)
{
	struct ref *set = NULL;

	pmap_get(view->index[slot], hash, &set);
	return (struct pmap *)set;
}

static int index_add(struct view *view, int slot, const char *text, int64_t id)
{
	uint64_t hash = hash_text(text);
	struct pmap *set = pmap_ref(index_set(view, slot, hash));
	int r = pmap_set(&set, (uint64_t)id, NULL);

	if (r == 0)
		r = pmap_set(&view->index[slot], hash, (struct ref *)set);
	if (r < 0)
		pmap_unref(set);
	return r;
}

static int index_drop(struct view *view, int slot, const char *text, int64_t id)
{
	uint64_t hash = hash_text(text);
	struct pmap *set = pmap_ref(index_set(view, slot, hash));
	int r = pmap_remove(&set, (uint64_t)id);

	if (r == 0)
		r = set ? pmap_set(&view->index[slot], hash, (struct ref *)set)
			: pmap_remove(&view->index[slot], hash);
	if (r < 0)
		pmap_unref(set);
	return r;
}

/* Updates the indexes from @before to @after, either of which may be NULL. */
static int index_update(struct view *view, const struct object *before, const struct object *after)
{
	const struct kind *kind = after ? after->kind : before->kind;

	for (int f = 0; f < kind->field_count; f++) {
		int slot = index_slot[kind->id][f], r = 0;
		const char *old = before ? object_str(before, f) : NULL;
		const char *new = after ? object_str(after, f) : NULL;

		if (slot < 0 || (old && new &&strcmp(old, new) == 0))
			continue;
		if (old)
			r = index_drop(view, slot, old, before->id);
		if (r == 0 && new)
			r = index_add(view, slot, new, after->id);
		if (r < 0)
			return r;
	}
	return 0;
}

int view_put(struct view *view, const struct object *o)
{
	const struct object *before = view_get_id(view, o->kind->id, o->id);
	int r = index_update(view, before, o);

	if (r < 0)
		return r;
	object_ref(o);
	r = pmap_set(&view->objects[o->kind->id], (uint64_t)o->id, (struct ref *)(uintptr_t)o);
	if (r < 0)
		object_unref(o);
	return r;
}

int view_remove(struct view *view, const struct object *o)
{
	int r = index_update(view, o, NULL);

	if (r < 0)
		return r;
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

uint64_t view_version(const struct view *view)
{
	return view->version;
}

size_t view_count(const struct view *view, enum kind_id kind)
{
	return pmap_count(view->objects[kind]);
}

const struct object *view_get_id(const struct view *view, enum kind_id kind, int64_t id)
{
	struct ref *o = NULL;

	pmap_get(view->objects[kind], (uint64_t)id, &o);
	return (const struct object *)o;
}

const struct object *view_next(const struct view *view, enum kind_id kind, int64_t after)
{
	struct ref *o = NULL;

	pmap_next(view->objects[kind], (uint64_t)after, NULL, &o);
	return (const struct object *)o;
}

void view_walk_init(struct view_walk *walk, const struct view *view, enum kind_id kind, int field)
{
	walk->field = field;
	pmap_cursor_init(&walk->cursor, view->objects[kind]);
	walk->next = walk->count = 0;
}

const struct object *view_walk_next(struct view_walk *walk)
{
	const struct object *o;

	if (walk->next < walk->count)
		return walk->ahead[walk->next++];
	/* Memory latency dominates: prefetch several objects before using the first. */
	walk->count = 0;
	while (walk->count < ARRAY_SIZE(walk->ahead) &&
	       (o = (const struct object *)pmap_cursor_next(&walk->cursor))) {
		__builtin_prefetch(o);
		__builtin_prefetch(&o->values[walk->field < 0 ? 0 : walk->field]);
		walk->ahead[walk->count++] = o;
	}
	for (unsigned i = 0; i < walk->count && walk->field >= 0; i++)
		__builtin_prefetch(object_str(walk->ahead[i], walk->field));
	walk->next = 1;
	return walk->count ? walk->ahead[0] : NULL;
}

const struct object *view_next_candidate(const struct view *view, enum kind_id kind, int field,
					 const char *value, int64_t after)
{
	int slot = index_slot[kind][field];
	const struct pmap *set = slot < 0 || !value ? NULL : index_set(view, slot, hash_text(value));
	uint64_t id;

	return pmap_next(set, (uint64_t)after, &id, NULL) ? view_get_id(view, kind, (int64_t)id) : NULL;
}

const struct object *view_newest_where(const struct view *view, enum kind_id kind, int field,
				       const char *value)
{
	int slot = index_slot[kind][field];
	const struct pmap *set = slot < 0 || !value ? NULL : index_set(view, slot, hash_text(value));
	const struct object *o;
	uint64_t id;

	if (!pmap_last(set, &id, NULL))
		return NULL;
	o = view_get_id(view, kind, (int64_t)id);
	return o && object_str_is(o, field, value) ? o : NULL;
}

const struct object *view_next_where(const struct view *view, enum kind_id kind, int field, const char *value,
				     int64_t after)
{
	const struct object *o = view_next_candidate(view, kind, field, value, after);

	while (o && !object_str_is(o, field, value))
		o = view_next_candidate(view, kind, field, value, o->id);
	return o;
}

size_t view_count_where(const struct view *view, enum kind_id kind, int field, const char *value)
{
	int slot = index_slot[kind][field];

	return slot < 0 || !value ? 0 : pmap_count(index_set(view, slot, hash_text(value)));
}

const struct object *view_get(const struct view *view, enum kind_id kind, const char *uuid)
{
	return view_next_where(view, kind, FIELD_UUID, uuid, 0);
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
