/* SPDX-License-Identifier: Apache-2.0 */
/* L2 networks: wires that clusters share. See l3_network.h for what they are on a host. */
#include <ctype.h>
#include <string.h>

#include "actions/handlers.h"
#include "actions/l3_network.h"
#include "actions/object_ops.h"
#include "actions/topology.h"
#include "hypervisor/hypervisor.h"

bool l2_network_is_managed(const struct object *l2)
{
	return strncmp(object_text(l2, L2_PHYSICAL_INTERFACE), "virbr", 5) == 0;
}

void l2_network_bridge(const struct object *l2, char ret_bridge[IFNAMSIZ])
{
	if (object_is_null(l2, L2_VLAN))
		snprintf(ret_bridge, IFNAMSIZ, "%s", object_text(l2, L2_PHYSICAL_INTERFACE));
	else
		snprintf(ret_bridge, IFNAMSIZ, "%s.%d", object_text(l2, L2_PHYSICAL_INTERFACE),
			 (int)object_int(l2, L2_VLAN));
}

/* ---------------------------------------------------------------- creating */

static int check_interface(const char *name, int64_t vlan, struct error *e)
{
	char number[16] = "";

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return error_set(e, EINVAL, "'%s' is not the name of a network interface", name);
	if (!*name)
		return error_set(e, EINVAL, "field[physicalInterface] cannot be an empty string");
	if (vlan)
		snprintf(number, sizeof(number), ".%d", (int)vlan);
	if (strlen(name) + strlen(number) >= IFNAMSIZ)
		return error_set(e, EINVAL, "'%s%s' is too long for the name of a network interface", name,
				 number);
	return 0;
}

int l2_network_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = object_check_uuid(view, req, e);

	return r < 0 ? r
		     : check_interface(request_str(req, "physicalInterface"), request_int(req, "vlan", 0), e);
}

int l2_network_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_L2_NETWORK, req, &o, e);

	if (r < 0)
		return r;
	object_set_str(o, L2_TYPE, object_is_null(o, L2_VLAN) ? "L2NoVlanNetwork" : "L2VlanNetwork");
	return object_create(t, o, req, ret_result, e);
}

/* ------------------------------------------------------ attaching to clusters */

/* Another L2 network of the cluster on the same interface with the same VLAN; NULL when there is none. */
static const struct object *find_clash(const struct view *view, const struct object *l2, const char *cluster)
{
	view_for_each_where (link, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, cluster) {
		const struct object *other =
			view_get(view, KIND_L2_NETWORK, object_str(link, CLUSTER_L2_L2_NETWORK_UUID));

		if (other && object_field_equal(l2, other, L2_PHYSICAL_INTERFACE) &&
		    object_field_equal(l2, other, L2_VLAN))
			return other;
	}
	return NULL;
}

int l2_network_attach_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *cluster_uuid = request_str(req, "clusterUuid");
	const struct object *l2 = request_object(view, req);
	const struct object *cluster = view_get(view, KIND_CLUSTER, cluster_uuid);

	if (!l2 || !cluster)
		return error_set(e, ENOENT, "L2 network '%s' or cluster '%s' is gone", req->target,
				 cluster_uuid);
	if (cluster_has_l2(view, cluster_uuid, req->target))
		return error_set(e, EEXIST,
				 "l2Network[uuid:%s] has attached to cluster[uuid:%s], can't attach again",
				 req->target, cluster_uuid);
	if (!object_str_is(cluster, CLUSTER_ZONE_UUID, object_str(l2, L2_ZONE_UUID)))
		return error_set(e, EINVAL,
				 "l2Network[uuid:%s] and cluster[uuid:%s] are not in the same zone",
				 req->target, cluster_uuid);
	if (!find_clash(view, l2, cluster_uuid))
		return 0;
	if (object_is_null(l2, L2_VLAN))
		return error_set_code(
			e, EEXIST, "SYS.1007",
			"There has been a l2Network attached to cluster that has physical interface[%s]. "
			"Failed to attach l2Network[uuid:%s]",
			object_text(l2, L2_PHYSICAL_INTERFACE), req->target);
	return error_set_code(
		e, EEXIST, "SYS.1007",
		"There has been a l2Network attached to cluster with vlan[%d] and physical interface[%s]. "
		"Failed to attach L2 network[uuid:%s]",
		(int)object_int(l2, L2_VLAN), object_text(l2, L2_PHYSICAL_INTERFACE), req->target);
}

int l2_network_attach_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	int r = link_put(t, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, request_str(req, "clusterUuid"),
			 CLUSTER_L2_L2_NETWORK_UUID, req->target, e);

	return r < 0 ? r : result_inventory(txn_view(t), KIND_L2_NETWORK, req->target, ret_result, e);
}

/* A VM that runs in the cluster with a NIC on the L2 network; NULL when there is none. */
static const struct object *find_user(const struct view *view, const char *l2, const char *cluster)
{
	view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID, l2)
		view_for_each_where (nic, view, KIND_NIC, NIC_L3_UUID, object_uuid(l3)) {
			const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));

			if (vm && object_str(vm, VM_HOST_UUID) && object_str_is(vm, VM_CLUSTER_UUID, cluster))
				return vm;
		}
	return NULL;
}

int l2_network_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *cluster = request_str(req, "clusterUuid");
	const struct object *vm = find_user(view, req->target, cluster);

	if (!cluster_has_l2(view, cluster, req->target))
		return error_set(e, EBUSY, "l2Network[uuid:%s] has not attached to cluster[uuid:%s]",
				 req->target, cluster);
	if (vm)
		return error_set(e, ENOTEMPTY, "VM '%s' runs in the cluster with a NIC on this L2 network",
				 object_name(vm));
	return 0;
}

/* Looks once more, in the change itself: a VM may have been started since. */
static int remove_link(struct txn *t, void *arg, struct error *e)
{
	const struct request *req = arg;
	const struct object *link =
		link_find(txn_view(t), KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID, req->target,
			  CLUSTER_L2_CLUSTER_UUID, request_str(req, "clusterUuid"));
	int r = link ? l2_network_detach_check(txn_view(t), req, e) : 0;

	return r < 0 || !link ? r : object_remove(t, link, e);
}

int l2_network_detach_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	int r = store_run(pool_store(job->pool), remove_link, job->req, e);

	if (r < 0)
		return r;
	view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID, job->req->target) {
		r = l3_network_close(job->pool, view, object_uuid(l3), request_str(job->req, "clusterUuid"),
				     e);
		if (r < 0)
			return r;
	}
	return job_result_inventory(job, KIND_L2_NETWORK, job->req->target, ret_result, e);
}

/* ---------------------------------------------------------------- removing */

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	int r = object_remove_where(t, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID, key->uuid, e);

	return r < 0 ? r : object_remove_key(t, key, e);
}

int l2_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	struct object_key key = {KIND_L2_NETWORK, uuid};

	for (;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *l3 = view_next_where(view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID, uuid, 0);
		int r;

		if (!l3)
			break;
		r = l3_network_remove(job, object_uuid(l3), enforcing, e);
		if (r < 0)
			return r;
	}
	return store_run(pool_store(job->pool), remove_rows, &key, e);
}

int l2_network_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return l2_network_remove(job, job->req->target, request_is_enforcing(job->req), e);
}
