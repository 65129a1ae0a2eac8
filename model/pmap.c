/* SPDX-License-Identifier: Apache-2.0 */
/* Persistent AVL tree with in-place changes of unshared nodes. See pmap.h. */
#include "model/pmap.h"

#include <errno.h>
#include <stdlib.h>

struct pmap {
	struct ref ref; /* first member: a map may be the value of another map */
	uint64_t key;
	struct ref *value;	   /* owned */
	struct pmap *left, *right; /* owned */
	uint32_t count;		   /* nodes in this subtree */
	uint8_t height;
};

static void node_destroy(struct ref *self)
{
	struct pmap *n = (struct pmap *)self;

	pmap_unref(n->left);
	pmap_unref(n->right);
	ref_put(n->value);
	free(n);
}

static struct pmap *node_new(uint64_t key, struct ref *value)
{
	struct pmap *n = malloc(sizeof(*n));

	if (!n)
		return NULL;
	ref_init(&n->ref, node_destroy);
	n->key = key;
	n->value = value;
	n->left = n->right = NULL;
	n->count = 1;
	n->height = 1;
	return n;
}

/* Makes *slot a node that nothing else refers to, by copying a shared one. */
static int node_make_unique(struct pmap **slot)
{
	struct pmap *old = *slot, *copy;

	if (ref_is_unique(&old->ref))
		return 0;
	copy = node_new(old->key, old->value);
	if (!copy)
		return -ENOMEM;
	ref_get(old->value);
	copy->left = pmap_ref(old->left);
	copy->right = pmap_ref(old->right);
	copy->count = old->count;
	copy->height = old->height;
	pmap_unref(old);
	*slot = copy;
	return 0;
}

static int height(const struct pmap *n)
{
	return n ? n->height : 0;
}

size_t pmap_count(const struct pmap *n)
{
	return n ? n->count : 0;
}

static void node_update(struct pmap *n)
{
	int l = height(n->left), r = height(n->right);

	n->height = (uint8_t)((l > r ? l : r) + 1);
	n->count = (uint32_t)(1 + pmap_count(n->left) + pmap_count(n->right));
}

/* Rotates the unique node in *slot; its child on the rising side must be unique too. */
static void rotate_right(struct pmap **slot)
{
	struct pmap *n = *slot, *l = n->left;

	n->left = l->right;
	l->right = n;
	node_update(n);
	node_update(l);
	*slot = l;
}

static void rotate_left(struct pmap **slot)
{
	struct pmap *n = *slot, *r = n->right;

	n->right = r->left;
	r->left = n;
	node_update(n);
	node_update(r);
	*slot = r;
}

/*
 * Rebalances the unique node in *slot. When memory is too short to copy a shared
 * child, the tree stays correct but slightly unbalanced; the next change on this
 * path tries again.
 */
static void rebalance(struct pmap **slot)
{
	struct pmap *n = *slot;

	node_update(n);
	if (height(n->left) > height(n->right) + 1) {
		if (node_make_unique(&n->left) < 0)
			return;
		if (height(n->left->left) < height(n->left->right)) {
			if (node_make_unique(&n->left->right) < 0)
				return;
			rotate_left(&n->left);
		}
		rotate_right(slot);
	} else if (height(n->right) > height(n->left) + 1) {
		if (node_make_unique(&n->right) < 0)
			return;
		if (height(n->right->right) < height(n->right->left)) {
			if (node_make_unique(&n->right->left) < 0)
				return;
			rotate_right(&n->right);
		}
		rotate_left(slot);
	}
}

int pmap_set(struct pmap **slot, uint64_t key, struct ref *value)
{
	struct pmap *n = *slot;
	int r;

	if (!n) {
		*slot = node_new(key, value);
		return *slot ? 0 : -ENOMEM;
	}
	r = node_make_unique(slot);
	if (r < 0)
		return r;
	n = *slot;
	if (key == n->key) {
		ref_put(n->value);
		n->value = value;
		return 0;
	}
	r = pmap_set(key < n->key ? &n->left : &n->right, key, value);
	if (r == 0)
		rebalance(slot);
	return r;
}

/* Removes the leftmost node from *slot and returns it: unique, with its value and without children. */
static int take_first(struct pmap **slot, struct pmap **ret_node)
{
	struct pmap *n;
	int r = node_make_unique(slot);

	if (r < 0)
		return r;
	n = *slot;
	if (!n->left) {
		*slot = n->right;
		n->right = NULL;
		*ret_node = n;
		return 0;
	}
	r = take_first(&n->left, ret_node);
	if (r == 0)
		rebalance(slot);
	return r;
}

static int remove_present(struct pmap **slot, uint64_t key)
{
	struct pmap *n, *next;
	int r = node_make_unique(slot);

	if (r < 0)
		return r;
	n = *slot;
	if (key != n->key) {
		r = remove_present(key < n->key ? &n->left : &n->right, key);
		if (r == 0)
			rebalance(slot);
		return r;
	}
	if (!n->left || !n->right) {
		*slot = n->left ? n->left : n->right;
		n->left = n->right = NULL;
		pmap_unref(n);
		return 0;
	}
	r = take_first(&n->right, &next);
	if (r < 0)
		return r;
	next->left = n->left;
	next->right = n->right;
	n->left = n->right = NULL;
	pmap_unref(n);
	*slot = next;
	rebalance(slot);
	return 0;
}

int pmap_remove(struct pmap **root, uint64_t key)
{
	if (!pmap_get(*root, key, NULL))
		return -ENOENT;
	return remove_present(root, key);
}

bool pmap_get(const struct pmap *n, uint64_t key, struct ref **ret_value)
{
	while (n && key != n->key)
		n = key < n->key ? n->left : n->right;
	if (n && ret_value)
		*ret_value = n->value;
	return n != NULL;
}

bool pmap_next(const struct pmap *n, uint64_t after, uint64_t *ret_key, struct ref **ret_value)
{
	const struct pmap *best = NULL;

	while (n) {
		if (n->key > after) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (!best)
		return false;
	if (ret_key)
		*ret_key = best->key;
	if (ret_value)
		*ret_value = best->value;
	return true;
}

static void cursor_descend(struct pmap_cursor *cursor, const struct pmap *n)
{
	for (; n; n = n->left) {
		__builtin_prefetch(n->right);
		cursor->path[cursor->depth++] = n;
	}
}

void pmap_cursor_init(struct pmap_cursor *cursor, const struct pmap *root)
{
	cursor->depth = 0;
	cursor_descend(cursor, root);
}

struct ref *pmap_cursor_next(struct pmap_cursor *cursor)
{
	while (cursor->depth > 0) {
		const struct pmap *n = cursor->path[--cursor->depth];

		cursor_descend(cursor, n->right);
		if (n->value)
			return n->value;
	}
	return NULL;
}

bool pmap_last(const struct pmap *n, uint64_t *ret_key, struct ref **ret_value)
{
	while (n && n->right)
		n = n->right;
	if (!n)
		return false;
	if (ret_key)
		*ret_key = n->key;
	if (ret_value)
		*ret_value = n->value;
	return true;
}
