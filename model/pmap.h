/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A persistent ordered map from 64-bit keys to counted values, or an ordered set
 * of 64-bit keys. Keys that are near to each other take less: a set takes 2 bytes per
 * key where they follow each other, at most 12 where they do not.
 *
 * Every version of the map stays valid and unchanged while its root is
 * referenced: a change copies the path from the root to the changed leaf (it is a
 * B+ tree, so a few nodes) and shares the rest. Nodes that are referenced only by
 * the caller's root are changed in place, so loading a large map copies nothing.
 * The empty map is NULL.
 *
 * Roots are counted references: pmap_ref()/pmap_unref(). Readers need no lock; a
 * writer needs a root of its own.
 */
#ifndef POOLFS_PMAP_H
#define POOLFS_PMAP_H

#include <stddef.h>
#include <stdint.h>

#include "model/ref.h"

struct pmap;

static inline struct pmap *pmap_ref(struct pmap *root)
{
	ref_get((struct ref *)root);
	return root;
}

static inline void pmap_unref(struct pmap *root)
{
	ref_put((struct ref *)root);
}

/**
 * Sets @key to @value; on success takes over the caller's reference. A map whose first value is NULL is a set, in
 * which only the keys matter. 0, -ENOMEM, or -EINVAL for a value in a set; on an error the content is unchanged.
 */
int pmap_set(struct pmap **root, uint64_t key, struct ref *value);

/**
 * The map of @count keys, in ascending order and each once, with a value each, or of keys alone (@values is NULL): what
 * pmap_set() of each would make, several times as fast. Takes over the caller's references to the values. 0, or -ENOMEM,
 * after which they are still the caller's.
 */
int pmap_build(const uint64_t *keys, struct ref *const *values, size_t count, struct pmap **ret_root);

/** Removes @key. 0, -ENOENT, or -ENOMEM; on an error the content of the map is unchanged. */
int pmap_remove(struct pmap **root, uint64_t key);

/** True when @key is present; *ret_value (may be NULL) is borrowed from the map. */
bool pmap_get(const struct pmap *root, uint64_t key, struct ref **ret_value);

/** The smallest key greater than @after, with its value. False at the end. */
bool pmap_next(const struct pmap *root, uint64_t after, uint64_t *ret_key, struct ref **ret_value);

/** The largest key smaller than @before. False when there is none. */
bool pmap_previous(const struct pmap *root, uint64_t before, uint64_t *ret_key);

/* Iterates in the order of keys; cheaper than pmap_next() over all of a large map. */
struct pmap_cursor {
	struct {
		const struct pmap *node;
		unsigned next;
	} path[32]; /* from the root to a leaf; higher than any map */
	int depth;
};

/** Starts before the smallest key. The map must stay referenced and unchanged during the iteration. */
void pmap_cursor_init(struct pmap_cursor *cursor, const struct pmap *root);
/** The same before the smallest key greater than @after. */
void pmap_cursor_init_after(struct pmap_cursor *cursor, const struct pmap *root, uint64_t after);
/** The next value (NULL values are skipped); NULL at the end. */
struct ref *pmap_cursor_next(struct pmap_cursor *cursor);

/** Number of keys. */
size_t pmap_count(const struct pmap *root);
/** Number of keys smaller than @key. */
size_t pmap_rank(const struct pmap *root, uint64_t key);

#endif
