/* SPDX-License-Identifier: Apache-2.0 */
/* Making a block: objects are added one after the other. */
#ifndef POOLFS_BLOCK_DRAFT_H
#define POOLFS_BLOCK_DRAFT_H

#include "model/block.h"
#include "model/cleanup.h"

/* What a block is made from. It has one owner. */
struct block_draft;

/** An empty draft; NULL when memory is short. */
struct block_draft *block_draft_new(const struct kind *kind);
/** Accepts NULL. */
void block_draft_free(struct block_draft *draft);
DEFINE_CLEANUP(struct block_draft *, block_draft_free)
#define _cleanup_block_draft_ _cleanup_(block_draft_free_p)
/** The number of its objects. */
size_t block_draft_count(const struct block_draft *draft);
/**
 * Adds what is in an object, packed or object_new_borrowing(), of the block number of those that are there, and with a larger
 * row id. False when it does not rest, or cannot be in a block: the draft is as it was.
 */
bool block_draft_add(struct block_draft *draft, const struct object *o);
/** The block of what was added, for the caller; the draft is empty then. NULL when it was, or when memory is short. */
struct block *block_draft_end(struct block_draft *draft);

#endif
