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
#ifndef POOLFS_IMAGE_H
#define POOLFS_IMAGE_H

#include "actions/job.h"

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

/**
 * At start, before any job runs: what uploads and removals of cached copies were under way have no
 * owner any more; marks them for removal. Touches no host.
 */
int image_cache_recover(struct pool *pool, struct error *e);
/** Removes every cached copy on a primary storage, used or not, files included. Blocking. */
int image_cache_drop(struct pool *pool, const char *ps_uuid, struct error *e);

#endif
