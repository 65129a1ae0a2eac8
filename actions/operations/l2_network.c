/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on L2 networks, which clusters share. What they are on a host: network/l3_network.h. */
#include <ctype.h>
#include <net/if.h>
#include <string.h>

#include "actions/cascade/l2_network_remove.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/topology.h"
#include "actions/network/host_prepare.h"
#include "actions/network/l3_network.h"
#include "actions/operations/table.h"
#include "actions/vm/state.h"

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

static int l2_network_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	return check_interface(request_str(req, "physicalInterface"), request_int(req, "vlan", 0), e);
}

static int l2_network_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				   struct error *e)
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

static int l2_network_attach_check(const struct view *view, const struct request *req, struct error *e)
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

static int l2_network_attach_apply(struct txn *t, const struct request *req, json_t **ret_result,
				   struct error *e)
{
	(void)ret_result;
	return link_put(t, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, request_str(req, "clusterUuid"),
			CLUSTER_L2_L2_NETWORK_UUID, req->target, e);
}

/* A VM that runs in the cluster with a NIC on the L2 network; NULL when there is none. */
static const struct object *find_user(const struct view *view, const char *l2, const char *cluster)
{
	view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID, l2)
		view_for_each_where (nic, view, KIND_NIC, NIC_L3_UUID, object_uuid(l3)) {
			const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));

			if (vm && vm_host(vm) && object_str_is(vm, VM_CLUSTER_UUID, cluster))
				return vm;
		}
	return NULL;
}

static int l2_network_detach_check(const struct view *view, const struct request *req, struct error *e)
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

/* Checks again, within the change: a VM may have been started meanwhile. */
static int remove_link(struct txn *t, void *arg, struct error *e)
{
	const struct request *req = arg;
	const struct object *link =
		link_find(txn_view(t), KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID, req->target,
			  CLUSTER_L2_CLUSTER_UUID, request_str(req, "clusterUuid"));
	int r;

	if (!link)
		return 0;
	r = l2_network_detach_check(txn_view(t), req, e);
	if (r < 0)
		return r;
	return object_remove(t, link, e);
}

static int l2_network_detach_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	int r = store_run(pool_store(job->pool), remove_link, job->req, e);

	if (r < 0)
		return r;
	hosts_prepare_again(job->pool);
	view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID, job->req->target) {
		r = l3_network_close(job->pool, view, object_uuid(l3), request_str(job->req, "clusterUuid"),
				     e);
		if (r < 0)
			return r;
	}
	return job_result_inventory(job, KIND_L2_NETWORK, job->req->target, ret_result, e);
}

/* ---------------------------------------------------------------- removing */

static int l2_network_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return l2_network_remove(job, job->req->target, request_is_enforcing(job->req), e);
}

static const struct operation create_l2_no_vlan_network = {
	.section = "5.3",
	.name = "CreateL2NoVlanNetwork",
	.message = "org.zstack.header.network.l2.APICreateL2NoVlanNetworkMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/l2-networks/no-vlan", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "zoneUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_ZONE},
					 {.name = "physicalInterface",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 15},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:L2NetworkInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_L2_NETWORK,
	.where = "l2-networks/no-vlan",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "creates an L2 network without a VLAN",
	.check = l2_network_create_check,
	.apply = l2_network_create_apply,
};

static const struct operation create_l2_vlan_network = {
	.section = "5.3",
	.name = "CreateL2VlanNetwork",
	.message = "org.zstack.header.network.l2.APICreateL2VlanNetworkMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/l2-networks/vlan", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "zoneUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_ZONE},
					 {.name = "physicalInterface",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 15},
					 {.name = "vlan",
					  .type = PARAM_INT,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .min = 1,
					  .max = 4094},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:L2VlanNetworkInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_L2_NETWORK,
	.where = "l2-networks/vlan",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "creates an L2 network with a VLAN",
	.check = l2_network_create_check,
	.apply = l2_network_create_apply,
};

static const struct operation delete_l2_network = {
	.section = "5.3",
	.name = "DeleteL2Network",
	.message = "org.zstack.header.network.l2.APIDeleteL2NetworkMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/l2-networks/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_L2_NETWORK), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_L2_NETWORK,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the L2 network and its L3 networks",
	.run = l2_network_delete_run,
	.recover = l2_network_delete_run,
};

static const struct operation query_l2_network = {
	.section = "5.3",
	.name = "QueryL2Network",
	.message = "org.zstack.header.network.l2.APIQueryL2NetworkMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/l2-networks", "/l2-networks/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_L2_NETWORK,
	.flags = OP_SYNC,
	.help = "lists L2 networks",
};

static const struct operation update_l2_network = {
	.section = "5.3",
	.name = "UpdateL2Network",
	.message = "org.zstack.header.network.l2.APIUpdateL2NetworkMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/l2-networks/{uuid}/actions", NULL},
	.key = "updateL2Network",
	.params = (const struct param[]){P_UUID(KIND_L2_NETWORK), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:L2NetworkInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L2_NETWORK,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the L2 network's name or description",
	.apply = object_update_apply,
};

static const struct operation attach_l2_network_to_cluster = {
	.section = "5.3",
	.name = "AttachL2NetworkToCluster",
	.message = "org.zstack.header.network.l2.APIAttachL2NetworkToClusterMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/l2-networks/{l2NetworkUuid}/clusters/{clusterUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("l2NetworkUuid", KIND_L2_NETWORK),
					 P_PATH("clusterUuid", KIND_CLUSTER),
					 {0}},
	.results = (const char *const[]){"inventory:L2NetworkInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L2_NETWORK,
	.target = "l2NetworkUuid",
	.verb = "attach-to-cluster",
	.flags = OP_ADMIN,
	.error_code = "L2.1000",
	.help = "attaches the network to a cluster, so that its hosts can use it",
	.check = l2_network_attach_check,
	.apply = l2_network_attach_apply,
};

static const struct operation detach_l2_network_from_cluster = {
	.section = "5.3",
	.name = "DetachL2NetworkFromCluster",
	.message = "org.zstack.header.network.l2.APIDetachL2NetworkFromClusterMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/l2-networks/{l2NetworkUuid}/clusters/{clusterUuid}", NULL},
	.params = (const struct param[]){P_PATH("l2NetworkUuid", KIND_L2_NETWORK),
					 P_PATH("clusterUuid", KIND_CLUSTER),
					 {0}},
	.results = (const char *const[]){"inventory:L2NetworkInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L2_NETWORK,
	.target = "l2NetworkUuid",
	.verb = "detach-from-cluster",
	.flags = OP_DESTROYS | OP_ADMIN,
	.help = "detaches the network from a cluster",
	.check = l2_network_detach_check,
	.run = l2_network_detach_run,
	.recover = l2_network_detach_run,
};

static const struct operation query_l2_vlan_network = {
	.section = "5.3",
	.name = "QueryL2VlanNetwork",
	.message = "org.zstack.header.network.l2.APIQueryL2VlanNetworkMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/l2-networks/vlan", "/l2-networks/vlan/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_L2_NETWORK,
	.flags = OP_SYNC,
	.data = "type=L2VlanNetwork",
	.help = "lists the L2 networks with a VLAN number",
};

const struct operation *const operations_l2_network[] = {
	&create_l2_no_vlan_network,
	&create_l2_vlan_network,
	&delete_l2_network,
	&query_l2_network,
	&update_l2_network,
	&attach_l2_network_to_cluster,
	&detach_l2_network_from_cluster,
	&query_l2_vlan_network,
	NULL,
};
