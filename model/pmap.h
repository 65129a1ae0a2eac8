/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A persistent ordered map from 64-bit keys to counted values.
 *
 * Every version of the map stays valid and unchanged while its root is
 * referenced: a change copies the path from the root to the changed node (in an
 * AVL tree at most ~1.44 log2 n nodes) and shares the rest. Nodes that are
 * referenced only by the caller's root are changed in place, so loading a large
 * map copies nothing. The empty map is NULL.
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
 * Sets @key to @value (on success takes over the caller's reference; @value may be NULL when only the keys
 * matter). 0 or -ENOMEM; on -ENOMEM the content of the map is unchanged.
 */
int pmap_set(struct pmap **root, uint64_t key, struct ref *value);

/** Removes @key. 0, -ENOENT, or -ENOMEM; on an error the content of the map is unchanged. */
int pmap_remove(struct pmap **root, uint64_t key);

/** True when @key is present; *ret_value (may be NULL) is borrowed from the map. */
bool pmap_get(const struct pmap *root, uint64_t key, struct ref **ret_value);

/** The smallest key greater than @after, with its value. False at the end. */
bool pmap_next(const struct pmap *root, uint64_t after, uint64_t *ret_key, struct ref **ret_value);

/* Iterates in the order of keys; cheaper than pmap_next() over all of a large map. */
struct pmap_cursor {
	const struct pmap *path[64]; /* nodes to be visited, the next one last; higher than any map */
	int depth;
};

/** Starts before the smallest key. The map must stay referenced and unchanged during the iteration. */
void pmap_cursor_init(struct pmap_cursor *cursor, const struct pmap *root);
/** The next value (NULL values are skipped); NULL at the end. */
struct ref *pmap_cursor_next(struct pmap_cursor *cursor);

/** The largest key. False when the map is empty. */
bool pmap_last(const struct pmap *root, uint64_t *ret_key, struct ref **ret_value);

/** Number of keys. */
size_t pmap_count(const struct pmap *root);

#endif
