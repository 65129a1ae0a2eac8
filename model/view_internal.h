/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a view, for view.c and view_batch.c alone. */
#ifndef POOLFS_VIEW_INTERNAL_H
#define POOLFS_VIEW_INTERNAL_H

#include "model/block.h"
#include "model/pmap.h"
#include "model/view.h"

/* Maximum number of F_INDEX fields; a unit test checks that there are not more. */
#define INDEX_MAX 192

struct view {
	struct ref ref;
	uint64_t version;
	int64_t changed[KIND_COUNT];
	int64_t last_id[KIND_COUNT];	  /* that an object has or had */
	struct pmap *objects[KIND_COUNT]; /* those that are in no block */
	struct pmap *blocks[KIND_COUNT];  /* struct block by block_number() */
	size_t in_blocks[KIND_COUNT];	  /* objects */
	struct pmap *index[INDEX_MAX];
	view_takes_fn *takes; /* NULL: nothing is summed up */
	struct pmap *taken;   /* sums by the account (tally.h) */
};

/*
 * An entry of an index: the upper bits of the hash, then the row id, so that the objects with one text are neighbours
 * in the order of their ids.
 */
static inline uint64_t index_key(uint64_t hash, int64_t id)
{
	return (hash >> VIEW_ID_BITS << VIEW_ID_BITS) | (uint64_t)id;
}

#endif
