/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images beyond their operations: timers, recovery at start, and the parts that
 * other families need. image_cache_get() and image_cache_clean() are in topology.h.
 *
 * Where an image is: the row (KIND_IMAGE) says what it is; a ref (KIND_IMAGE_REF)
 * is one copy as a plain file on one backup storage, `<url>/<uuid>.<format>`; a
 * cache row (KIND_IMAGE_CACHE) is one copy on a primary storage below the disks
 * of VMs. Copies on the three levels come and go independently; a cached copy
 * outlives its image for as long as a disk is based on it.
 *
 * Files and rows: a row that says Ready has a whole file, at any moment. Files
 * are made complete and durable before a row says so, and a row stops saying so
 * before its file is removed. So a kill leaves rows that are not Ready, and the
 * recover functions remove those with what files they have.
 */
#ifndef POOLFS_IMAGE_IMAGE_H
#define POOLFS_IMAGE_IMAGE_H

#include "actions/engine/pool.h"

/* Moves the chosen copies of an image to a status, and the image with them. */
struct image_mark {
	const char *image;
	const json_t *backup_storages; /* NULL = all */
	const char *from;	       /* only copies in this status; NULL = any */
	const char *to;		       /* "Ready", "Deleted" or "Deleting" */
};

/**
 * Hands in an ExpungeImage for each image with copies that were deleted longer than image.expungePeriod
 * ago, unless image.deletionPolicy is Never. For the timer thread. The first failure is returned, after all
 * images were tried.
 */
int image_expunge_due(struct pool *pool, struct error *e);

/**
 * Removes copies of an image for good: files first, then the refs, then, with the last ref, the image
 * itself and the cached copies that nothing uses. @backup_storages is a JSON array of uuids (borrowed), NULL
 * = all. @force: files that cannot be removed are given up. Can be repeated after a kill at any point; an
 * image that is gone is a success. Blocking.
 */
int image_remove_copies(struct pool *pool, const char *image_uuid, const json_t *backup_storages, bool force,
			struct error *e);

/** True when a Ready copy of the image is on a backup storage of the zone. */
bool image_is_in_zone(const struct view *view, const char *image, const char *zone);

/** True for a copy that is Deleted, or about to be. */
bool image_copy_is_gone(const struct object *ref);

/** Writes the status of the copies that a `struct image_mark` names, and that of the image after them. A change function. */
int image_put_copies_status(struct txn *t, void *arg, struct error *e);

/** The backup storages of copies that are Deleted since @before (ns) or earlier: a list of uuids, owned by the caller; NULL without memory. */
json_t *image_deleted_copies(const struct view *view, const char *image, int64_t before);

#endif
