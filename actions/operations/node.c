/* SPDX-License-Identifier: Apache-2.0 */
/* The management node, as which clients of the manual's server see this daemon (behaviour.md 5.4). */
#include <unistd.h>

#include "actions/engine/access.h"
#include "actions/engine/node.h"
#include "actions/engine/request.h"
#include "actions/operations/table.h"
#include "model/render.h"

/* The version of the interface that the manual describes; clients compare it. */
#define INTERFACE_VERSION "3.0.0"

static int reply(json_t *json, json_t **ret_result, struct error *e)
{
	*ret_result = json;
	return json ? 0 : error_oom(e);
}

static int node_version_get(struct pool *pool, const struct view *view, const struct request *req,
			    json_t **ret_result, struct error *e)
{
	(void)pool, (void)view, (void)req;
	return reply(json_pack("{s:s}", "version", INTERFACE_VERSION), ret_result, e);
}

static int node_time_get(struct pool *pool, const struct view *view, const struct request *req,
			 json_t **ret_result, struct error *e)
{
	json_int_t ms = store_now() / 1000000;

	(void)pool, (void)view, (void)req;
	return reply(json_pack("{s:{s:I, s:I}}", "currentTime", "MillionSeconds", ms, "Seconds", ms / 1000),
		     ret_result, e);
}

static int node_query_get(struct pool *pool, const struct view *view, const struct request *req,
			  json_t **ret_result, struct error *e)
{
	char uuid[UUID_SIZE], name[256] = "", now[DATE_SIZE];

	(void)pool, (void)req;
	node_uuid(view, uuid);
	(void)gethostname(name, sizeof(name) - 1);
	render_date(store_now(), now);
	return reply(json_pack("{s:[{s:s, s:s, s:s}]}", "inventories", "uuid", uuid, "hostName", name,
			       "heartBeat", now),
		     ret_result, e);
}

static int node_ready_get(struct pool *pool, const struct view *view, const struct request *req,
			  json_t **ret_result, struct error *e)
{
	char uuid[UUID_SIZE];

	(void)pool, (void)req;
	node_uuid(view, uuid);
	return reply(json_pack("{s:s}", "managementNodeId", uuid), ret_result, e);
}

static const struct operation get_version = {
	.section = "5.4",
	.name = "GetVersion",
	.message = "org.zstack.header.managementnode.APIGetVersionMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/management-nodes/actions", NULL},
	.key = "getVersion",
	.results = (const char *const[]){"version:String", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "the version of the interface",
	.get = node_version_get,
};

static const struct operation get_current_time = {
	.section = "5.4",
	.name = "GetCurrentTime",
	.message = "org.zstack.header.managementnode.APIGetCurrentTimeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/management-nodes/actions", NULL},
	.key = "getCurrentTime",
	.results = (const char *const[]){"currentTime:Map", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "the time, in seconds and milliseconds since 1970",
	.get = node_time_get,
};

static const struct operation query_management_node = {
	.section = "5.4",
	.name = "QueryManagementNode",
	.message = "org.zstack.header.managementnode.APIQueryManagementNodeMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/management-nodes", NULL},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "ManagementNodeInventory",
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC,
	.help = "the management node: this machine, the only one of the pool",
	.get = node_query_get,
};

static const struct operation is_ready_to_go = {
	.section = "5.4",
	.name = "IsReadyToGo",
	.message = "org.zstack.header.apimediator.APIIsReadyToGoMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/management-nodes/ready", NULL},
	.results = (const char *const[]){"managementNodeId:String", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NO_SESSION,
	.help = "succeeds when the pool accepts requests",
	.get = node_ready_get,
};

const struct operation *const operations_node[] = {
	&get_version, &get_current_time, &query_management_node, &is_ready_to_go, NULL,
};
