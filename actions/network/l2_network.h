/* SPDX-License-Identifier: Apache-2.0 */
/* L2 networks: the bridge of a host that stands for one. */
#ifndef POOLFS_NETWORK_L2_NETWORK_H
#define POOLFS_NETWORK_L2_NETWORK_H

#include <net/if.h>

#include "model/object.h"

/** True if libvirt creates the bridges of this L2 network: its interface begins with "virbr" (l3_network.h). */
bool l2_network_is_managed(const struct object *l2);
/** The host bridge of an L2 network that is not managed: "interface", or "interface.vlan" if it has a VLAN. */
void l2_network_bridge(const struct object *l2, char ret_bridge[IFNAMSIZ]);

#endif
