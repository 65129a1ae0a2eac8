/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on clusters (behaviour.md 5.1). */
#include "actions/cascade/cluster_remove.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/fence_command.h"
#include "actions/operations/table.h"
#include "model/states.h"

static int cluster_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_CLUSTER, req, &o, e);

	if (r < 0)
		return r;
	object_set_str(o, CLUSTER_STATE, STATE_ENABLED);
	if (object_is_null(o, CLUSTER_TYPE))
		object_set_str(o, CLUSTER_TYPE, "zstack");
	return object_create(t, o, req, ret_result, e);
}

static int cluster_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return cluster_remove(job, job->req->target, request_is_enforcing(job->req), e);
}

static const char *wanted_command(const struct request *req)
{
	const char *command = request_str(req, "fenceCommand");

	return command && *command ? command : NULL;
}

static int cluster_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *command = wanted_command(req);

	(void)view;
	return command ? fence_command_check_path(command, e) : 0;
}

/* A worker looks at the file of the command. */
static int cluster_update_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	return wanted_command(req) ? OP_NEEDS_RUN : object_update_apply(t, req, ret_result, e);
}

static int cluster_update_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = fence_command_check_file(wanted_command(job->req), e);

	if (r == 0)
		r = store_run(pool_store(job->pool), object_update_fn, job->req, e);
	return r < 0 ? r : job_result_inventory(job, KIND_CLUSTER, job->req->target, ret_result, e);
}

static const struct operation create_cluster = {
	.section = "5.1",
	.name = "CreateCluster",
	.message = "org.zstack.header.cluster.APICreateClusterMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/clusters", NULL},
	.key = "params",
	.params = (const struct param[]){{.name = "zoneUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_ZONE},
					 P_NAME,
					 P_DESCRIPTION,
					 {.name = "hypervisorType",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .values = (const char *const[]){"KVM", "Simulator", "baremetal",
									  NULL}},
					 {.name = "type",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"zstack", "baremetal", NULL}},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:ClusterInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_CLUSTER,
	.where = "clusters",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "creates a cluster",
	.apply = cluster_create_apply,
};

static const struct operation delete_cluster = {
	.section = "5.1",
	.name = "DeleteCluster",
	.message = "org.zstack.header.cluster.APIDeleteClusterMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/clusters/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_CLUSTER), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_CLUSTER,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the cluster and everything in it",
	.run = cluster_delete_run,
	.recover = cluster_delete_run,
};

static const struct operation query_cluster = {
	.section = "5.1",
	.name = "QueryCluster",
	.message = "org.zstack.header.cluster.APIQueryClusterMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/clusters", "/clusters/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_CLUSTER,
	.flags = OP_SYNC,
	.help = "lists clusters",
};

static const struct operation update_cluster = {
	.section = "5.1",
	.name = "UpdateCluster",
	.message = "org.zstack.header.cluster.APIUpdateClusterMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/clusters/{uuid}/actions", NULL},
	.key = "updateCluster",
	.params =
		(const struct param[]){P_UUID(KIND_CLUSTER), P_NEW_NAME, P_DESCRIPTION, P_FENCE_COMMAND, {0}},
	.results = (const char *const[]){"inventory:ClusterInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_CLUSTER,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the cluster's name, description or fence command",
	.check = cluster_update_check,
	.apply = cluster_update_apply,
	.run = cluster_update_run,
	.recover = cluster_update_run,
};

static const struct operation change_cluster_state = {
	.section = "5.1",
	.name = "ChangeClusterState",
	.message = "org.zstack.header.cluster.APIChangeClusterStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/clusters/{uuid}/actions", NULL},
	.key = "changeClusterState",
	.params = (const struct param[]){P_UUID(KIND_CLUSTER), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:ClusterInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_CLUSTER,
	.target = "uuid",
	.verb = "change-state",
	.flags = OP_ADMIN,
	.help = "enables or disables the cluster",
	.apply = object_change_state_apply,
};

const struct operation *const operations_cluster[] = {
	&create_cluster, &delete_cluster, &query_cluster, &update_cluster, &change_cluster_state, NULL,
};
