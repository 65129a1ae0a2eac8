/* SPDX-License-Identifier: Apache-2.0 */
/* Address ranges of L3 networks. */
#ifndef POOLFS_NETWORK_IP_RANGE_H
#define POOLFS_NETWORK_IP_RANGE_H

#include "actions/network/ipv4.h"
#include "model/view.h"

/** Reads an IP range's addresses. False for a row that was never checked. */
bool ip_range_parse(const struct object *range, struct ipv4_range *ret);
/** Number of addresses of an IP range that nobody has. */
int64_t ip_range_free_count(const struct view *view, const struct object *range);

/** The NIC with the smallest row id above @after that has an address of the range; NULL at the end. */
const struct object *ip_range_next_nic(const struct view *view, const struct object *range, int64_t after);

#endif
