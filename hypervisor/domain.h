/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files about domains share. Internal to hypervisor/.
 *   domain.c      start, stop, pause, look, the guest's agent
 *   domain_xml.c  the XML of a VM
 *   device.c      changes of a domain that runs: NICs, media, CPUs, memory, console
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_H
#define POOLFS_HYPERVISOR_DOMAIN_H

#include "host.h"

/* VNC knows no longer password; libvirt refuses one. */
#define CONSOLE_PASSWORD_LENGTH 8

static inline void domain_free(virDomainPtr *domain)
{
	if (*domain)
		(void)virDomainFree(*domain);
}
#define _cleanup_domain_ _cleanup_(domain_free)

/* Looks @uuid up on @host in one go; the beginning of most calls. -ENOENT as the interface says. */
int domain_enter(struct hypervisor *hv, const char *host, const char *uuid, struct hv_call *ret_call,
		 virDomainPtr *ret_domain, struct error *e);

/* A console password that nobody knows, from characters that every VNC client can type. */
int console_password_make(char ret[CONSOLE_PASSWORD_LENGTH + 1], struct error *e);

/* The XML of one NIC, allocated; NULL when memory is short. */
char *nic_xml(const struct hv_nic *nic);
/* libvirt counts KiB/s; a limit below that is still a limit. 0 stays 0, unlimited. */
int64_t kib_per_second(int64_t bits_per_second);

#endif
