/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes whose attributes the kernel may keep although they change.
 *
 * The kernel keeps the attributes of such a node (E_TOLD in the node table) until it is told that they have changed.
 * This register remembers which nodes it was given, so that it need not be told of all the others: a bit for each
 * file of an object. Whoever answers for a node adds it here first, and then takes the newest view
 * (store_newest_view()) to answer from; whoever makes a new view makes it the newest first, and then takes the
 * changed nodes from here (fs/tell/caches.h). So one of the two sees the other, and no old answer is kept.
 *
 * Self-locking.
 */
#ifndef POOLFS_FS_TREE_KEPT_H
#define POOLFS_FS_TREE_KEPT_H

#include "fs/tree/node.h"

struct kept;

/** NULL if out of memory. */
struct kept *kept_new(void);
/** Accepts NULL. */
void kept_free(struct kept *kept);

/** The bit of a node among those of its object. Nodes of one object may share it. */
uint64_t kept_bit(struct node node);

/** From now on the kernel may have the attributes of @node. -ENOMEM. */
int kept_add(struct kept *kept, struct node node);
/** Removes those nodes of an object (@object: any node of it) whose bits are in @bits, and returns their bits. */
uint64_t kept_take(struct kept *kept, struct node object, uint64_t bits);

#endif
