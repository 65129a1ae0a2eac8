/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes on Ceph: images of an RBD pool.
 *
 * Internal to hypervisor/. A path says it all, so that it can be taken apart
 * anywhere and needs no look at a host:
 *
 *	ceph://[user@]monitor[:port],monitor[:port]/pool		a storage
 *	ceph://[user@]monitor[:port],monitor[:port]/pool/image[@snapshot]
 *
 * libvirt knows the pool of a storage (its room, and whether a host reaches it)
 * and gives guests its images as network disks. It has no calls for an image's
 * snapshots and clones, nor for its bytes; for these, and so for all work on
 * images, Ceph's own program `rbd` and qemu-img run on the daemon's machine,
 * whichever host asks: command.h.
 *
 * An image is always raw. What files know as an overlay is a clone, which needs a
 * snapshot to stand on: an image without one gets the snapshot "base" when it is
 * cloned first. Clones are of version 2: a snapshot can be deleted while a clone
 * stands on it, and goes for good with the last of them.
 *
 * With a user, Ceph's `cephx` authenticates it; its key is that of this machine as
 * a client of Ceph, in /etc/ceph/ceph.client.<user>.keyring, which QEMU's programs
 * find only when there is an /etc/ceph/ceph.conf, whatever it says. Without, the
 * cluster must want none.
 */
#ifndef POOLFS_HYPERVISOR_CEPH_H
#define POOLFS_HYPERVISOR_CEPH_H

#include <libvirt/libvirt.h>

#include "hypervisor/hypervisor.h"
#include "hypervisor/xml.h"

#define CEPH_MONITORS_MAX 9

/* A path taken apart. */
struct ceph_path {
	char *text;				    /* owned; the others point into it */
	const char *user, *pool, *image, *snapshot; /* NULL = none */
	struct {
		const char *host, *port; /* port never NULL */
	} monitors[CEPH_MONITORS_MAX];
	size_t monitor_count;
};

static inline bool ceph_is_path(const char *path)
{
	return path && __builtin_strncmp(path, "ceph://", 7) == 0;
}
/* Takes @path apart. -EINVAL with a sentence. ceph_path_done() in any case. */
int ceph_path_parse(const char *path, struct ceph_path *ret, struct error *e);
void ceph_path_done(struct ceph_path *p);
#define _cleanup_ceph_ _cleanup_(ceph_path_done)

/* Writes "host:port" of a monitor, with brackets where the host is an address of IPv6. */
void ceph_print_monitor(FILE *f, const char *host, const char *port);
/* Writes the <source> of a pool or, with an image, of a disk. */
void ceph_write_source(struct xml *x, const struct ceph_path *p);
/* The path that the <source> element @source of a pool or disk describes, allocated; NULL if none. */
char *ceph_path_of_source(xmlDocPtr doc, xmlNodePtr source);
/* Gives the host the key of the storage's user, under the name that ceph_write_source() writes. */
int ceph_define_secret(virConnectPtr conn, const struct ceph_path *p, struct error *e);

/* As the hv_volume_* functions; @storage is the path of a storage. */
int ceph_create(const char *storage, const char *name, int64_t size, const char *backing, char **ret_path,
		struct error *e);
int ceph_upload(const char *storage, const char *name, const char *format, const char *file,
		hv_progress *progress, void *ctx, char **ret_path, struct error *e);
int ceph_download(const char *path, const char *file, hv_progress *progress, void *ctx, struct error *e);
int ceph_copy(const char *path, const char *storage, const char *name, hv_progress *progress, void *ctx,
	      char **ret_path, struct error *e);
int ceph_resize(const char *path, int64_t size, struct error *e);
int ceph_pull(const char *path, const char *base, hv_progress *progress, void *ctx, struct error *e);
/* @name may have a snapshot. -EBUSY for an image of which there are snapshots of volumes. */
int ceph_delete(const char *storage, const char *name, struct error *e);
int ceph_info(const char *path, struct hv_volume_info *ret, struct error *e);
int ceph_list(const char *storage, char ***ret_names, size_t *ret_count, struct error *e);
/* Takes the snapshot that @path names, of an image that may be in use. Success when it is there. */
int ceph_snapshot(const char *path, struct error *e);
/* The path of the snapshot that a copy of @path named @name is made from; allocated, NULL without memory. */
char *ceph_copy_source(const char *path, const char *name);
/* Removes the snapshots of that kind, which copies that were broken off have left. */
int ceph_end_copies(const char *path, struct error *e);

#endif
