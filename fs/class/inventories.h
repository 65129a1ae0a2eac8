/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `inventories` files: rendered once per change of their kind, for all
 * readers. Long ones are rendered by a worker; readers that come meanwhile wait
 * for the same rendering. Self-locking.
 */
#ifndef POOLFS_FS_CLASS_INVENTORIES_H
#define POOLFS_FS_CLASS_INVENTORIES_H

#include "fs/tree/class.h"

struct keep;
struct listings;

/** @keep may be NULL. It stays longer than what has been opened. NULL if out of memory. */
struct listings *listings_new(struct pool *pool, struct keep *keep);
/** Accepts NULL. */
void listings_free(struct listings *listings);

extern const struct file_class class_inventories;

#endif
