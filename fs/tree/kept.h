/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes whose attributes the kernel may keep although they change.
 *
 * The kernel keeps the attributes of such a node (E_TOLD in the node table) until it is told that they have changed.
 * This register remembers which nodes it was given, so that it need not be told of all the others: a bit for each
 * file of an object. What cannot be remembered the kernel may not keep. Whoever answers for a node adds it here first, and then takes the newest view
 * (store_newest_view()) to answer from; whoever makes a new view makes it the newest first, and then takes the
 * changed nodes from here (fs/tell/caches.h). So one of the two sees the other, and no old answer is kept.
 *
 * What the kernel was ever given of an object that still exists is kept over the end of the process, too (model/keep.h):
 * the next one has it forget all of that, because it cannot know which of the last changes were told.
 *
 * The same for the contents that the kernel has in its pages (paged.h): a bit says that they are those of the newest state.
 *
 * Self-locking.
 */
#ifndef POOLFS_FS_TREE_KEPT_H
#define POOLFS_FS_TREE_KEPT_H

#include "fs/tree/node.h"

struct keep;
struct kept;
struct store;

/**
 * With all that the process before this one has given the kernel. @keep may be NULL, as may @store: then all objects
 * exist, for tests. NULL if out of memory.
 */
struct kept *kept_new(struct keep *keep, struct store *store);
/** Accepts NULL. */
void kept_free(struct kept *kept);

/** The bit of a node among those of its object. Nodes of one object may share it. */
uint64_t kept_bit(struct node node);

/**
 * From now on the kernel may have the attributes of @node. Else it must not keep them: -ENOMEM, -ENOSPC; -ESTALE: the
 * object is not in the newest view, and nobody would remove it from here.
 */
int kept_add(struct kept *kept, struct node node);
/**
 * The kernel reads the content of @node into its pages now, a node that was added. True: what it has there is of the
 * present state already.
 */
bool kept_add_pages(struct kept *kept, struct node node);
/** It has not, or not of the present state. */
void kept_take_pages(struct kept *kept, struct node node);
/** False: the bit of @node, which is a file of a kind with so many fields, says nothing about pages. */
bool kept_knows_pages(struct node node);
/** Removes those nodes of an object (@object: any node of it) whose bits are in @bits, and returns their bits. */
uint64_t kept_take(struct kept *kept, struct node object, uint64_t bits);
/** The object is gone, and the kernel was told: nothing of it needs to be kept for another process. */
void kept_forget(struct kept *kept, struct node object);
/**
 * The objects of which the kernel may have something, and nodes without object, as node_pack() makes them; allocated.
 * NULL if out of memory.
 */
uint64_t *kept_list(struct kept *kept, size_t *ret_count);

#endif
