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
#ifndef POOLFS_L3_NETWORK_H
#define POOLFS_L3_NETWORK_H

#include <net/if.h>

#include "actions/ipv4.h"
#include "actions/job.h"

/** True when libvirt makes the bridges of this L2 network. */
bool l2_network_is_managed(const struct object *l2);
/** The host bridge of an L2 network that is not managed: its interface, with a VLAN "interface.vlan". */
void l2_network_bridge(const struct object *l2, char ret_bridge[IFNAMSIZ]);

/**
 * What a NIC in the L3 network is put into on a host. True: the libvirt network @ret_name, false: the bridge
 * @ret_name that the host has. An unknown network counts as managed.
 */
bool l3_network_place(const struct view *view, const char *l3_uuid, char ret_name[32]);

/** Reads an IP range's addresses. False for a row that was never checked. */
bool ip_range_parse(const struct object *range, struct ipv4_range *ret);
/** Number of addresses of an IP range that nobody has. */
int64_t ip_range_free_count(const struct view *view, const struct object *range);
/** True when some NIC of the L3 network has the address. */
bool l3_network_has_nic_with(const struct view *view, const char *l3_uuid, const char *ip);

/**
 * Removes an L3 network that no NIC is in: closes it on its hosts (@enforcing: whatever they say), removes
 * ranges, DNS servers and row. Success when it is gone. -ENOTEMPTY. Blocking: for workers.
 */
int l3_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);
/**
 * Does @apply as one change, and then lets the hosts on which the L3 network is or may be needed follow. What
 * a host refuses is no failure: it is told again when it connects. Blocking: for workers.
 */
int l3_network_change(struct job *job, const char *l3_uuid, op_apply_fn *apply, json_t **ret_result,
		      struct error *e);
/** Stops the libvirt network of an L3 network on all connected hosts of a cluster. Blocking. */
int l3_network_close(struct pool *pool, const struct view *view, const char *l3_uuid, const char *cluster,
		     struct error *e);
/** Removes an L2 network with its L3 networks, as l3_network_remove(). Blocking: for workers. */
int l2_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
