/* SPDX-License-Identifier: Apache-2.0 */
/* See ip_range.h. */
#include "actions/network/ip_range.h"

bool ip_range_parse(const struct object *o, struct ipv4_range *ret)
{
	return ipv4_range_parse(object_text(o, IP_RANGE_START_IP), object_text(o, IP_RANGE_END_IP), ret,
				NULL) == 0;
}

const struct object *ip_range_next_nic(const struct view *view, const struct object *range, int64_t after)
{
	const char *l3 = object_str(range, IP_RANGE_L3_NETWORK_UUID);
	struct ipv4_range addresses;
	const struct object *nic;
	uint32_t address;

	if (!ip_range_parse(range, &addresses))
		return NULL;
	while ((nic = view_next_where(view, KIND_NIC, NIC_L3_UUID, l3, after))) {
		if (object_str(nic, NIC_IP) && ipv4_parse(object_str(nic, NIC_IP), &address, NULL) == 0 &&
		    ipv4_range_contains(addresses, address))
			return nic;
		after = nic->id;
	}
	return NULL;
}

int64_t ip_range_free_count(const struct view *view, const struct object *range)
{
	struct ipv4_range addresses;
	int64_t used = 0;

	if (!ip_range_parse(range, &addresses))
		return 0;
	for (const struct object *nic = ip_range_next_nic(view, range, 0); nic;
	     nic = ip_range_next_nic(view, range, nic->id))
		used++;
	return (int64_t)ipv4_range_size(addresses) - used;
}
