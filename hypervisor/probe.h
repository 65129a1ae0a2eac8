/* SPDX-License-Identifier: Apache-2.0 */
/* What a host can really do, found out by trying it. See probe.c. */
#ifndef POOLFS_HYPERVISOR_PROBE_H
#define POOLFS_HYPERVISOR_PROBE_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

/*
 * Whether a guest of domain type @virt_type ("kvm", "qemu") gets as far as the marker on this host.
 * Takes about a second, ten at most. @host_uuid keeps the probes of several pools' hosts apart.
 */
bool probe_guest(virConnectPtr conn, const char *host_uuid, const char *virt_type);

/* Whether traffic control works there, so that a NIC with a bandwidth limit can be started. */
bool probe_bandwidth(virConnectPtr conn, const char *host_uuid);

#endif
