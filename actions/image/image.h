/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The removal of images and of their copies on backup storage.
 *
 * Where an image is: its row (KIND_IMAGE) describes it; a ref (KIND_IMAGE_REF) is
 * one copy, a plain file on one backup storage, `<url>/<uuid>.<format>`; a cache
 * row (KIND_IMAGE_CACHE) is one copy on a primary storage, which disks of VMs are
 * based on (image/cache.h). All three are created and removed independently; a
 * cached copy outlives its image as long as a disk is based on it.
 *
 * Files and rows: a row that is Ready has a complete file, at any moment. A file
 * is made complete and durable before its row becomes Ready, and the row ceases
 * to be Ready before the file is removed. So a kill leaves rows that are not
 * Ready, and recovery removes them together with their files.
 */
#ifndef POOLFS_IMAGE_IMAGE_H
#define POOLFS_IMAGE_IMAGE_H

#include "actions/engine/pool.h"

/* A change of status of some copies of an image, and of the image accordingly. */
struct image_mark {
	const char *image;
	const json_t *backup_storages; /* their uuids; NULL = all */
	const char *from;	       /* only copies with this status; NULL = any */
	const char *to;		       /* STATUS_READY, STATUS_DELETED or STATUS_DELETING */
};

/**
 * Runs an ExpungeImage for each image with copies that were deleted longer than image.expungePeriod ago,
 * unless image.deletionPolicy is Never. Continues after a failure and returns the first one. For the timer
 * thread. Blocking.
 */
int image_expunge_due(struct pool *pool, struct error *e);

/**
 * Removes copies of an image for good: their files, then their refs and, with the last ref, the image itself;
 * then all unused cached copies. @backup_storages is a JSON array of uuids (borrowed), NULL = all. @force:
 * files that cannot be removed are abandoned; otherwise they keep their refs, and the first failure is
 * returned. Can be repeated after a kill at any point; success if the image does not exist. Blocking.
 */
int image_remove_copies(struct pool *pool, const char *image_uuid, const json_t *backup_storages, bool force,
			struct error *e);

/** True when a Ready copy of the image is on a backup storage of the zone. */
bool image_is_in_zone(const struct view *view, const char *image, const char *zone);

/** True for a ref that is Deleted or Deleting. */
bool image_copy_is_gone(const struct object *ref);

/** A change function that does what @arg, a `struct image_mark`, says. -ENOENT if the image is gone. */
int image_put_copies_status(struct txn *t, void *arg, struct error *e);

/**
 * The uuids of the backup storages whose copies of the image were deleted at @before (ns) or earlier; owned
 * by the caller. NULL without memory.
 */
json_t *image_deleted_copies(const struct view *view, const char *image, int64_t before);

#endif
