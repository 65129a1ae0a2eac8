/* SPDX-License-Identifier: Apache-2.0 */
/* L3 networks on a host, and their fixed leases. Any of these calls may wait for the host. */
#ifndef POOLFS_HYPERVISOR_NETWORK_H
#define POOLFS_HYPERVISOR_NETWORK_H

#include "hypervisor/hypervisor.h"

/** A fixed lease. */
struct hv_lease {
	const char *mac;
	const char *ip;
	const char *hostname; /* may be NULL */
};

/**
 * An L3 network with DHCP as a libvirt network on the host. Only the listed leases are ever
 * handed out by it: the pool allocates addresses itself.
 */
struct hv_network_def {
	const char *uuid;   /* of the L3 network; the libvirt network is named poolfs-<first 8 digits> */
	const char *bridge; /* bridge device to make, at most 15 characters, or NULL for libvirt's choice */
	const char *gateway;
	const char *netmask;
	const char *range_start; /* NULL = no DHCP; else only leases are handed out, wherever they lie */
	const char *range_end;
	const char *dns_domain; /* may be NULL */
	const char *const *dns; /* forwarders */
	size_t dns_count;
	bool nat; /* forward with NAT, else isolated */
	const struct hv_lease *leases;
	size_t lease_count;
};

/**
 * Defines and starts the network, or brings the one that is there up to date: leases are added and
 * replaced at once, but none is taken away (hv_lease_remove() does that); any other difference takes
 * effect at once when no guest uses the network, else at its next start.
 */
int hv_network_open(struct hypervisor *hv, const char *host, const struct hv_network_def *spec,
		    char ret_name[32], struct error *e);
/** Stops and undefines the network. Success when it is not there. */
int hv_network_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);
/** Adds (or replaces) the fixed lease of a MAC, live and persistent. */
int hv_lease_set(struct hypervisor *hv, const char *host, const char *network_uuid,
		 const struct hv_lease *lease, struct error *e);
/** Removes the fixed lease of a MAC. Success when it is not there. */
int hv_lease_remove(struct hypervisor *hv, const char *host, const char *network_uuid, const char *mac,
		    const char *ip, struct error *e);

#endif
