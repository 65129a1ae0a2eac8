/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a keep (keep.h): where the last record of each value is in the log, and the room that the values take.
 *
 * A hash table with open addressing. What is going to be added is reserved before (by threads that have begun a change),
 * so that adding it cannot fail. Not thread-safe: the keep has a lock.
 */
#ifndef POOLFS_KEEP_INDEX_H
#define POOLFS_KEEP_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "model/keep.h"

/* Where the last record of a value is. */
struct keep_place {
	uint64_t id, at;
	uint64_t len;	/* of the value */
	uint64_t bytes; /* of the log that the value takes */
	uint64_t waste; /* those of them that would not be there if the log were written anew */
	uint16_t type;	/* 0: free */
};

#define KEEP_TYPES (KEEP_OBJECT + 1)

struct keep_index {
	struct keep_place *places; /* owned */
	size_t room, used;	   /* of places, and how many of them are not free */
	uint64_t valid, waste;	   /* bytes of all values */
	uint64_t bytes[KEEP_TYPES];
	uint64_t most; /* bytes that values may take, with what is reserved */
	/* what threads have begun */
	uint64_t reserved;
	size_t reserved_count;
};

/** An empty one, whose values may take @most bytes. -ENOMEM. */
int keep_index_init(struct keep_index *index, uint64_t most);
/** Accepts one of zeros. */
void keep_index_done(struct keep_index *index);

/** Makes room for one more place, besides what is reserved. -ENOMEM. */
int keep_index_grow(struct keep_index *index);
/**
 * As keep_index_grow(), if @size bytes of the log may be added for a value that has @len bytes then. -ENOSPC, also to a
 * long one, where only short ones are let in; -ENOMEM.
 */
int keep_index_check_room(struct keep_index *index, uint64_t len, uint64_t size);
/** Reserves a place, and @bytes of the log. */
void keep_index_reserve(struct keep_index *index, uint64_t bytes);
/** Undoes @count such reservations of @bytes together. */
void keep_index_unreserve(struct keep_index *index, uint64_t bytes, size_t count);

/** Borrowed until the next change; NULL: there is none. */
struct keep_place *keep_index_find(const struct keep_index *index, uint16_t type, uint64_t id);
/** The first place after @place, all in no order, if none is added or removed meanwhile; NULL: the first one, or there is no
 * more. */
struct keep_place *keep_index_next(const struct keep_index *index, const struct keep_place *place);
/** Adds a place, for which there is room, or replaces that of the same value. */
void keep_index_put(struct keep_index *index, const struct keep_place *place);
/** Removes one, which is in the index; others move. */
void keep_index_remove(struct keep_index *index, struct keep_place *place);

#endif
