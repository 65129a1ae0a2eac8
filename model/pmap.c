/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Persistent B+ tree with in-place changes of unshared nodes. See pmap.h.
 *
 * Key i of an inner node is not larger than any key below child i, and larger than all below the children before it;
 * the first is not looked at. A change makes room on its way down: it splits what is full before it goes on, which
 * leaves the content as it is, so that it can end at any node when memory is short.
 *
 * The keys of a leaf are kept in as few bytes each as tell them apart: those of an index are the upper bits of a hash and a
 * row id (view.c), both of which are near to each other there. So a key has two parts, KEY_LOW bits and what is above, and
 * of each the difference to the least one of the leaf is kept.
 */
#include "model/pmap.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

/*
 * The most entries of a node. A copy of a node refers once more to each child or value, which is what a change
 * costs; keys alone are copied at once.
 */
#define ENTRIES_MAX 16
#define KEYS_MAX    64
/* The room of a node grows in steps of this. */
#define STEP 4

/* The bits of the lower part of a key. */
#define KEY_LOW	     40
#define KEY_LOW_MASK ((UINT64_C(1) << KEY_LOW) - 1)

struct pmap {
	struct ref ref;	     /* first member: a map may be the value of another map */
	uint64_t base;	     /* the least parts of all keys of this node */
	uint32_t count;	     /* keys in this subtree */
	uint8_t n, room;     /* entries in this node */
	uint8_t height;	     /* of a leaf: 0 */
	uint8_t bare : 1;    /* a leaf of a set: it has no slots */
	uint8_t high : 2;    /* bytes of the difference of the upper part */
	uint8_t low : 3;     /* and of the lower one */
	struct ref *slots[]; /* @room of them: children, or values, owned; after them as many keys */
};

/* How keys are kept. */
struct form {
	uint64_t base;
	unsigned high, low;
};

/* Fits all keys. Inner nodes have it: there are few of them, and they are searched most. */
static const struct form any_form = {.high = 3, .low = 5};

static unsigned key_size(const struct pmap *n)
{
	return n->high + n->low;
}

static uint8_t *keys(const struct pmap *n)
{
	return (uint8_t *)(uintptr_t)(n->slots + (n->bare ? 0 : n->room));
}

/* The number of a key among those that its form can tell: they have the same order. */
static uint64_t key_number(const struct pmap *n, uint64_t key)
{
	uint64_t high = (key >> KEY_LOW) - (n->base >> KEY_LOW);

	return high << 8 * n->low | ((key & KEY_LOW_MASK) - (n->base & KEY_LOW_MASK));
}

static uint64_t number_at(const struct pmap *n, unsigned i)
{
	uint64_t number;

	memcpy(&number, keys(n) + i * key_size(n), sizeof(number)); /* more than it has: see node_size() */
	return le64toh(number) & UINT64_MAX >> (64 - 8 * key_size(n));
}

static uint64_t key_at(const struct pmap *n, unsigned i)
{
	uint64_t number = number_at(n, i);

	return n->base + (number >> 8 * n->low << KEY_LOW) + (number & ((UINT64_C(1) << 8 * n->low) - 1));
}

static void set_key(struct pmap *n, unsigned i, uint64_t key)
{
	uint64_t number = htole64(key_number(n, key));

	memcpy(keys(n) + i * key_size(n), &number, key_size(n));
}

/* Can the node keep this key in its form? */
static bool fits(const struct pmap *n, uint64_t key)
{
	uint64_t base_high = n->base >> KEY_LOW, base_low = n->base & KEY_LOW_MASK;
	uint64_t high = key >> KEY_LOW, low = key & KEY_LOW_MASK;

	return high >= base_high && low >= base_low && (high - base_high) >> 8 * n->high == 0 &&
	       (low - base_low) >> 8 * n->low == 0;
}

/* The parts of some keys that are the least and the largest. Of none, the least are larger. */
struct range {
	uint64_t least_high, most_high, least_low, most_low;
};
#define RANGE_NONE ((struct range){.least_high = UINT64_MAX, .least_low = UINT64_MAX})

static void range_add(struct range *r, uint64_t key)
{
	uint64_t high = key >> KEY_LOW, low = key & KEY_LOW_MASK;

	r->least_high = high < r->least_high ? high : r->least_high;
	r->most_high = high > r->most_high ? high : r->most_high;
	r->least_low = low < r->least_low ? low : r->least_low;
	r->most_low = low > r->most_low ? low : r->most_low;
}

static unsigned bytes_of(uint64_t number)
{
	unsigned bytes = 0;

	for (; number; number >>= 8)
		bytes++;
	return bytes;
}

/* The form that takes the least. */
static struct form range_form(const struct range *r)
{
	unsigned low = bytes_of(r->most_low - r->least_low);

	return (struct form){.base = r->least_high << KEY_LOW | r->least_low,
			     .high = bytes_of(r->most_high - r->least_high),
			     .low = low ? low : 1};
}

static struct ref **slots(const struct pmap *n)
{
	return (struct ref **)(uintptr_t)n->slots;
}

static struct pmap **children(const struct pmap *n)
{
	return (struct pmap **)slots(n);
}

static unsigned room_max(const struct pmap *n)
{
	return n->bare ? KEYS_MAX : ENTRIES_MAX;
}

static void node_destroy(struct ref *self)
{
	struct pmap *n = (struct pmap *)self;

	for (unsigned i = 0; i < n->n && !n->bare; i++)
		ref_put(slots(n)[i]);
	free(n);
}

/* With what number_at() reads behind the last key. */
static size_t node_size(unsigned room, const struct form *form, bool bare)
{
	unsigned key_bytes = form->high + form->low;

	return sizeof(struct pmap) + room * (key_bytes + (bare ? 0 : sizeof(struct ref *))) +
	       sizeof(uint64_t) - key_bytes;
}

/* An empty node with room for at least @entries. */
static struct pmap *node_new(unsigned height, unsigned entries, bool bare, const struct form *form)
{
	unsigned room = (entries + STEP - 1) / STEP * STEP;
	struct pmap *n = malloc(node_size(room, form, bare));

	if (!n)
		return NULL;
	ref_init(&n->ref, node_destroy);
	n->base = form->base;
	n->high = form->high & 3;
	n->low = form->low & 7;
	n->count = 0;
	n->n = 0;
	n->room = (uint8_t)room;
	n->height = (uint8_t)height;
	n->bare = bare;
	return n;
}

static struct form form_of(const struct pmap *n)
{
	return (struct form){.base = n->base, .high = n->high, .low = n->low};
}

/* Appends @count entries of @from to @to, which has room for them and fits them. The references move, too. */
static void append(struct pmap *to, const struct pmap *from, unsigned first, unsigned count)
{
	if (to->base == from->base && to->high == from->high && to->low == from->low)
		memcpy(keys(to) + to->n * key_size(to), keys(from) + first * key_size(from),
		       (size_t)count * key_size(to));
	else
		for (unsigned i = 0; i < count; i++)
			set_key(to, to->n + i, key_at(from, first + i));
	if (!to->bare)
		memcpy(slots(to) + to->n, slots(from) + first, count * sizeof(struct ref *));
	to->n = (uint8_t)(to->n + count);
}

/* Frees a node whose entries have moved, or, if others refer to it, adds references to the entries for the copy. */
static void give_up(struct pmap *n)
{
	if (ref_is_unique(&n->ref)) {
		free(n);
		return;
	}
	for (unsigned i = 0; i < n->n && !n->bare; i++)
		ref_get(slots(n)[i]);
	pmap_unref(n);
}

/* The form for the keys of a leaf and those of @more: that of the leaf, if no other takes less. */
static struct form form_for(const struct pmap *n, const struct range *more)
{
	struct range r = *more;
	struct form form;

	if (n->height)
		return any_form;
	for (unsigned i = 0; i < n->n; i++)
		range_add(&r, key_at(n, i));
	form = range_form(&r);
	if (form.high + form.low < key_size(n) || more->least_high < n->base >> KEY_LOW ||
	    more->least_low < (n->base & KEY_LOW_MASK))
		return form;
	return form.high <= n->high && form.low <= n->low && fits(n, r.most_high << KEY_LOW | r.most_low)
		       ? form_of(n)
		       : form;
}

/* Moves the node in *slot to one with room for @entries that fits the keys of @more, too. -ENOMEM. */
static int node_move(struct pmap **slot, unsigned entries, const struct range *more)
{
	struct pmap *old = *slot, *moved;
	struct form form = form_for(old, more);

	moved = node_new(old->height, entries, old->bare, &form);
	if (!moved)
		return -ENOMEM;
	append(moved, old, 0, old->n);
	moved->count = old->count;
	give_up(old);
	*slot = moved;
	return 0;
}

/* Makes *slot a node that nothing else refers to. -ENOMEM. */
static int node_open(struct pmap **slot)
{
	return ref_is_unique(&(*slot)->ref) ? 0 : node_move(slot, (*slot)->n, &RANGE_NONE);
}

/* The same with room for one more entry, of @key. */
static int node_open_for(struct pmap **slot, uint64_t key)
{
	const struct pmap *n = *slot;
	struct range more = RANGE_NONE;

	if (ref_is_unique(&n->ref) && n->n < n->room && (n->height || fits(n, key)))
		return 0;
	range_add(&more, key);
	return node_move(slot, n->n + 1U, &more);
}

size_t pmap_count(const struct pmap *n)
{
	return n ? n->count : 0;
}

static void node_recount(struct pmap *n)
{
	n->count = n->height ? 0 : n->n;
	for (unsigned i = 0; i < n->n && n->height; i++)
		n->count += children(n)[i]->count;
}

/*
 * The number up to which those of keys that are at most @key go. False: there is none. What the form cannot tell is before
 * or behind all that it can.
 */
static bool number_of_most(const struct pmap *n, uint64_t key, uint64_t *ret)
{
	uint64_t base_low = n->base & KEY_LOW_MASK, high, low = key & KEY_LOW_MASK;

	if (key >> KEY_LOW < n->base >> KEY_LOW)
		return false;
	high = (key >> KEY_LOW) - (n->base >> KEY_LOW);
	*ret = UINT64_MAX;
	if (high >> 8 * n->high)
		return true;
	if (low < base_low) {
		*ret = (high << 8 * n->low) - 1;
		return high > 0;
	}
	low -= base_low;
	*ret = high << 8 * n->low | (low >> 8 * n->low ? (UINT64_C(1) << 8 * n->low) - 1 : low);
	return true;
}

/* The same as below for keys of @size bytes, which is a constant where it is called. */
static inline unsigned search(const uint8_t *keys_of, unsigned count, unsigned size, uint64_t most)
{
	const uint64_t mask = UINT64_MAX >> (64 - 8 * size);
	unsigned from = 0;

	while (count > 0) {
		unsigned half = count / 2;
		uint64_t number;

		memcpy(&number, keys_of + (from + half) * size, sizeof(number));
		if ((le64toh(number) & mask) <= most) {
			from += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return from;
}

/* The number of keys of the node that are at most @key. */
static unsigned position(const struct pmap *n, uint64_t key)
{
	uint64_t most = key;

	if (n->height)
		return search(keys(n), n->n, sizeof(most), most); /* any_form */
	if (!number_of_most(n, key, &most))
		return 0;
	switch (key_size(n)) {
	case 1:
		return search(keys(n), n->n, 1, most);
	case 2:
		return search(keys(n), n->n, 2, most);
	case 5:
		return search(keys(n), n->n, 5, most);
	default:
		return search(keys(n), n->n, key_size(n), most);
	}
}

static unsigned child_index(const struct pmap *n, uint64_t key)
{
	unsigned i = position(n, key);

	return i ? i - 1 : 0;
}

/* The leaf where @key is, or belongs. */
static const struct pmap *find_leaf(const struct pmap *n, uint64_t key)
{
	while (n->height)
		n = children(n)[child_index(n, key)];
	return n;
}

/* Moves the keys from entry @from on to entry @to. */
static void move_keys(struct pmap *n, unsigned to, unsigned from)
{
	memmove(keys(n) + to * key_size(n), keys(n) + from * key_size(n),
		(size_t)(n->n - from) * key_size(n));
}

/* The node has room and fits the key. */
static void insert_entry(struct pmap *n, unsigned at, uint64_t key, struct ref *slot)
{
	move_keys(n, at + 1, at);
	set_key(n, at, key);
	if (!n->bare) {
		memmove(slots(n) + at + 1, slots(n) + at, (n->n - at) * sizeof(slot));
		slots(n)[at] = slot;
	}
	n->n++;
}

/* Does not drop the reference in the slot. */
static void delete_entry(struct pmap *n, unsigned at)
{
	move_keys(n, at, at + 1);
	n->n--;
	if (!n->bare)
		memmove(slots(n) + at, slots(n) + at + 1, (n->n - at) * sizeof(struct ref *));
}

/* -------------------------------------------------------------------- set */

/*
 * Splits child @i, which is full, so that @key has room in one of the halves. The caller's node is unique and has
 * room. Keys that come in ascending order leave full nodes behind.
 */
static int split(struct pmap *n, unsigned i, uint64_t key)
{
	struct pmap **slot = &children(n)[i], *left, *right;
	unsigned at;
	struct form form;
	int r = node_open(slot);

	if (r < 0)
		return r;
	left = *slot;
	form = form_of(left);
	at = key > key_at(left, left->n - 1U) ? left->n - 1U : left->n / 2U;
	right = node_new(left->height, left->n - at + 1, left->bare, &form);
	if (!right)
		return -ENOMEM;
	append(right, left, at, left->n - at);
	left->n = (uint8_t)at;
	node_recount(right);
	node_recount(left);
	insert_entry(n, i + 1, key_at(right, 0), &right->ref);
	if (left->n + STEP < left->room)
		(void)node_move(slot, left->n + 1U, &RANGE_NONE); /* it only takes more memory otherwise */
	return 0;
}

static int set_below(struct pmap **slot, uint64_t key, struct ref *value, bool fresh)
{
	const struct pmap *child;
	struct pmap *n = *slot;
	bool full = false;
	int r;

	if (n->height) {
		child = children(n)[child_index(n, key)];
		full = fresh && child->n == room_max(child);
	}
	r = full || (fresh && !n->height) ? node_open_for(slot, key) : node_open(slot);
	if (r < 0)
		return r;
	n = *slot;
	if (n->height) {
		if (full)
			r = split(n, child_index(n, key), key);
		if (r == 0)
			r = set_below(&children(n)[child_index(n, key)], key, value, fresh);
		if (r == 0 && fresh)
			n->count++;
		return r;
	}
	if (fresh) {
		insert_entry(n, position(n, key), key, value);
		n->count++;
	} else if (!n->bare) {
		struct ref **old = &slots(n)[position(n, key) - 1];

		ref_put(*old);
		*old = value;
	}
	return 0;
}

/* Makes *root the only child of a new root. */
static int grow(struct pmap **root)
{
	struct pmap *top = node_new((*root)->height + 1U, 2, false, &any_form);

	if (!top)
		return -ENOMEM;
	top->count = (*root)->count;
	insert_entry(top, 0, key_at(*root, 0), &(*root)->ref);
	*root = top;
	return 0;
}

int pmap_set(struct pmap **root, uint64_t key, struct ref *value)
{
	bool fresh = !pmap_get(*root, key, NULL);
	const struct form form = {.base = key, .low = 1};
	int r = 0;

	if (value && *root && find_leaf(*root, key)->bare)
		return -EINVAL;
	if (!*root) {
		*root = node_new(0, 1, !value, &form);
		if (!*root)
			return -ENOMEM;
		insert_entry(*root, 0, key, value);
		(*root)->count = 1;
		return 0;
	}
	if (fresh && (*root)->n == room_max(*root))
		r = grow(root);
	return r < 0 ? r : set_below(root, key, value, fresh);
}

/* ------------------------------------------------------------------ build */

/* Where entry group @i of @groups begins, when @count entries are divided evenly. */
static size_t group_begin(size_t count, size_t groups, size_t i)
{
	return count / groups * i + (i < count % groups ? i : count % groups);
}

/* Frees the nodes of a tree that was not completed, but not its values. */
static void discard(struct pmap *n)
{
	for (unsigned i = 0; i < n->n && n->height; i++)
		discard(children(n)[i]);
	free(n);
}

/* Makes the @leaf_count leaves of a map. -ENOMEM; those that there are then are in @ret, the others are NULL. */
static int build_leaves(const uint64_t *keys, struct ref *const *values, size_t count, size_t leaf_count,
			struct pmap **ret)
{
	for (size_t i = 0; i < leaf_count; i++)
		ret[i] = NULL;
	for (size_t i = 0; i < leaf_count; i++) {
		size_t from = group_begin(count, leaf_count, i);
		unsigned n = (unsigned)(group_begin(count, leaf_count, i + 1) - from);
		struct range range = RANGE_NONE;
		struct form form;

		for (unsigned k = 0; k < n; k++)
			range_add(&range, keys[from + k]);
		form = range_form(&range);
		ret[i] = node_new(0, n, !values, &form);
		if (!ret[i])
			return -ENOMEM;
		ret[i]->n = (uint8_t)n;
		ret[i]->count = n;
		for (unsigned k = 0; k < n; k++)
			set_key(ret[i], k, keys[from + k]);
		if (values)
			memcpy(slots(ret[i]), values + from, n * sizeof(*values));
	}
	return 0;
}

/* Replaces the @count nodes of a level by the @parent_count nodes above them. -ENOMEM; the nodes are all there. */
static int build_parents(struct pmap **level, size_t count, size_t parent_count)
{
	for (size_t i = 0; i < parent_count; i++) {
		size_t from = group_begin(count, parent_count, i),
		       end = group_begin(count, parent_count, i + 1);
		struct pmap *parent =
			node_new(level[from]->height + 1U, (unsigned)(end - from), false, &any_form);

		if (!parent)
			return -ENOMEM;
		for (; from < end; from++) {
			struct pmap *child = steal(&level[from]);

			insert_entry(parent, parent->n, key_at(child, 0), &child->ref);
			parent->count += child->count;
		}
		level[i] = parent;
	}
	return 0;
}

int pmap_build(const uint64_t *keys, struct ref *const *values, size_t count, struct pmap **ret_root)
{
	size_t max = values ? ENTRIES_MAX : KEYS_MAX, leaf_count = (count + max - 1) / max, n = leaf_count;
	_cleanup_free_ struct pmap **level = malloc((n ? n : 1) * sizeof(struct pmap *));
	int r = level ? build_leaves(keys, values, count, leaf_count, level) : -ENOMEM;

	while (r == 0 && n > 1) {
		size_t parent_count = (n + ENTRIES_MAX - 1) / ENTRIES_MAX;

		r = build_parents(level, n, parent_count);
		n = parent_count;
	}
	if (r == 0)
		*ret_root = n ? level[0] : NULL;
	for (size_t i = 0; r < 0 && level && i < leaf_count; i++)
		if (level[i])
			discard(level[i]);
	return r;
}

/* ----------------------------------------------------------------- remove */

/* Unites child @i with the next one when both are small. When memory is short, they stay. */
static void unite(struct pmap *n, unsigned i)
{
	struct pmap *left, *right;
	struct range more = RANGE_NONE;

	if (i + 1 >= n->n)
		return;
	left = children(n)[i];
	right = children(n)[i + 1];
	if (left->bare != right->bare || left->n + right->n > (unsigned)room_max(left) / 2)
		return;
	for (unsigned k = 0; k < right->n; k++)
		range_add(&more, key_at(right, k));
	if (node_move(&children(n)[i], left->n + (unsigned)right->n, &more) < 0)
		return;
	left = children(n)[i];
	append(left, right, 0, right->n);
	if (left->height)
		set_key(left, left->n - (unsigned)right->n, key_at(n, i + 1));
	left->count += right->count;
	give_up(right);
	delete_entry(n, i + 1);
}

static int remove_below(struct pmap **slot, uint64_t key)
{
	struct pmap *n;
	unsigned i;
	int r = node_open(slot);

	if (r < 0)
		return r;
	n = *slot;
	if (!n->height) {
		i = position(n, key) - 1;
		if (!n->bare)
			ref_put(slots(n)[i]);
		delete_entry(n, i);
		n->count--;
		return 0;
	}
	i = child_index(n, key);
	r = remove_below(&children(n)[i], key);
	if (r < 0)
		return r;
	n->count--;
	if (children(n)[i]->n == 0) {
		pmap_unref(children(n)[i]);
		delete_entry(n, i);
	} else {
		unite(n, i);
		if (i > 0)
			unite(n, i - 1);
	}
	return 0;
}

int pmap_remove(struct pmap **root, uint64_t key)
{
	int r;

	if (!pmap_get(*root, key, NULL))
		return -ENOENT;
	r = remove_below(root, key);
	if (r < 0)
		return r;
	while ((*root)->height && (*root)->n == 1) {
		struct pmap *top = *root;

		*root = pmap_ref(children(top)[0]);
		pmap_unref(top);
	}
	if ((*root)->n == 0) {
		pmap_unref(*root);
		*root = NULL;
	}
	return 0;
}

/* ------------------------------------------------------------------- read */

bool pmap_get(const struct pmap *root, uint64_t key, struct ref **ret_value)
{
	const struct pmap *leaf = root ? find_leaf(root, key) : NULL;
	unsigned i = leaf ? position(leaf, key) : 0;

	if (i == 0 || key_at(leaf, i - 1) != key)
		return false;
	if (ret_value)
		*ret_value = leaf->bare ? NULL : slots(leaf)[i - 1];
	return true;
}

bool pmap_next(const struct pmap *n, uint64_t after, uint64_t *ret_key, struct ref **ret_value)
{
	const struct pmap *beyond = NULL; /* what lies behind the path */
	unsigned i;

	if (!n)
		return false;
	while (n->height) {
		i = child_index(n, after);
		if (i + 1U < n->n)
			beyond = children(n)[i + 1];
		n = children(n)[i];
	}
	i = position(n, after);
	if (i == n->n) {
		if (!beyond)
			return false;
		for (n = beyond, i = 0; n->height;)
			n = children(n)[0];
	}
	if (ret_key)
		*ret_key = key_at(n, i);
	if (ret_value)
		*ret_value = n->bare ? NULL : slots(n)[i];
	return true;
}

bool pmap_previous(const struct pmap *n, uint64_t before, uint64_t *ret_key)
{
	const struct pmap *ahead = NULL; /* what lies ahead of the path */
	unsigned i;

	if (!n || before == 0)
		return false;
	while (n->height) {
		i = child_index(n, before - 1);
		if (i > 0)
			ahead = children(n)[i - 1];
		n = children(n)[i];
	}
	i = position(n, before - 1);
	if (i == 0) {
		if (!ahead)
			return false;
		for (n = ahead; n->height;)
			n = children(n)[n->n - 1];
		i = n->n;
	}
	*ret_key = key_at(n, i - 1);
	return true;
}

size_t pmap_rank(const struct pmap *n, uint64_t key)
{
	size_t rank = 0;

	if (!n || key == 0)
		return 0;
	while (n->height) {
		unsigned at = child_index(n, key - 1);

		for (unsigned i = 0; i < at; i++)
			rank += children(n)[i]->count;
		n = children(n)[at];
	}
	return rank + position(n, key - 1);
}

static void cursor_descend(struct pmap_cursor *cursor, const struct pmap *n)
{
	for (;; n = children(n)[0]) {
		cursor->path[cursor->depth].node = n;
		cursor->path[cursor->depth++].next = n->height ? 1 : 0;
		if (!n->height)
			return;
	}
}

void pmap_cursor_init(struct pmap_cursor *cursor, const struct pmap *root)
{
	cursor->depth = 0;
	if (root)
		cursor_descend(cursor, root);
}

void pmap_cursor_init_after(struct pmap_cursor *cursor, const struct pmap *n, uint64_t after)
{
	cursor->depth = 0;
	while (n) {
		unsigned i = n->height ? child_index(n, after) : position(n, after);

		cursor->path[cursor->depth].node = n;
		cursor->path[cursor->depth++].next = n->height ? i + 1 : i;
		n = n->height ? children(n)[i] : NULL;
	}
}

struct ref *pmap_cursor_next(struct pmap_cursor *cursor)
{
	while (cursor->depth > 0) {
		const struct pmap *n = cursor->path[cursor->depth - 1].node;
		unsigned i = cursor->path[cursor->depth - 1].next++;

		if (i >= n->n || n->bare) {
			cursor->depth--;
		} else if (n->height) {
			if (i + 1U < n->n)
				__builtin_prefetch(children(n)[i + 1]);
			cursor_descend(cursor, children(n)[i]);
		} else if (slots(n)[i]) {
			return slots(n)[i];
		}
	}
	return NULL;
}
