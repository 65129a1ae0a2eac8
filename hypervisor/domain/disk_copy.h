/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of disks of an active domain. See disk.h for how disks are found and for
 * the errors. The calls may wait for the host.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DISK_COPY_H
#define POOLFS_HYPERVISOR_DOMAIN_DISK_COPY_H

#include "hypervisor/hypervisor.h"

/** A copy of one disk: the new, standalone volume @name of a pool. */
struct hv_disk_copy {
	const char *volume;
	const char *pool, *name;
	const char *format; /* of the copy: "qcow2" or "raw" */
	char *path;	    /* out: allocated on success */
};
/** Copies disks of a domain, all as they are at one and the same moment. All or nothing. */
int hv_disks_copy(struct hypervisor *hv, const char *host, const char *domain, struct hv_disk_copy *copies,
		  size_t count, hv_progress *progress, void *ctx, struct error *e);
/** hv_disks_copy() of one disk, to qcow2. */
int hv_disk_copy(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 const char *pool, const char *name, hv_progress *progress, void *ctx, char **ret_path,
		 struct error *e);
/** Ends copies of the domain's disks that were interrupted by the end of the daemon. Success when there is
 * none. */
int hv_disk_copy_abort(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		       struct error *e);

#endif
