/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's jobs on the disks of a domain: merging the files of one, copying several.
 * Internal to hypervisor/. The domain is a guest (domain/), or one without a guest
 * that only holds a file open (dir_jobs.c).
 *
 * A job goes on when nobody waits for it any more, so what a call finds under way
 * is waited for, and what it finds done is done.
 */
#ifndef POOLFS_HYPERVISOR_STORAGE_DISK_JOBS_H
#define POOLFS_HYPERVISOR_STORAGE_DISK_JOBS_H

#include "hypervisor/call.h"

/*
 * Makes QEMU write what it has in memory of the disk @target ("vda") of an active domain: tables that map data, too. libvirt
 * has no call for it, QEMU's monitor has. An error of the disk is not told here.
 */
int domain_flush_disk(const struct hv_call *call, virDomainPtr domain, const char *target, struct error *e);

/*
 * Makes the disk stand on @base, waits for it, and flushes. See hv_disk_pull().
 */
int domain_pull_disk(const struct hv_call *call, virDomainPtr domain, const char *target, const char *base,
		     hv_progress *progress, void *ctx, struct error *e);
/*
 * Writes to the header of the disk's file that it stands on @base, as it does in this domain already, and flushes. The
 * caller checks that the header does so: QEMU does not tell when it cannot write it.
 */
int domain_name_backing(const struct hv_call *call, virDomainPtr domain, const char *target, const char *base,
			struct error *e);

/* Waits until the mirror job of the disk has caught up with it, which does not end it. -ECANCELED when
 * @progress says so, which does. */
int domain_wait_mirror(const struct hv_call *call, virDomainPtr domain, const char *target,
		       hv_progress *progress, void *ctx, struct error *e);
/* See hv_disk_commit(); flushes, too. *@ret_begun is set once the merge may have begun. */
int domain_commit_disk(const struct hv_call *call, virDomainPtr domain, const char *target, const char *top,
		       const char *base, hv_progress *progress, void *ctx, bool *ret_begun, struct error *e);

/* A disk and the new file that gets its copy. */
struct disk_backup {
	const char *target, *path, *format;
};

/* Copies disks of a domain, all as they are at one moment. A copy that is under way is ended first. */
int domain_back_up_disks(const struct hv_call *call, virDomainPtr domain, const struct disk_backup *disks,
			 size_t count, hv_progress *progress, void *ctx, struct error *e);
/* Ends a copy that nobody waits for any more. */
void domain_abort_backup(virDomainPtr domain);

#endif
