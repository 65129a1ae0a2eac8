/* SPDX-License-Identifier: Apache-2.0 */
/*
 * L3 networks and their DNS servers. Their addresses are in ip_range.c.
 *
 * Changes of ranges and DNS servers reach the libvirt networks on connected
 * hosts in the same job, others when they connect. A network with guests on it
 * takes over new DNS servers at its next start (see hv_network_open()).
 */
#include "actions/l3_network.h"

#include <arpa/inet.h>
#include <string.h>

#include "actions/handlers.h"
#include "actions/host.h"
#include "actions/object_ops.h"

/* ------------------------------------------------------ creating, changing */

/* System networks are those of category System; the sentence is the manual's. */
static int check_category(bool system, const char *category, struct error *e)
{
	if (system == (strcmp(category, "System") == 0))
		return 0;
	return error_set(e, EINVAL, "not valid combination of system and category,only %s are valid",
			 "{false=[Public, Private], true=[System]}");
}

static int check_domain(const struct request *req, struct error *e)
{
	const char *domain = request_str(req, "dnsDomain");

	if (!domain || !*domain || host_name_is_valid(domain))
		return 0;
	return error_set(e, EINVAL, "%s is not a valid domain name", domain);
}

int l3_network_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "type");
	int r = object_check_uuid(view, req, e);

	if (r == 0 && type && strcmp(type, "L3BasicNetwork") != 0)
		r = error_set(e, EINVAL, "unsupported l3network type[%s]", type);
	if (r == 0)
		r = check_domain(req, e);
	if (r == 0)
		r = check_category(request_bool(req, "system", false), request_str(req, "category"), e);
	return r;
}

int l3_network_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *l2 = view_get(txn_view(t), KIND_L2_NETWORK, request_str(req, "l2NetworkUuid"));
	struct object *o;
	int r;

	if (!l2)
		return error_set(e, ENOENT, "L2 network '%s' is gone", request_str(req, "l2NetworkUuid"));
	r = object_from_request(txn_view(t), KIND_L3_NETWORK, req, &o, e);
	if (r < 0)
		return r;
	object_set_str(o, L3_ZONE_UUID, object_str(l2, L2_ZONE_UUID));
	object_set_str(o, L3_STATE, "Enabled");
	object_set_int(o, L3_SYSTEM, request_bool(req, "system", false));
	return object_create(t, o, req, ret_result, e);
}

int l3_network_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *l3 = request_object(view, req);
	const char *category = request_str(req, "category");
	bool now = l3 && object_int(l3, L3_SYSTEM);
	bool system = request_bool(req, "system", now);
	int r = check_domain(req, e);

	if (r < 0)
		return r;
	if (!category && system != now)
		return error_set(e, EINVAL, "you must update system and category both");
	return category ? check_category(system, category, e) : 0;
}

/* Name and description are the pool's alone. */
int l3_network_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	bool hosts_care =
		request_has(req, "dnsDomain") || request_has(req, "category") || request_has(req, "system");

	return hosts_care ? OP_NEEDS_RUN : object_update_apply(t, req, ret_result, e);
}

int l3_network_update_run(struct job *job, json_t **ret_result, struct error *e)
{
	return l3_network_change(job, job->req->target, object_update_apply, ret_result, e);
}

/* --------------------------------------------------------------------- DNS */

static bool is_ip_address(const char *text)
{
	struct in6_addr v6;
	uint32_t v4;

	return ipv4_parse(text, &v4, NULL) == 0 || inet_pton(AF_INET6, text, &v6) == 1;
}

static const struct object *find_dns(const struct view *view, const struct request *req)
{
	return link_find(view, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, req->target, L3_DNS_DNS,
			 request_str(req, "dns"));
}

static int check_dns(const struct request *req, struct error *e)
{
	if (is_ip_address(request_str(req, "dns")))
		return 0;
	return error_set(e, EINVAL, "dns[%s] is not a IP address", request_str(req, "dns"));
}

int l3_network_add_dns_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = check_dns(req, e);

	if (r < 0 || !find_dns(view, req))
		return r;
	return error_set(e, EEXIST, "there has been a DNS[%s] on L3 network[uuid:%s]",
			 request_str(req, "dns"), req->target);
}

static int add_dns(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	int r = find_dns(txn_view(t), req) ? 0
					   : link_put(t, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, req->target,
						      L3_DNS_DNS, request_str(req, "dns"), e);

	return r < 0 ? r : result_inventory(txn_view(t), KIND_L3_NETWORK, req->target, ret_result, e);
}

int l3_network_remove_dns_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	return check_dns(req, e);
}

static int remove_dns(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *dns = find_dns(txn_view(t), req);
	int r = dns ? object_remove(t, dns, e)
		    : 0; /* the manual's server is content with one that is not there */

	return r < 0 ? r : result_inventory(txn_view(t), KIND_L3_NETWORK, req->target, ret_result, e);
}

int l3_network_add_dns_run(struct job *job, json_t **ret_result, struct error *e)
{
	return l3_network_change(job, job->req->target, add_dns, ret_result, e);
}

int l3_network_remove_dns_run(struct job *job, json_t **ret_result, struct error *e)
{
	return l3_network_change(job, job->req->target, remove_dns, ret_result, e);
}

/* ------------------------------------------------------------------ on hosts */

bool l3_network_place(const struct view *view, const char *l3_uuid, char ret_name[32])
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

/* ---------------------------------------------------------------- removing */

static int check_unused(const struct view *view, const char *uuid, struct error *e)
{
	const struct object *nic = view_next_where(view, KIND_NIC, NIC_L3_UUID, uuid, 0);
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, uuid);
	const struct object *vm = nic ? view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID)) : NULL;

	if (!nic || !l3)
		return 0;
	return error_set(e, ENOTEMPTY, "L3 network '%s' is still used by VM '%s'", object_name(l3),
			 vm ? object_name(vm) : object_text(nic, NIC_VM_UUID));
}

int l3_network_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_unused(view, req->target, e);
}

/* A Disabled network gets no new NICs, so that it stays unused while it is closed on the hosts. */
static int disable(struct txn *t, void *arg, struct error *e)
{
	const char *uuid = arg;
	const struct object *l3 = view_get(txn_view(t), KIND_L3_NETWORK, uuid);
	struct object *copy;
	int r = check_unused(txn_view(t), uuid, e);

	if (r < 0 || !l3)
		return r;
	copy = object_copy(l3);
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(copy, L3_STATE, "Disabled");
	return txn_put(t, copy, NULL, e);
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = check_unused(txn_view(t), key->uuid, e);

	if (r == 0)
		r = object_remove_where(t, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, key->uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, key->uuid, e);
	return r < 0 ? r : object_remove_key(t, key, e);
}

int l3_network_close(struct pool *pool, const struct view *view, const char *l3_uuid, const char *cluster,
		     struct error *e)
{
	view_for_each_where (host, view, KIND_HOST, HOST_CLUSTER_UUID, cluster) {
		int r;

		if (!object_str_is(host, HOST_STATUS, "Connected"))
			continue;
		r = hv_network_close(pool_hypervisor(pool), object_uuid(host), l3_uuid, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int close_everywhere(struct job *job, const struct view *view, const struct object *l3, bool enforcing,
			    struct error *e)
{
	view_for_each_where (link, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID,
			     object_str(l3, L3_L2_NETWORK_UUID)) {
		int r = l3_network_close(job->pool, view, object_uuid(l3),
					 object_str(link, CLUSTER_L2_CLUSTER_UUID), enforcing ? NULL : e);

		if (r < 0 && !enforcing)
			return r;
	}
	return 0;
}

int l3_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, uuid);
	char name[UUID_SIZE];
	struct object_key key = {KIND_L3_NETWORK, name};
	int r;

	if (!l3)
		return 0;
	snprintf(name, sizeof(name), "%s", uuid);
	r = store_run(pool_store(job->pool), disable, name, e);
	if (r == 0)
		r = close_everywhere(job, view, l3, enforcing, e);
	return r < 0 ? r : store_run(pool_store(job->pool), remove_rows, &key, e);
}

int l3_network_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return l3_network_remove(job, job->req->target, request_is_enforcing(job->req), e);
}
