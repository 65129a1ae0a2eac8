/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of topology.h that open networks, and all that a cluster has, on a host. */
#include "actions/topology.h"

#include "actions/l3_network.h"
#include "actions/loose_file.h"
#include "actions/snapshot.h"
#include "actions/vm.h"
#include "actions/pool_internal.h"

/* A libvirt network's description with what it points to. */
struct network {
	struct hv_network_spec spec;
	struct hv_lease *leases; /* owned; the strings are the view's */
	const char **dns;	 /* owned; ditto */
	char bridge[IFNAMSIZ];
	char first[IPV4_STRLEN], last[IPV4_STRLEN];
};

static void network_done(struct network *n)
{
	free(n->leases);
	free(n->dns);
}

/* All ranges of an L3 network are in one subnet: DHCP is told from the lowest to the highest of their
 * addresses. */
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
		n->spec.gateway = object_str(o, IP_RANGE_GATEWAY);
		n->spec.netmask = object_str(o, IP_RANGE_NETMASK);
	}
	if (!n->spec.gateway)
		return error_set(e, EBUSY, "L3 network '%s' has no IP range", object_name(l3));
	n->spec.range_start = ipv4_format(all.first, n->first);
	n->spec.range_end = ipv4_format(all.last, n->last);
	return 0;
}

static int add_dns(struct network *n, const struct view *view, const struct object *l3, struct error *e)
{
	size_t room = view_count_where(view, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, object_uuid(l3));

	n->dns = calloc(room + 1, sizeof(*n->dns));
	if (!n->dns)
		return error_set(e, ENOMEM, "out of memory");
	view_for_each_where (dns, view, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, object_uuid(l3))
		n->dns[n->spec.dns_count++] = object_str(dns, L3_DNS_DNS);
	n->spec.dns = n->dns;
	return 0;
}

static int add_leases(struct network *n, const struct view *view, const struct object *l3, struct error *e)
{
	size_t room = view_count_where(view, KIND_NIC, NIC_L3_UUID, object_uuid(l3));

	n->leases = calloc(room + 1, sizeof(*n->leases));
	if (!n->leases)
		return error_set(e, ENOMEM, "out of memory");
	view_for_each_where (nic, view, KIND_NIC, NIC_L3_UUID, object_uuid(l3)) {
		if (object_is_null(nic, NIC_IP) || object_is_null(nic, NIC_MAC))
			continue;
		n->leases[n->spec.lease_count++] = (struct hv_lease){
			.mac = object_str(nic, NIC_MAC),
			.ip = object_str(nic, NIC_IP),
			.hostname = tag_value(view, object_text(nic, NIC_VM_UUID), "hostname")};
	}
	n->spec.leases = n->leases;
	return 0;
}

int l3_network_open_on_host(struct pool *pool, const struct view *view, const struct object *l3,
			    const char *host, char ret_name[32], struct error *e)
{
	const struct object *l2 = view_get(view, KIND_L2_NETWORK, object_str(l3, L3_L2_NETWORK_UUID));
	_cleanup_(network_done) struct network n = {0};
	int r;

	if (!l2)
		return error_set(e, ENOENT, "the L2 network of L3 network '%s' is gone", object_name(l3));
	if (!l2_network_is_managed(l2)) {
		ret_name[0] = '\0';
		return 0;
	}
	/* One bridge an L3 network: libvirt allows no two networks on the same one. */
	snprintf(n.bridge, sizeof(n.bridge), "virbr-%.8s", object_uuid(l3));
	n.spec.uuid = object_uuid(l3);
	n.spec.bridge = n.bridge;
	n.spec.dns_domain = object_str(l3, L3_DNS_DOMAIN);
	n.spec.nat = !object_str_is(l3, L3_CATEGORY, "System");
	r = add_ranges(&n, view, l3, e);
	if (r == 0)
		r = add_dns(&n, view, l3, e);
	if (r == 0)
		r = add_leases(&n, view, l3, e);
	return r < 0 ? r : hv_network_open(pool_hypervisor(pool), host, &n.spec, ret_name, e);
}

/* Opens the network on the host, or closes it when it has no addresses (any more). */
static int refresh_on_host(struct pool *pool, const struct view *view, const struct object *l3,
			   const char *host, struct error *e)
{
	char name[32];

	if (!view_next_where(view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, object_uuid(l3), 0))
		return hv_network_close(pool_hypervisor(pool), host, object_uuid(l3), e);
	return l3_network_open_on_host(pool, view, l3, host, name, e);
}

struct l3_change {
	const struct request *req;
	op_apply_fn *apply;
	json_t *result; /* owned */
};

static int apply_change(struct txn *t, void *arg, struct error *e)
{
	struct l3_change *change = arg;

	json_decref(change->result);
	change->result = NULL;
	return change->apply(t, change->req, &change->result, e);
}

int l3_network_change(struct job *job, const char *l3_uuid, op_apply_fn *apply, json_t **ret_result,
		      struct error *e)
{
	struct l3_change change = {.req = job->req, .apply = apply};
	int r = store_run(pool_store(job->pool), apply_change, &change, e);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3_uuid);

	if (r < 0) {
		json_decref(change.result);
		return r;
	}
	view_for_each (host, view, KIND_HOST)
		if (l3 && object_str_is(host, HOST_STATUS, "Connected") &&
		    cluster_has_l2(view, object_str(host, HOST_CLUSTER_UUID),
				   object_str(l3, L3_L2_NETWORK_UUID)))
			(void)refresh_on_host(job->pool, view, l3, object_uuid(host), NULL);
	*ret_result = change.result;
	return 0;
}

/* ------------------------------------------------------------------- hosts */

/* Keeps the first of several errors. */
static void note(int *result, int r)
{
	if (r < 0 && *result == 0)
		*result = r;
}

int host_prepare(struct pool *pool, const char *host_uuid, struct error *e)
{
	/* Two at once would both find a pool missing and both make it. */
	scoped_lock(&pool->prepare_lock);
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	const char *cluster = host ? object_str(host, HOST_CLUSTER_UUID) : NULL;
	int result = 0;

	view_for_each_where (link, view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, cluster) {
		const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE,
						   object_str(link, CLUSTER_PS_PRIMARY_STORAGE_UUID));

		note(&result, ps ? primary_storage_open_on_host(pool, view, ps, host_uuid, e) : 0);
	}
	view_for_each_where (link, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, cluster)
		view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID,
				     object_str(link, CLUSTER_L2_L2_NETWORK_UUID))
			note(&result, refresh_on_host(pool, view, l3, host_uuid, e));
	/* what was left behind while the host could not be reached */
	snapshots_settle_idle(pool);
	(void)loose_files_collect(pool, NULL);
	return result;
}
