/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools and volumes as libvirt knows them. Internal to hypervisor/.
 *
 * A pool is a libvirt storage pool named poolfs-<uuid>, in the test driver too,
 * where it only holds uuid and target: that driver creates no files, simulated.c
 * does.
 *
 * libvirt knows a file of a pool only after it made it or the pool was refreshed;
 * qemu makes files too (snapshots). So a volume that is not found is looked for
 * once more after a refresh.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_VIRT_STORAGE_H
#define POOLFS_HYPERVISOR_STORAGE_VIRT_STORAGE_H

#include "hypervisor/call.h"
#include "hypervisor/xml.h"

static inline void pool_free(virStoragePoolPtr *pool)
{
	if (*pool)
		(void)virStoragePoolFree(*pool);
}
#define _cleanup_pool_ _cleanup_(pool_free)

/* 1, 0, or an error. */
int pool_is_active(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid, struct error *e);
/*
 * Starts the pool unless it is active: libvirt stops one whose files it cannot look at, even for a moment. For requests
 * that need a volume there. Who only looks leaves it alone: an administrator may have stopped it.
 */
int pool_activate(const struct hv_call *call, virStoragePoolPtr pool, const char *uuid, struct error *e);
/* The pool @uuid, active or not. -ENOENT. */
int pool_find(const struct hv_call *call, const char *uuid, virStoragePoolPtr *ret_pool, struct error *e);
/*
 * Makes libvirt look at the pool's files again, as pool_activate() if it has stopped the pool. It refuses while a
 * volume of the pool is being written: then this waits, a few seconds at most. Negative errno, without a sentence.
 */
int pool_refresh(virStoragePoolPtr pool);

static inline void volume_free(virStorageVolPtr *volume)
{
	if (*volume)
		(void)virStorageVolFree(*volume);
}
#define _cleanup_volume_ _cleanup_(volume_free)

/* The volume with this file, read from the storage again when libvirt does not know it, as pool_refresh(). -ENOENT. */
int volume_find(const struct hv_call *call, const char *path, virStorageVolPtr *ret_volume, struct error *e);
/* Its description, with what is in its header now. For the caller to free. */
int volume_read_xml(const struct hv_call *call, const char *path, xmlDocPtr *ret_doc, struct error *e);

/*
 * Makes the volume, which belongs to the user that libvirt runs qemu as, mode 0600, where libvirt tells who
 * that is. @ret_path is allocated. -EEXIST, -ENOSPC.
 */
int volume_make(const struct hv_call *call, virStoragePoolPtr pool, const char *name, const char *format,
		int64_t size, const char *backing, const char *backing_format, virStorageVolPtr *ret_volume,
		char **ret_path, struct error *e);
/*
 * The error of a write that failed. libvirt has no code for a full storage when qemu-img says so,
 * and says "invalid operation" of a file that exists but is not known as a volume.
 */
int volume_write_error(const struct hv_call *call, virStoragePoolPtr pool, const char *name, struct error *e);
/* Deletes the volume. Success when it is not there. */
int volume_delete(const struct hv_call *call, virStoragePoolPtr pool, const char *name, struct error *e);

#endif
