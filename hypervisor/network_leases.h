/* SPDX-License-Identifier: Apache-2.0 */
/* What the DHCP server of a running network hands out. Internal to hypervisor/. See network_leases.c. */
#ifndef POOLFS_HYPERVISOR_NETWORK_LEASES_H
#define POOLFS_HYPERVISOR_NETWORK_LEASES_H

#include "hypervisor/call.h"
#include "hypervisor/network.h"

/*
 * Makes the running network, whose XML is @running, hand out exactly the leases of @spec, and forgets older ones that would
 * keep a guest from getting its address. Changes nothing when that is so already.
 */
int network_leases_apply(const struct hv_call *call, virNetworkPtr network, const char *running,
			 const struct hv_network_def *spec, struct error *e);

#endif
