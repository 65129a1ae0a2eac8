/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block: objects of one kind that rest (object_rests()), stored by columns: what all have is there once,
 * uuids are 16 bytes, and numbers as wide as the block needs. So a job takes some 40 bytes, and 50 with its
 * entries in the indexes of a view, instead of 220.
 *
 * An object is made anew when somebody looks at it, without a look at the database. Whoever gets one borrows it from the
 * block, which keeps what it has made. Blocks are immutable, apart from that, and shared by views on all threads; to
 * drop what a block has made, its owner replaces it (block_rested()).
 */
#ifndef POOLFS_BLOCK_H
#define POOLFS_BLOCK_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/object.h"

/* A block has the objects of so many row ids: those with the same block_number(). */
#define BLOCK_IDS 128
/* The most bytes of texts of one object that are not in the block as they are. */
#define BLOCK_TEXTS 1024

struct block;
struct content;

/** The numbers of blocks are positive, so that pmap_next() finds the first one. */
static inline int64_t block_number(int64_t id)
{
	return id / BLOCK_IDS + 1;
}

/**
 * For block_draft.c: the block of all objects of a content, to which it takes over the reference. NULL when
 * memory is short.
 */
struct block *block_of(struct content *content);
/** The number of its objects. */
size_t block_count(const struct block *block);
/** True if the object with this row id is in it. */
bool block_has(const struct block *block, int64_t id);
/** The smallest row id above @after of an object in it; 0 when there is none. */
int64_t block_next(const struct block *block, int64_t after);
/** The object with this row id, borrowed from the block, packed; NULL when it is not in it, or when memory is short. */
const struct object *block_get(struct block *block, int64_t id);
/** The block without one of its objects, for the caller; what @block has made stays. NULL when memory is short. */
struct block *block_without(struct block *block, int64_t id);
/** The block without what it has made, for the caller; NULL when it has made nothing, or when memory is short. */
struct block *block_rested(struct block *block);

/** Room for an object that is made for a short look. */
struct block_row {
	alignas(struct object) char object[OBJECT_ROOM];
	char texts[BLOCK_TEXTS];
};
/** The object with this row id, which is in the block, in @room, valid until that is used again; it takes no memory. */
const struct object *block_look(const struct block *block, int64_t id, struct block_row *room);

#endif
