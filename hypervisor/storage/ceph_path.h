/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of volumes on Ceph. A path is complete, so that it can be parsed anywhere
 * without asking a host:
 *
 *	ceph://[user@]monitor[:port],monitor[:port]/pool		a storage
 *	ceph://[user@]monitor[:port],monitor[:port]/pool/image[@snapshot]
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_CEPH_PATH_H
#define POOLFS_HYPERVISOR_STORAGE_CEPH_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "model/error.h"

#define CEPH_SCHEME	  "ceph://"
#define CEPH_DEFAULT_PORT "6789"
#define CEPH_MONITORS_MAX 9

/* A parsed path. */
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
/* Parses @path. -EINVAL with a sentence. ceph_path_done() in any case. */
int ceph_path_parse(const char *path, struct ceph_path *ret, struct error *e);
void ceph_path_done(struct ceph_path *p);
#define _cleanup_ceph_ _cleanup_(ceph_path_done)

/**
 * Checks that @url can be a Ceph pool: ceph://[user@]monitor[:port],monitor[:port]/pool. -EINVAL. Its volumes
 * are RBD images, always raw, with the paths <url>/<image> and <url>/<image>@<snapshot>; all hv_volume_*
 * calls take these too, and work on them from this machine, by Ceph's and QEMU's own programs.
 */
int hv_ceph_url_check(const char *url, struct error *e);

#endif
