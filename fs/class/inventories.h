/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `inventories` files: rendered once per change of their kind, for all
 * readers. Long ones are rendered in a worker; whoever asks meanwhile waits for
 * the same rendering. Self-locking.
 */
#ifndef POOLFS_FS_CLASS_INVENTORIES_H
#define POOLFS_FS_CLASS_INVENTORIES_H

#include "fs/class/content.h"

struct listings;

struct listings *listings_new(struct pool *pool);
/** Accepts NULL. */
void listings_free(struct listings *listings);
/** Tells @done the listing of @kind as of @view, or as of a later one. */
void listings_start(struct listings *listings, const struct view *view, enum kind_id kind, content_fn *done,
		    void *arg);

#endif
