/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables of UEFI firmware: one small file per domain that libvirt keeps on the domain's host, in a folder
 * of its own. Each call may wait for the hosts.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_FIRMWARE_H
#define POOLFS_HYPERVISOR_DOMAIN_FIRMWARE_H

#include "hypervisor/hypervisor.h"

/**
 * Gives the domain @uuid on @host the variables that @from has on @from_host; those that it had are replaced.
 * @uuid need not be defined yet. Success when @from has none, which changes nothing.
 */
int hv_firmware_copy(struct hypervisor *hv, const char *from_host, const char *from, const char *host,
		     const char *uuid, struct error *e);
/** Removes the variables of a domain that is not defined any more. Success when there are none. */
int hv_firmware_remove(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);

#endif
