/* SPDX-License-Identifier: Apache-2.0 */
/* See l3_network.h. */
#include "actions/network/l3_network.h"

#include <net/if.h>
#include <string.h>

#include "actions/engine/pool_internal.h"
#include "actions/engine/tags.h"
#include "actions/host/topology.h"
#include "actions/network/ip_range.h"
#include "actions/network/l2_network.h"
#include "hypervisor/network.h"
#include "model/states.h"

/* The definition of a libvirt network, and the memory that it points to. */
struct network {
	struct hv_network_def def;
	struct hv_lease *leases; /* owned; the strings belong to the view */
	const char **dns;	 /* owned; ditto */
	char bridge[IFNAMSIZ];
	char first[IPV4_STRLEN], last[IPV4_STRLEN];
};

static void network_done(struct network *n)
{
	free(n->leases);
	free(n->dns);
}

/* All ranges of an L3 network are in one subnet: DHCP gets one range, from their lowest to their highest
 * address. */
static int add_ranges(struct network *n, const struct view *view, const struct object *l3, struct error *e)
{
	struct ipv4_range all = {UINT32_MAX, 0};

	view_for_each_where (o, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, object_uuid(l3)) {
		struct ipv4_range range;

		if (!ip_range_parse(o, &range))
			continue;
		if (range.first < all.first)
			all.first = range.first;
		if (range.last > all.last)
			all.last = range.last;
		n->def.gateway = object_str(o, IP_RANGE_GATEWAY);
		n->def.netmask = object_str(o, IP_RANGE_NETMASK);
	}
	if (!n->def.gateway)
		return error_set(e, EBUSY, "L3 network '%s' has no IP range", object_name(l3));
	n->def.range_start = ipv4_format(all.first, n->first);
	n->def.range_end = ipv4_format(all.last, n->last);
	return 0;
}

static int add_dns(struct network *n, const struct view *view, const struct object *l3, struct error *e)
{
	size_t room = view_count_candidates(view, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, object_uuid(l3));

	n->dns = calloc(room + 1, sizeof(*n->dns));
	if (!n->dns)
		return error_oom(e);
	view_for_each_where (dns, view, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, object_uuid(l3))
		n->dns[n->def.dns_count++] = object_str(dns, L3_DNS_DNS);
	n->def.dns = n->dns;
	return 0;
}

/*
 * The VM is on the host, is moving there, or was there last: a VM that is off keeps its entry, so that its
 * next start there finds it.
 */
static bool is_on(const struct object *vm, const char *host)
{
	const char *at = object_str(vm, VM_HOST_UUID);

	if (!at)
		at = object_str(vm, VM_LAST_HOST_UUID);
	return (at && strcmp(at, host) == 0) || object_str_is(vm, VM_MIGRATION_HOST_UUID, host);
}

static const char *name_of(const struct hv_lease *lease)
{
	return lease->hostname ? lease->hostname : "";
}

/* By name; the older NIC first. */
static int compare_names(const void *a, const void *b)
{
	const struct hv_lease *const *x = a, *const *y = b;
	int order = strcasecmp(name_of(*x), name_of(*y));

	return order ? order : (*x > *y) - (*x < *y);
}

/*
 * libvirt refuses a second entry with a name. New names are checked when they are requested; should two VMs
 * have the same all the same, both get their addresses, and one of them the name.
 */
static int drop_second_names(struct network *n, struct error *e)
{
	_cleanup_free_ struct hv_lease **sorted = calloc(n->def.lease_count + 1, sizeof(*sorted));

	if (!sorted)
		return error_oom(e);
	for (size_t i = 0; i < n->def.lease_count; i++)
		sorted[i] = &n->leases[i];
	qsort(sorted, n->def.lease_count, sizeof(struct hv_lease *), compare_names);
	for (size_t i = n->def.lease_count; i-- > 1;)
		if (strcasecmp(name_of(sorted[i]), name_of(sorted[i - 1])) == 0)
			sorted[i]->hostname = NULL;
	return 0;
}

/* What the DHCP server of the network on the host hands out. */
static int add_leases(struct network *n, const struct view *view, const struct object *l3, const char *host,
		      struct error *e)
{
	size_t room = view_count_candidates(view, KIND_NIC, NIC_L3_UUID, object_uuid(l3));

	n->leases = calloc(room + 1, sizeof(*n->leases));
	if (!n->leases)
		return error_oom(e);
	view_for_each_where (nic, view, KIND_NIC, NIC_L3_UUID, object_uuid(l3)) {
		const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));

		if (!vm || !is_on(vm, host) || object_is_null(nic, NIC_IP) || object_is_null(nic, NIC_MAC))
			continue;
		n->leases[n->def.lease_count++] = (struct hv_lease){
			.mac = object_str(nic, NIC_MAC),
			.ip = object_str(nic, NIC_IP),
			.hostname = tag_value(view, object_uuid(vm), "hostname"),
			.secondary = !object_str_is(vm, VM_DEFAULT_L3_UUID, object_uuid(l3))};
	}
	n->def.leases = n->leases;
	return drop_second_names(n, e);
}

static int open_on_host(struct pool *pool, const struct view *view, const struct object *l3, const char *host,
			struct error *e)
{
	const struct object *l2 = view_get(view, KIND_L2_NETWORK, object_str(l3, L3_L2_NETWORK_UUID));
	_cleanup_(network_done) struct network n = {0};
	char name[32];
	int r;

	if (!l2)
		return error_set(e, ENOENT, "the L2 network of L3 network '%s' is gone", object_name(l3));
	if (!l2_network_is_managed(l2))
		return 0;
	/* One bridge per L3 network: libvirt allows no two networks on one bridge. */
	snprintf(n.bridge, sizeof(n.bridge), "virbr-%.8s", object_uuid(l3));
	n.def.uuid = object_uuid(l3);
	n.def.bridge = n.bridge;
	n.def.dns_domain = object_str(l3, L3_DNS_DOMAIN);
	n.def.nat = !object_str_is(l3, L3_CATEGORY, "System");
	r = add_ranges(&n, view, l3, e);
	if (r < 0)
		return r;
	r = add_dns(&n, view, l3, e);
	if (r < 0)
		return r;
	/* A simulated guest asks for no address, and a simulated host may have very many. */
	r = object_str_is(view_get(view, KIND_HOST, host), HOST_VIRT_TYPE, "test")
		    ? 0
		    : add_leases(&n, view, l3, host, e);
	if (r < 0)
		return r;
	return hv_network_open(pool_hypervisor(pool), host, &n.def, name, e);
}

/* Of the host: two threads would undo each other's changes. */
static pthread_mutex_t *dhcp_lock(struct pool *pool, const char *host)
{
	size_t sum = 0;

	for (const char *p = host; *p; p++)
		sum = sum * 31 + (unsigned char)*p;
	return &pool->dhcp_locks[sum % ARRAY_SIZE(pool->dhcp_locks)];
}

int l3_network_apply_on_host(struct pool *pool, const char *l3_uuid, const char *host, struct error *e)
{
	scoped_lock(dhcp_lock(pool, host));
	/* under the lock, so that who comes last applies everybody's changes */
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3_uuid);

	if (!l3 || !view_get(view, KIND_HOST, host))
		return 0;
	if (!view_next_where(view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, l3_uuid, 0))
		return hv_network_close(pool_hypervisor(pool), host, l3_uuid, e);
	return open_on_host(pool, view, l3, host, e);
}

/* --------------------------------------------------------------- addresses */

/* The network whose addresses is_used() looks at. */
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

/* Where a search starts: after the newest NIC's address, so that filling a network costs the same per NIC. */
static uint32_t after_newest(const struct view *view, const char *l3, struct ipv4_range range)
{
	const struct object *nic = view_newest_where(view, KIND_NIC, NIC_L3_UUID, l3);
	const char *ip = nic ? object_str(nic, NIC_IP) : NULL;
	uint32_t address;

	if (!ip || ipv4_parse(ip, &address, NULL) < 0 || !ipv4_range_contains(range, address) ||
	    address == range.last)
		return range.first;
	return address + 1;
}

/* The range to take an address from: the one that contains @wanted, or the first with a free address. */
static const struct object *choose_range(const struct view *view, const char *l3, const char *wanted,
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
			   : ipv4_range_find_free(range, after_newest(view, l3, range), is_used, &a, &address,
						  NULL) < 0)
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
	const struct object *range = choose_range(view, l3_uuid, wanted, ip);

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

/* ------------------------------------------------------------------- on hosts */

bool l3_network_source(const struct view *view, const char *l3_uuid, char ret_name[32])
{
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3_uuid);
	const struct object *l2 =
		l3 ? view_get(view, KIND_L2_NETWORK, object_str(l3, L3_L2_NETWORK_UUID)) : NULL;

	if (l2 && !l2_network_is_managed(l2)) {
		l2_network_bridge(l2, ret_name);
		return false;
	}
	snprintf(ret_name, 32, "poolfs-%.8s", l3_uuid); /* as hv_network_open() names it */
	return true;
}

/* ----------------------------------------------------------------- removal */

int l3_network_check_unused(const struct view *view, const char *uuid, struct error *e)
{
	const struct object *nic = view_next_where(view, KIND_NIC, NIC_L3_UUID, uuid, 0);
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, uuid);
	const struct object *vm = nic ? view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID)) : NULL;

	if (!nic || !l3)
		return 0;
	return error_set(e, ENOTEMPTY, "L3 network '%s' is still used by VM '%s'", object_name(l3),
			 vm ? object_name(vm) : object_text(nic, NIC_VM_UUID));
}

int l3_network_close(struct pool *pool, const struct view *view, const char *l3_uuid, const char *cluster,
		     struct error *e)
{
	view_for_each_where (host, view, KIND_HOST, HOST_CLUSTER_UUID, cluster) {
		int r;

		if (!object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
			continue;
		r = hv_network_close(pool_hypervisor(pool), object_uuid(host), l3_uuid, e);
		if (r < 0)
			return r;
	}
	return 0;
}

bool l3_network_has_nic_with(const struct view *view, const char *l3_uuid, const char *ip)
{
	view_for_each_where (nic, view, KIND_NIC, NIC_IP, ip)
		if (object_str_is(nic, NIC_L3_UUID, l3_uuid))
			return true;
	return false;
}
