/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of topology.h about links and addresses: questions to a view. What they open on hosts is in
 * network_open.c. */
#include "actions/topology.h"

#include <string.h>

#include "actions/l3_network.h"
#include "actions/object_ops.h"

/* ------------------------------------------------------------------- links */

bool cluster_has_l2(const struct view *view, const char *cluster, const char *l2)
{
	return link_find(view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID, l2,
			 CLUSTER_L2_CLUSTER_UUID, cluster) != NULL;
}

bool cluster_has_primary_storage(const struct view *view, const char *cluster, const char *ps)
{
	return link_find(view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID, ps,
			 CLUSTER_PS_CLUSTER_UUID, cluster) != NULL;
}

bool zone_has_backup_storage(const struct view *view, const char *zone, const char *bs)
{
	return link_find(view, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, bs, ZONE_BS_ZONE_UUID,
			 zone) != NULL;
}

bool host_is_usable(const struct object *host)
{
	return object_str_is(host, HOST_STATE, "Enabled") && object_str_is(host, HOST_STATUS, "Connected");
}

const struct object *host_of_primary_storage(const struct view *view, const char *ps, int64_t after)
{
	const struct object *host = view_next(view, KIND_HOST, after);

	while (host && !(host_is_usable(host) &&
			 cluster_has_primary_storage(view, object_str(host, HOST_CLUSTER_UUID), ps)))
		host = view_next(view, KIND_HOST, host->id);
	return host;
}

/* --------------------------------------------------------------- addresses */

/* Whose addresses are asked for. */
struct addresses {
	const struct view *view;
	const char *l3;
};

static bool is_used(void *ctx, uint32_t address)
{
	const struct addresses *a = ctx;
	char ip[IPV4_STRLEN];

	return l3_network_has_nic_with(a->view, a->l3, ipv4_format(address, ip));
}

/* Where to begin looking: behind the newest NIC's address, so that filling a network costs the same per NIC.
 */
static uint32_t behind_newest(const struct view *view, const char *l3, struct ipv4_range range)
{
	const struct object *nic = view_newest_where(view, KIND_NIC, NIC_L3_UUID, l3);
	const char *ip = nic ? object_str(nic, NIC_IP) : NULL;
	uint32_t address;

	if (!ip || ipv4_parse(ip, &address, NULL) < 0 || !ipv4_range_contains(range, address) ||
	    address == range.last)
		return range.first;
	return address + 1;
}

/* The range that gives @nic its address: the one with @wanted in it, or the first with a free address. */
static const struct object *choose(const struct view *view, const char *l3, const char *wanted,
				   char ret_ip[IPV4_STRLEN])
{
	struct addresses a = {view, l3};
	uint32_t address = 0;
	bool parsed = wanted && ipv4_parse(wanted, &address, NULL) == 0;

	view_for_each_where (o, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, l3) {
		struct ipv4_range range;

		if (!ip_range_parse(o, &range))
			continue;
		if (wanted ? !parsed || !ipv4_range_contains(range, address)
			   : ipv4_range_find_free(range, behind_newest(view, l3, range), is_used, &a,
						  &address, NULL) < 0)
			continue;
		(void)ipv4_format(address, ret_ip);
		return o;
	}
	return NULL;
}

int l3_network_allocate_ip(struct txn *t, const char *l3_uuid, const char *wanted, struct object *nic,
			   struct error *e)
{
	const struct view *view = txn_view(t);
	char ip[IPV4_STRLEN], lease[UUID_SIZE];
	const struct object *range = choose(view, l3_uuid, wanted, ip);

	if (!range && wanted)
		return error_set_code(e, EINVAL, "SYS.1006",
				      "the static IP[%s] is not in any IP range of the L3 network[uuid:%s]",
				      wanted, l3_uuid);
	if (!range)
		return error_set_code(e, ENOSPC, "L3.1000",
				      "no IP address is available in L3 network[uuid:%s]", l3_uuid);
	if (wanted && l3_network_has_nic_with(view, l3_uuid, ip))
		return error_set(e, EEXIST, "the static IP[%s] has been occupied on the L3 network[uuid:%s]",
				 wanted, l3_uuid);
	uuid_make(lease);
	object_set_str(nic, NIC_USED_IP_UUID, lease);
	object_set_str(nic, NIC_L3_UUID, l3_uuid);
	object_set_str(nic, NIC_IP, ip);
	object_set_str(nic, NIC_NETMASK, object_str(range, IP_RANGE_NETMASK));
	object_set_str(nic, NIC_GATEWAY, object_str(range, IP_RANGE_GATEWAY));
	return 0;
}

int64_t l3_network_free_count(const struct view *view, const char *l3_uuid)
{
	int64_t count = 0;

	view_for_each_where (o, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, l3_uuid)
		count += ip_range_free_count(view, o);
	return count;
}
