/* SPDX-License-Identifier: Apache-2.0 */
/* L2 networks: what of them a host has. */
#ifndef POOLFS_NETWORK_L2_NETWORK_H
#define POOLFS_NETWORK_L2_NETWORK_H

#include <net/if.h>

#include "model/object.h"

/** True when libvirt makes the bridges of this L2 network. */
bool l2_network_is_managed(const struct object *l2);
/** The host bridge of an L2 network that is not managed: its interface, with a VLAN "interface.vlan". */
void l2_network_bridge(const struct object *l2, char ret_bridge[IFNAMSIZ]);

#endif
