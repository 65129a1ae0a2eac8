/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kept.h.
 *
 * A hash table of objects with open addressing and linear probing, at most half full.
 */
#include "fs/tree/kept.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "model/cleanup.h"
#include "model/keep.h"
#include "model/store.h"

#define SLOTS_MIN 1024

/* Bits of the files of an object; those of its values follow. */
enum { BIT_SELF, BIT_JOB, BIT_INVENTORY, BIT_VALUES };

#define VALUES_MAX (64 - BIT_VALUES)

struct slot {
	uint64_t object; /* 0 = free */
	uint64_t bits;
	uint64_t pages; /* of these, those whose content in the kernel's pages is the present one */
	uint64_t given; /* also those that were taken: what `keep` has */
};

struct kept {
	struct keep *keep;   /* or NULL */
	struct store *store; /* or NULL */
	pthread_mutex_t lock;
	struct slot *slots; /* lock; owned */
	unsigned shift;	    /* lock; 64 - log2 of the number of slots */
	size_t used;	    /* lock */
};

void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	pthread_mutex_destroy(&kept->lock);
	free(kept->slots);
	free(kept);
}

uint64_t kept_bit(struct node node)
{
	unsigned bit = BIT_SELF;

	if (node.class == N_JOB)
		bit = BIT_JOB;
	else if (node.class == N_INVENTORY)
		bit = BIT_INVENTORY;
	else if (node.class == N_VALUE)
		bit = BIT_VALUES + node.index % VALUES_MAX; /* kinds with more fields have bits for several */
	return UINT64_C(1) << bit;
}

/* The number of the object that a node belongs to; of one without object, its own. */
static uint64_t object_of(struct node node)
{
	if (node.row) {
		node.class = N_OBJECT;
		node.index = 0;
	}
	return node_pack(node);
}

/* The slot of the object, or the free one where it belongs. */
static struct slot *find(const struct kept *kept, uint64_t object)
{
	const size_t mask = (SIZE_MAX >> kept->shift);
	/* Fibonacci hashing */
	size_t at = (size_t)(object * UINT64_C(0x9E3779B97F4A7C15) >> kept->shift);

	while (kept->slots[at].object && kept->slots[at].object != object)
		at = (at + 1) & mask;
	return &kept->slots[at];
}

/* Doubles the table. */
static int grow(struct kept *kept)
{
	struct kept larger = {.shift = kept->shift - 1};
	size_t count = (SIZE_MAX >> kept->shift) + 1;

	larger.slots = calloc(2 * count, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (kept->slots[i].object)
			*find(&larger, kept->slots[i].object) = kept->slots[i];
	free(kept->slots);
	kept->slots = larger.slots;
	kept->shift = larger.shift;
	return 0;
}

/* The slot of the object, which gets one if it has none. Under lock. -ENOMEM. */
static int get(struct kept *kept, uint64_t object, struct slot **ret)
{
	struct slot *slot = find(kept, object);

	if (!slot->object) {
		if (2 * (kept->used + 1) > SIZE_MAX >> kept->shift) {
			int r = grow(kept);

			if (r < 0)
				return r;
			slot = find(kept, object);
		}
		slot->object = object;
		kept->used++;
	}
	*ret = slot;
	return 0;
}

/* What the process before this one has given. */
static int load(struct kept *kept)
{
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(kept->keep, KEEP_GIVEN, &count);

	scoped_lock(&kept->lock);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot;
		uint64_t bits;
		int r;

		if (!keep_read(kept->keep, KEEP_GIVEN, list[i], &bits, sizeof(bits)))
			continue;
		r = get(kept, list[i], &slot);
		if (r < 0)
			return r;
		slot->bits = slot->given = bits;
	}
	return 0;
}

struct kept *kept_new(struct keep *keep, struct store *store)
{
	struct kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return NULL;
	kept->slots = calloc(SLOTS_MIN, sizeof(*kept->slots));
	if (!kept->slots) {
		free(kept);
		return NULL;
	}
	kept->shift = 64 - (unsigned)__builtin_ctz(SLOTS_MIN);
	kept->keep = keep;
	kept->store = store;
	pthread_mutex_init(&kept->lock, NULL);
	if (load(kept) == 0)
		return kept;
	kept_free(kept);
	return NULL;
}

/* Frees a slot, and moves those that were probed past it nearer to where they belong. */
static void clear(struct kept *kept, struct slot *slot)
{
	const size_t mask = SIZE_MAX >> kept->shift;
	size_t at = (size_t)(slot - kept->slots);

	*slot = (struct slot){0};
	kept->used--;
	for (at = (at + 1) & mask; kept->slots[at].object; at = (at + 1) & mask) {
		struct slot moved = kept->slots[at];

		kept->slots[at] = (struct slot){0};
		*find(kept, moved.object) = moved;
	}
}

int kept_add(struct kept *kept, struct node node)
{
	const uint64_t object = object_of(node), bit = kept_bit(node);
	_cleanup_view_ struct view *view = NULL;
	struct slot *slot;
	uint64_t given;
	int r;

	scoped_lock(&kept->lock);
	/* Under the lock: an object that is in the view is removed from here after this, by kept_forget(). */
	view = kept->store && node.row ? store_newest_view(kept->store) : NULL;
	if (view && !view_has_id(view, node.kind, node.row))
		return -ESTALE;
	r = get(kept, object, &slot);
	if (r < 0)
		return r;
	given = slot->given | bit;
	r = given == slot->given ? 0 : keep_set_now(kept->keep, KEEP_GIVEN, object, &given, sizeof(given));
	if (r < 0) {
		if (!slot->given)
			clear(kept, slot);
		return r;
	}
	slot->given = given;
	slot->bits |= bit;
	return 0;
}

bool kept_add_pages(struct kept *kept, struct node node)
{
	const uint64_t bit = kept_bit(node);
	struct slot *slot;
	bool had;

	scoped_lock(&kept->lock);
	slot = find(kept, object_of(node));
	had = slot->pages & bit;
	slot->pages |= slot->bits & bit;
	return had;
}

void kept_take_pages(struct kept *kept, struct node node)
{
	scoped_lock(&kept->lock);
	find(kept, object_of(node))->pages &= ~kept_bit(node);
}

bool kept_knows_pages(struct node node)
{
	const unsigned fields = (unsigned)kind_get(node.kind)->field_count;

	return node.class != N_VALUE || (node.index < VALUES_MAX && node.index + VALUES_MAX >= fields);
}

uint64_t kept_take(struct kept *kept, struct node object, uint64_t bits)
{
	struct slot *slot;

	scoped_lock(&kept->lock);
	slot = find(kept, object_of(object));
	bits &= slot->bits;
	slot->bits &= ~bits;
	slot->pages &= ~bits;
	return bits;
}

void kept_forget(struct kept *kept, struct node object)
{
	const uint64_t number = object_of(object);
	struct slot *slot;

	scoped_lock(&kept->lock);
	slot = find(kept, number);
	if (!slot->object)
		return;
	keep_remove(kept->keep, KEEP_GIVEN, number);
	clear(kept, slot);
}

uint64_t *kept_list(struct kept *kept, size_t *ret_count)
{
	uint64_t *list;
	size_t count = 0;

	scoped_lock(&kept->lock);
	list = malloc((kept->used + 1) * sizeof(*list));
	for (size_t i = 0; list && i <= SIZE_MAX >> kept->shift; i++)
		if (kept->slots[i].bits)
			list[count++] = kept->slots[i].object;
	*ret_count = count;
	return list;
}
