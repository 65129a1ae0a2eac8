/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of images on primary storages, below the disks of VMs. */
#ifndef POOLFS_IMAGE_CACHE_H
#define POOLFS_IMAGE_CACHE_H

#include "actions/engine/job.h"

/**
 * At start, before any job runs: what uploads and removals of cached copies were under way have no
 * owner any more; marks them for removal. Touches no host.
 */
int image_cache_recover(struct pool *pool, struct error *e);
/** Removes every cached copy on a primary storage, used or not, files included. Blocking. */
int image_cache_drop(struct pool *pool, const char *ps_uuid, struct error *e);

/*
 * The copy of an image on a primary storage from which root volumes are overlaid: made on the first use
 * (one upload however many VMs start at once), found by later ones. @ret_path and @ret_format are allocated.
 * Blocking: for workers; progress goes to @job.
 */
int image_cache_get(struct job *job, const char *image_uuid, const char *ps_uuid, const char *host_uuid,
		    char **ret_path, char **ret_format, struct error *e);
/** Removes cached copies that no volume is based on and whose image is gone. Blocking. */
int image_cache_clean(struct pool *pool, struct error *e);

#endif
