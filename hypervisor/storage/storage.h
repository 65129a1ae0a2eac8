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

#include "hypervisor/call.h"

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
/* A pool, and where it keeps its volumes. */
struct pool_place {
	virStoragePoolPtr pool;
	char *folder; /* owned: on the host; NULL on Ceph */
	char *ceph;   /* owned: the path of the storage, ceph.h; NULL elsewhere */
};

/* Finds the pool @uuid; pool_place_done() in any case. -ENOENT. */
int pool_place_find(const struct hv_call *call, const char *uuid, struct pool_place *ret, struct error *e);
void pool_place_done(struct pool_place *place);
#define _cleanup_place_ _cleanup_(pool_place_done)

static inline void volume_free(virStorageVolPtr *volume)
{
	if (*volume)
		(void)virStorageVolFree(*volume);
}
#define _cleanup_volume_ _cleanup_(volume_free)

/* The volume with this file, read from the storage again when libvirt does not know it. -ENOENT. */
int volume_find(const struct hv_call *call, const char *path, virStorageVolPtr *ret_volume, struct error *e);
/* -EINVAL when @name is not one visible file below a pool's folder. */
int volume_check_name(const char *name, struct error *e);
/*
 * Makes the definition's disk (the one in @domain with the serial of @volume) stand on @base and waits for
 * it. See hv_disk_pull().
 */
int domain_pull_disk(const struct hv_call *call, virDomainPtr domain, const char *target, const char *base,
		     hv_progress *progress, void *ctx, struct error *e);

/* Waits until the mirror job of the disk has caught up with it, which does not end it. -ECANCELED when
 * @progress says so, which does. */
int domain_wait_mirror(const struct hv_call *call, virDomainPtr domain, const char *target,
		       hv_progress *progress, void *ctx, struct error *e);

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
int sim_volume_copy(const char *path, const char *target, const char *name, const char *format,
		    hv_progress *progress, void *ctx, char **ret_path, struct error *e);
int sim_volume_resize(const char *path, int64_t size, struct error *e);
int sim_volume_pull(const char *path, const char *base, struct error *e);
int sim_volume_commit(const char *path, const char *top, const char *base, bool *ret_begun, struct error *e);
int sim_volume_backing(const char *path, char **ret_backing, struct error *e);
int sim_volume_delete(const char *target, const char *name, struct error *e);
int sim_volume_info(const char *path, struct hv_volume_info *ret, struct error *e);

#endif
