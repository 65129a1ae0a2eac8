/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks of active domains: plugging, limits, size, and the file below. The calls
 * may wait for the host.
 *
 * Disks are found by the volume's uuid, their serial (hv_disk.serial). All of these need an active domain
 * (-EBUSY when it is not, -ENOENT when it has no such disk) and change its definition too.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DISK_H
#define POOLFS_HYPERVISOR_DOMAIN_DISK_H

#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/hypervisor.h"

/** Plugs a disk in. -EOPNOTSUPP for a bus without hot-plug (IDE), -EEXIST when the domain has it. */
int hv_disk_attach(struct hypervisor *hv, const char *host, const char *domain, const struct hv_disk *disk,
		   struct error *e);
/**
 * Asks the guest to give a disk back and waits until it has. Success when the domain is not active or has no
 * such disk. -ETIMEDOUT when the guest keeps it: the disk is still attached then.
 */
int hv_disk_detach(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int timeout_ms, struct error *e);
/** The file that the domain writes to, allocated; NULL when it is not active or has no such disk. */
int hv_disk_path(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		 char **ret_path, struct error *e);
/** Whether an active domain has no such disk (any more). -EBUSY when it is not active. */
int hv_disk_is_gone(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		    bool *ret, struct error *e);
/**
 * Marks in @used the numbers (hv_disk.device_id) below @room that the disks of an active domain have, in the guest or in
 * the definition, whosoever volumes they are. Success when it is not active: it has none.
 */
int hv_disk_numbers(struct hypervisor *hv, const char *host, const char *domain, bool *used, int room,
		    struct error *e);
/**
 * Removes from the definition of an active domain the disk with that number, which the guest has no more. Success when
 * there is none.
 */
int hv_disk_forget(struct hypervisor *hv, const char *host, const char *domain, int device_id,
		   struct error *e);
/** Limits reading and writing together; 0 = unlimited. */
int hv_disk_set_bandwidth(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
			  int64_t bytes_per_second, struct error *e);
/** Makes the guest see a larger disk. -EINVAL when it would shrink. */
int hv_disk_resize(struct hypervisor *hv, const char *host, const char *domain, const char *volume,
		   int64_t size, struct error *e);

#endif
