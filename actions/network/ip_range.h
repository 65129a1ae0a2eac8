/* SPDX-License-Identifier: Apache-2.0 */
/* Address ranges of L3 networks. */
#ifndef POOLFS_NETWORK_IP_RANGE_H
#define POOLFS_NETWORK_IP_RANGE_H

#include "actions/network/ipv4.h"
#include "model/view.h"

/** Parses the addresses of an IP range. False if they are not valid, which no operation writes. */
bool ip_range_parse(const struct object *range, struct ipv4_range *ret);
/** Number of addresses of an IP range that no NIC has; 0 for a row that cannot be parsed. */
int64_t ip_range_free_count(const struct view *view, const struct object *range);

/** The NIC with the smallest row id above @after that has an address in the range, or NULL. Borrowed. */
const struct object *ip_range_next_nic(const struct view *view, const struct object *range, int64_t after);

#endif
