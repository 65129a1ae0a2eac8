/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files about domains share. Internal to hypervisor/.
 *   domain.c      start, stop, pause, look, the guest's agent
 *   domain_xml.c  the XML of a VM
 *   guest_devices.c     how a device of a domain that runs is plugged, changed, unplugged
 *   device.c      which: NICs, media, CPUs, memory, console
 *   disk*.c       its disks, see disk.h
 *   migrate.c     moving it to another host
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_H
#define POOLFS_HYPERVISOR_DOMAIN_H

#include "hypervisor/call.h"
#include "hypervisor/xml.h"

/* VNC knows no longer password; libvirt refuses one. */
#define CONSOLE_PASSWORD_LENGTH 8

static inline void domain_free(virDomainPtr *domain)
{
	if (*domain)
		(void)virDomainFree(*domain);
}
#define _cleanup_domain_ _cleanup_(domain_free)

/* Looks @uuid up on @host in one go; hv_call_end() and domain_free() in any case. -ENOENT when the host does
 * not know the domain. */
int domain_enter(struct hypervisor *hv, const char *host, const char *uuid, struct hv_call *ret_call,
		 virDomainPtr *ret_domain, struct error *e);
/* As domain_find(), but a domain that is not there is NULL and no error. */
int domain_find_optional(const struct hv_call *call, const char *uuid, virDomainPtr *ret_domain,
			 struct error *e);
/* The parsed XML of the running domain; -EBUSY when it is not running. */
int live_xml(const struct hv_call *call, virDomainPtr domain, const char *uuid, xmlDocPtr *ret_doc,
	     struct error *e);

/* The value at @below (XPath) of the disk with the serial @volume; allocated, NULL if none. */
char *domain_disk_get(xmlDocPtr doc, const char *volume, const char *below);

/* The path of the disk with the serial @volume; allocated, NULL if none. */
char *domain_disk_path(xmlDocPtr doc, const char *volume);
/* The same of the disk or drive @disk. */
char *domain_source_path(xmlDocPtr doc, xmlNodePtr disk);
/* Writes the <source> of a disk, of type "network" on Ceph, else "file"; nothing for NULL. */
void domain_write_source(struct xml *x, const char *path);

/* A console password that nobody knows, from characters that every VNC client can type. */
int console_password_make(char ret[CONSOLE_PASSWORD_LENGTH + 1], struct error *e);

/* The XML of one NIC, allocated; NULL when memory is short. */
char *nic_xml(const struct hv_nic *nic);
/* libvirt counts KiB/s; a limit below that is still a limit. 0 stays 0, unlimited. */
int64_t kib_per_second(int64_t bits_per_second);

#endif
