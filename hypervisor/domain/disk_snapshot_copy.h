/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of disks on storage that keeps snapshots itself. Internal to domain/. */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DISK_SNAPSHOT_COPY_H
#define POOLFS_HYPERVISOR_DOMAIN_DISK_SNAPSHOT_COPY_H

#include "hypervisor/domain/disk_copy.h"
#include "hypervisor/domain/disk_lookup.h"
#include "hypervisor/storage/backend.h"

/* The row of the storage of the disks, one for all; -EOPNOTSUPP when they are on different types. */
int disk_copy_find_backend(const struct disk *d, const struct hv_disk_copy *copies, size_t count,
			   const struct storage_backend **ret_backend, struct error *e);
/*
 * The pool that a copy goes to; storage_pool_done() in any case. -EOPNOTSUPP when it is of another type than
 * @backend.
 */
int disk_copy_find_pool(const struct disk *d, const struct storage_backend *backend,
			const struct hv_disk_copy *copy, struct storage_pool *ret_at, struct error *e);
/* hv_disks_copy() of disks whose storage has snapshots. */
int disks_copy_by_snapshot(const struct disk *d, const struct storage_backend *backend,
			   struct hv_disk_copy *copies, size_t count, hv_progress *progress, void *ctx,
			   struct error *e);

#endif
