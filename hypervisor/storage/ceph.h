/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes on Ceph: images of an RBD pool.
 *
 * Internal to storage/. rbd.c makes a backend of it.
 *
 * libvirt knows the pool of a storage (its room, and whether a host reaches it)
 * and gives guests its images as network disks. It has no calls for an image's
 * snapshots and clones, nor for its bytes; for these, and so for all work on
 * images, Ceph's own program `rbd` and qemu-img run on the daemon's machine,
 * whichever host asks: command.h.
 *
 * An image is always raw. What is an overlay among files is a clone here, whose
 * parent is a snapshot: an image without one gets the snapshot "base" when it is
 * first cloned. Clones are of version 2: a snapshot can be deleted while it has
 * clones, and disappears with the last of them.
 *
 * With a user, Ceph's `cephx` authenticates it; its key is that of this machine as
 * a client of Ceph, in /etc/ceph/ceph.client.<user>.keyring, which QEMU's programs
 * find only when there is an /etc/ceph/ceph.conf, whatever it says. Without, the
 * cluster must want none.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_CEPH_H
#define POOLFS_HYPERVISOR_STORAGE_CEPH_H

#include "hypervisor/storage/ceph_path.h"
#include "hypervisor/storage/volume.h"

/* As the hv_volume_* functions; @storage is the path of a storage. */
int ceph_create(const char *storage, const char *name, int64_t size, const char *backing, char **ret_path,
		struct error *e);
int ceph_upload(const char *storage, const char *name, const char *format, const char *file,
		hv_progress *progress, void *ctx, char **ret_path, struct error *e);
int ceph_download(const char *path, const char *file, hv_progress *progress, void *ctx, struct error *e);
/* @path is on Ceph, too; callers have checked that. */
int ceph_copy(const char *path, const char *storage, const char *name, hv_progress *progress, void *ctx,
	      char **ret_path, struct error *e);
int ceph_resize(const char *path, int64_t size, struct error *e);
int ceph_pull(const char *path, const char *base, hv_progress *progress, void *ctx, struct error *e);
/* @name may have a snapshot. -EBUSY for an image of which there are snapshots of volumes. */
int ceph_delete(const char *storage, const char *name, struct error *e);
int ceph_info(const char *path, struct hv_volume_info *ret, struct error *e);
/* Takes the snapshot that @path names, of an image that may be in use. Success when it is there. */
int ceph_snapshot(const char *path, struct error *e);
/* The path of the snapshot that a copy of @path named @name is made from; allocated, NULL without memory. */
char *ceph_copy_source(const char *path, const char *name);
/* Removes the snapshots of that kind, which interrupted copies have left. */
int ceph_end_copies(const char *path, struct error *e);

#endif
