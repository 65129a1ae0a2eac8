/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pool.c and volume.c share, and the simulated storage behind both.
 *
 * Internal to hypervisor/. A pool is a libvirt storage pool named
 * poolfs-<uuid>, in the test driver too, where it is the memory of uuid and
 * target only: that driver makes no files, storage_sim.c does.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_H
#define POOLFS_HYPERVISOR_STORAGE_H

#include "host.h"

static inline void pool_free(virStoragePoolPtr *pool)
{
	if (*pool)
		(void)virStoragePoolFree(*pool);
}
#define _cleanup_pool_ _cleanup_(pool_free)

/* The pool @uuid. -ENOENT. */
int pool_find(const struct hv_call *call, const char *uuid, virStoragePoolPtr *ret_pool, struct error *e);
/*
 * Makes libvirt look at the pool's files again. It refuses while a volume of the pool is being
 * written; that is waited for, a few seconds at most. Negative errno, without a sentence.
 */
int pool_refresh(virStoragePoolPtr pool);
/* The folder of the pool on the host, allocated. */
int pool_target(const struct hv_call *call, virStoragePoolPtr pool, char **ret_target, struct error *e);

/* storage_sim.c: volumes as small local files below @target. As the hv_volume_* functions otherwise. */
int sim_pool_build(const char *target, struct error *e);
int sim_pool_capacity(const char *target, struct hv_capacity *ret, struct error *e);
int sim_pool_list(const char *target, char ***ret_names, size_t *ret_count, struct error *e);
int sim_volume_create(const char *target, const char *name, const char *format, int64_t size,
		      const char *backing, const char *backing_format, char **ret_path, struct error *e);
int sim_volume_upload(const char *target, const char *name, const char *file, hv_progress *progress,
		      void *ctx, char **ret_path, struct error *e);
int sim_volume_download(const char *path, const char *file, hv_progress *progress, void *ctx,
			struct error *e);
int sim_volume_delete(const char *target, const char *name, struct error *e);
int sim_volume_info(const char *path, struct hv_volume_info *ret, struct error *e);

#endif
