/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks, for other families: removing them, and how they look on a host.
 *
 * An L2 network whose physicalInterface begins with "virbr" is made by libvirt:
 * each of its L3 networks is a libvirt network of its own with a bridge of its
 * own, DHCP and, unless it is a system network, NAT. Any other
 * physicalInterface names a bridge that the hosts have already: NICs are put
 * into it as it is, and addresses are only recorded.
 */
#ifndef POOLFS_NETWORK_L3_NETWORK_H
#define POOLFS_NETWORK_L3_NETWORK_H

#include "actions/engine/job.h"

/**
 * What a NIC in the L3 network is put into on a host. True: the libvirt network @ret_name, false: the bridge
 * @ret_name that the host has. An unknown network counts as managed.
 */
bool l3_network_source(const struct view *view, const char *l3_uuid, char ret_name[32]);
/** True when some NIC of the L3 network has the address. */
bool l3_network_has_nic_with(const struct view *view, const char *l3_uuid, const char *ip);
/**
 * Does @apply as one change, and then lets the hosts on which the L3 network is or may be needed follow. What
 * a host refuses is no failure: it is told again when it connects. Blocking: for workers.
 */
int l3_network_change(struct job *job, const char *l3_uuid, op_apply_fn *apply, json_t **ret_result,
		      struct error *e);
/** Stops the libvirt network of an L3 network on all connected hosts of a cluster. Blocking. */
int l3_network_close(struct pool *pool, const struct view *view, const char *l3_uuid, const char *cluster,
		     struct error *e);

/** Opens the libvirt network of an L3 network on a host (with all its leases). @ret_name: 32 bytes. Blocking.
 */
int l3_network_open_on_host(struct pool *pool, const struct view *view, const struct object *l3,
			    const char *host, char ret_name[32], struct error *e);
/** The first free address of the L3 network, or @wanted if given: L3.1000 when none / SYS.1006 when taken or
 * outside. Fills ip, netmask and gateway of the (not yet written) NIC object @nic. */
int l3_network_allocate_ip(struct txn *t, const char *l3_uuid, const char *wanted, struct object *nic,
			   struct error *e);

/** -ENOTEMPTY while a NIC is on the network. */
int l3_network_check_unused(const struct view *view, const char *uuid, struct error *e);

/** Opens the network on the host, or closes it when it has no addresses (any more). Blocking. */
int l3_network_refresh_on_host(struct pool *pool, const struct view *view, const struct object *l3,
			       const char *host, struct error *e);

#endif
