/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes, the files and images behind disks and images of VMs, at rest: no domain
 * uses them. Each call may wait for the host.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_VOLUME_H
#define POOLFS_HYPERVISOR_STORAGE_VOLUME_H

#include "hypervisor/hypervisor.h"

/** What is known of a volume's file. */
struct hv_volume_info {
	int64_t size;	     /* virtual size, bytes */
	int64_t actual_size; /* bytes on the storage */
};

/**
 * Creates the volume @name in the pool: empty, or as an overlay of @backing (a path in the same or
 * another pool on the host) with @backing_format. @ret_path (allocated) is the path on the host. -EEXIST,
 * -ENOSPC.
 */
int hv_volume_create(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     const char *format, int64_t size, const char *backing, const char *backing_format,
		     char **ret_path, struct error *e);
/** Copies the local file @file, holes kept, into a new volume @name whose content has @format. */
int hv_volume_upload(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     const char *format, const char *file, hv_progress *progress, void *ctx, char **ret_path,
		     struct error *e);
/** Copies the volume's bytes, holes kept, into the new local file @file (0600). -EEXIST. */
int hv_volume_download(struct hypervisor *hv, const char *host, const char *path, const char *file,
		       hv_progress *progress, void *ctx, struct error *e);
/**
 * Copies what a guest would read from @path, a file of @path_format that nobody writes to, into the new local file @file
 * (0600), standalone, of @format; it is not written to disk. *@ret_here: false, and nothing was done, where the
 * bytes are not on this machine: then hv_volume_copy() and hv_volume_download() do it. -EEXIST.
 */
int hv_volume_export(struct hypervisor *hv, const char *host, const char *path, const char *path_format,
		     const char *file, const char *format, hv_progress *progress, void *ctx, bool *ret_here,
		     struct error *e);
/**
 * Copies what a guest would read from @path, a file of @path_format that nobody writes to, into the new,
 * standalone volume @name of a pool, of @format. Both are "qcow2" or "raw".
 */
int hv_volume_copy(struct hypervisor *hv, const char *host, const char *path, const char *path_format,
		   const char *pool, const char *name, const char *format, hv_progress *progress, void *ctx,
		   char **ret_path, struct error *e);
/**
 * Takes the snapshot @path ("<path of a volume>@<name>") of a volume on a storage that keeps snapshots
 * itself: Ceph. A domain may be using the volume; the snapshot has what it had written at one moment. Success
 * when it is there already. It can be read, copied, used as a backing file and deleted as a volume of that
 * name.
 */
int hv_volume_snapshot(struct hypervisor *hv, const char *host, const char *path, struct error *e);
/** Makes a volume that no domain uses larger. -EINVAL when it would shrink. */
int hv_volume_resize(struct hypervisor *hv, const char *host, const char *path, int64_t size,
		     struct error *e);
/** As hv_disk_pull(), for the qcow2 file @path that no domain uses. */
int hv_volume_pull(struct hypervisor *hv, const char *host, const char *path, const char *base,
		   hv_progress *progress, void *ctx, struct error *e);
/**
 * Has the qcow2 file @path, which no domain uses, name @backing as its backing file again, which it stood on when a merge
 * began, and which is as it was then. Nothing is copied: what the file has got meanwhile reads as @backing does, and
 * what QEMU has copied and lost is in @backing still. All of it is on the disk. -EOPNOTSUPP on storage without backing
 * files.
 */
int hv_volume_stand_on(struct hypervisor *hv, const char *host, const char *path, const char *backing,
		       struct error *e);
/** Removes the volume. Success when it is not there. -EBUSY when other volumes depend on it, where the
 * storage knows.
 */
int hv_volume_delete(struct hypervisor *hv, const char *host, const char *pool, const char *name,
		     struct error *e);
int hv_volume_info(struct hypervisor *hv, const char *host, const char *path, struct hv_volume_info *ret,
		   struct error *e);
/** The backing file of the volume, allocated; NULL when it has none. -EOPNOTSUPP on storage without them. */
int hv_volume_backing(struct hypervisor *hv, const char *host, const char *path, char **ret_backing,
		      struct error *e);
/**
 * How a volume is named to QEMU's own programs on this machine (--image-opts); allocated. NULL without
 * memory, or when @path is not valid.
 */
char *hv_image_options(const char *path, const char *format);

/** Removes the file that a copied volume has left behind on its old host. Success when it is not there. */
int hv_volume_delete_moved(struct hypervisor *hv, const char *from, const char *pool, const char *name,
			   struct error *e);

/** -EINVAL when @name is not one visible file below a pool's folder. For hypervisor/ only. */
int volume_check_name(const char *name, struct error *e);

#endif
