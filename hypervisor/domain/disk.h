/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One disk of an active domain. Internal to hypervisor/. The parts:
 *   disk.c        plugging, limits, size, which file it is on
 *   disk_chain.c  the files below it: another head, merging
 *   disk_copy.c   copies of disks while the guest goes on
 */
#ifndef POOLFS_HYPERVISOR_DISK_H
#define POOLFS_HYPERVISOR_DISK_H

#include <errno.h>

#include "hypervisor/domain/guest_devices.h"

struct disk {
	struct guest_devices devices;
	char *target; /* "vda"; NULL when the domain has no such disk */
};

void disk_leave(struct disk *d);
#define _cleanup_disk_ _cleanup_(disk_leave)

/* Finds an active domain, and the disk when it has it. -EBUSY when the domain is not active. */
int disk_enter(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
	       struct disk *d, struct error *e);
/* As disk_enter(), -ENOENT when there is no such disk. */
int disk_need(struct hypervisor *hv, const char *host, const char *domain, const char *volume, struct disk *d,
	      struct error *e);

/* True when the error says that there is no active domain, so no disk either. */
static inline bool disk_is_without(int rc)
{
	return rc == -ENOENT || rc == -EBUSY;
}

void pause_ms(int ms);

/* Are the disks of @copies on Ceph? 1 all, 0 none; -EOPNOTSUPP when only some are. */
int disks_are_on_ceph(const struct disk *d, const struct hv_disk_copy *copies, size_t count, struct error *e);
/* hv_disks_copy() of such disks, to Ceph. */
int disks_copy_on_ceph(const struct disk *d, struct hv_disk_copy *copies, size_t count, hv_progress *progress,
		       void *ctx, struct error *e);

#endif
