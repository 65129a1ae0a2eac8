/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One disk of an active domain, found by its serial: the uuid of its volume, which
 * stays the same however the disk is attached and whichever file it is on. The disks of a
 * domain that was adopted have no such serial until it is started again: they are found by
 * the name of their target. Internal to
 * domain/. The parts:
 *   disk.c                plugging, limits, size, which file it is on
 *   disk_chain.c          the files below it: another head, merging
 *   disk_copy.c           copies of disks while the guest goes on
 *   disk_snapshot_copy.c  the same where the storage keeps snapshots
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DISK_LOOKUP_H
#define POOLFS_HYPERVISOR_DOMAIN_DISK_LOOKUP_H

#include <errno.h>

#include "hypervisor/domain/guest_devices.h"

#define DISK_PATH_SIZE 400
/* The XPath of the disk of the volume in the XML of the domain with the uuid @domain. */
void disk_path(const char *host, const char *domain, const char *volume, char ret[DISK_PATH_SIZE]);

/* The value at @below (XPath) of the disk with the serial @volume; allocated, NULL if none. */
char *domain_disk_get(xmlDocPtr doc, const char *host, const char *domain, const char *volume,
		      const char *below);

/* The path of the disk with the serial @volume; allocated, NULL if none. */
char *domain_disk_path(xmlDocPtr doc, const char *host, const char *domain, const char *volume);

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

#endif
