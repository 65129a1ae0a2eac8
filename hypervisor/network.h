/* SPDX-License-Identifier: Apache-2.0 */
/* L3 networks on a host, and their fixed leases. Any of these calls may wait for the host. */
#ifndef POOLFS_HYPERVISOR_NETWORK_H
#define POOLFS_HYPERVISOR_NETWORK_H

#include "hypervisor/hypervisor.h"

/** A fixed lease. */
struct hv_lease {
	const char *mac;
	const char *ip;
	const char *hostname; /* may be NULL; no two leases of a network have the same */
	bool secondary; /* not in its VM's default network: the guest gets no router and no DNS from here */
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
 * Makes the network on the host what @spec says: defines and starts it, or changes what differs. Leases are
 * compared and changed at once, without touching the guests on the network; any other difference takes effect
 * at once when no guest uses the network, else at its next start. Not to be called for one network of a host
 * by two threads at a time.
 */
int hv_network_open(struct hypervisor *hv, const char *host, const struct hv_network_def *spec,
		    char ret_name[32], struct error *e);
/** Stops and undefines the network. Success when it is not there. */
int hv_network_close(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);

#endif
