/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a block, for block.c and block_draft.c alone.
 *
 * A column has a number for each object: the smallest is its base, and all are told by their distance from
 * that, in as many bytes as the largest distance takes; none, if all are the same. Columns with the same
 * distances have them in common: the times of fields are those that dates tell, and a deadline is a while
 * after the creation. The columns are those of make_columns() and look(), in that order. Texts are told by
 * their number among those that the block has, in two columns: what it begins with, and the uuid that it
 * ends with.
 */
#ifndef POOLFS_BLOCK_INTERNAL_H
#define POOLFS_BLOCK_INTERNAL_H

#include <stdalign.h>
#include <stdint.h>

#include "model/kind.h"
#include "model/ref.h"
#include "model/uuid.h"

/* How a column is described: the bytes of a distance, and what follows. */
#define WIDTH_MASK 0x0f
#define HAS_BASE   0x10 /* a varint: the base, which is 0 otherwise */
#define HAS_PLACE                                                                                            \
	0x20 /* a varint: where the distances are, which otherwise are behind those of the column before */
/* A distance is read as eight bytes. */
#define SLACK (sizeof(uint64_t) - 1)
/* Which fields are null, and which have left memory. */
struct shape {
	uint64_t nulls, left;
};

/* Immutable; what versions of a block have in common. */
struct content {
	struct ref ref;
	const struct kind *kind;
	int64_t first;	     /* its lowest row id */
	uint32_t count;	     /* of objects when it was made */
	uint32_t time_count; /* columns of times */
	/* Where in `bytes` is what; the shapes are at the beginning. */
	uint32_t uuids, offsets, texts, patterns, columns, distances;
	alignas(uint64_t) uint8_t bytes[];
};

#endif
