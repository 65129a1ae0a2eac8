/* SPDX-License-Identifier: Apache-2.0 */
/*
 * L3 networks: their libvirt networks on hosts, and the allocation of their addresses.
 *
 * An L2 network whose physicalInterface begins with "virbr" is managed: each of
 * its L3 networks is a libvirt network of its own, with its own bridge, DHCP
 * and, unless it is a system network, NAT. Any other physicalInterface is a
 * bridge that exists on the hosts: NICs are attached to it as it is, and
 * addresses are only recorded.
 */
#ifndef POOLFS_NETWORK_L3_NETWORK_H
#define POOLFS_NETWORK_L3_NETWORK_H

#include "actions/engine/job.h"

/**
 * What a NIC of the L3 network is attached to on a host. True: the libvirt network @ret_name; false: the
 * host's bridge @ret_name. An unknown network counts as managed.
 */
bool l3_network_source(const struct view *view, const char *l3_uuid, char ret_name[32]);
/** True if a NIC of the L3 network has the address. */
bool l3_network_has_nic_with(const struct view *view, const char *l3_uuid, const char *ip);
/**
 * Closes the libvirt network of an L3 network on all connected hosts of a cluster. Stops at the first
 * failure. Blocking.
 */
int l3_network_close(struct pool *pool, const struct view *view, const char *l3_uuid, const char *cluster,
		     struct error *e);

/**
 * Makes the libvirt network of an L3 network on a host what the pool says now: opens it with the leases of the
 * VMs that are on the host, moves changed leases, removes those of VMs that are not there any more, or closes
 * it if the L3 network has no IP range. To be called after each change of what a guest there gets by DHCP;
 * what is right already stays untouched. Success for an L2 network that is not managed, and for an L3 network
 * or host that is gone. Blocking.
 */
int l3_network_apply_on_host(struct pool *pool, const char *l3_uuid, const char *host, struct error *e);
/**
 * Gives @nic, an object not yet written, an address of the L3 network with its netmask and gateway: @wanted,
 * or the first free one if that is NULL. -EINVAL (SYS.1006) if @wanted is in no IP range, -EEXIST if it is
 * taken, -ENOSPC (L3.1000) if no address is free.
 */
int l3_network_allocate_ip(struct txn *t, const char *l3_uuid, const char *wanted, struct object *nic,
			   struct error *e);

/** -ENOTEMPTY while a NIC is in the network. */
int l3_network_check_unused(const struct view *view, const char *uuid, struct error *e);

#endif
