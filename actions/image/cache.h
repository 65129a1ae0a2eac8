/* SPDX-License-Identifier: Apache-2.0 */
/* Cached images: copies of images on primary storage, which the disks of VMs are based on. */
#ifndef POOLFS_IMAGE_CACHE_H
#define POOLFS_IMAGE_CACHE_H

#include "actions/engine/job.h"

/**
 * Marks the copies whose upload or removal was interrupted for removal. At start, before any job runs; calls
 * no host.
 */
int image_cache_recover(struct pool *pool, struct error *e);
/**
 * Removes every Ready or Stale copy on a primary storage with its file, used or not. Stops at the first
 * failure. Blocking.
 */
int image_cache_drop(struct pool *pool, const char *ps_uuid, struct error *e);

/**
 * The copy of an image on a primary storage that root volumes are overlays of. The first use creates it, with
 * one upload however many VMs start at once; later ones find it. @ret_path and @ret_format (of its blocks,
 * "qcow2" or "raw") are owned by the caller. @host_uuid does the upload; on local storage the copy is that
 * host's. Progress goes to @job, and the wait ends when it should stop. -ENOENT without the image or the
 * storage, -EBUSY if the image is not Ready, or what the upload fails with. Blocking: for workers.
 */
int image_cache_get(struct job *job, const char *image_uuid, const char *ps_uuid, const char *host_uuid,
		    char **ret_path, char **ret_format, struct error *e);
/**
 * Removes Stale copies, and those that no volume is based on and whose image is gone. Continues after a
 * failure and returns the first one. Blocking.
 */
int image_cache_clean(struct pool *pool, struct error *e);

#endif
