/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services of networks that other programs provide in the manual's server: virtual
 * addresses, port forwarding, load balancers and security groups. The pool has none,
 * and says so: clients list them before anything else, so their lists are empty, and
 * what would make one is refused with the reason.
 */
#include "actions/engine/request.h"
#include "actions/operations/table.h"

static int nothing_get(struct pool *pool, const struct view *view, const struct request *req,
		       json_t **ret_result, struct error *e)
{
	(void)pool, (void)view;
	if (request_bool(req, "count", false))
		*ret_result = json_pack("{s:i, s:{}}", "total", 0, "schema");
	else
		*ret_result = json_pack("{s:[], s:i, s:{}}", "inventories", "total", 0, "schema");
	return *ret_result ? 0 : error_oom(e);
}

/* The data of a row: what cannot be made. */
static int refuse_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *what = req->op->data;

	(void)view;
	return error_set_code(e, EOPNOTSUPP, "SYS.1006",
			      "%s is not supported: no program provides network services to this pool", what);
}

static int refuse_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return refuse_check(txn_view(t), req, e);
}

#define LISTS(row_name, row_message, what, ...)                                                              \
	{                                                                                                    \
		.section = "5.3", .name = (row_name), .message = (row_message), .method = METHOD_GET,        \
		.paths = (const char *const[]){__VA_ARGS__, NULL},                                           \
		.params =                                                                                    \
			(const struct param[]){                                                              \
				{.name = "count", .type = PARAM_BOOL, .in = IN_QUERY},                       \
				{.name = "replyWithCount", .type = PARAM_BOOL, .in = IN_QUERY},              \
				{0}},                                                                        \
		.results = (const char *const[]){"inventories:List", "total:Long", NULL}, .item = "nothing", \
		.form = FORM_CALL, .kind = KIND_L3_NETWORK, .flags = OP_SYNC,                                \
		.help = "lists " what ", of which there are none", .get = nothing_get                        \
	}

#define MAKES(row_name, row_message, what, ...)                                                              \
	{                                                                                                    \
		.section = "5.3", .name = (row_name), .message = (row_message), .method = METHOD_POST,       \
		.paths = (const char *const[]){__VA_ARGS__, NULL}, .key = "params", .form = FORM_CALL,       \
		.kind = KIND_L3_NETWORK, .help = "refused: " what " needs a provider of network services",   \
		.data = (what), .check = refuse_check, .apply = refuse_apply                                 \
	}

#define SERVICE "org.zstack.network.service."

static const struct operation rows[] = {
	LISTS("QueryVip", SERVICE "vip.APIQueryVipMsg", "virtual IP addresses", "/vips", "/vips/{uuid}"),
	MAKES("CreateVip", SERVICE "vip.APICreateVipMsg", "a virtual IP address", "/vips"),
	LISTS("QueryEip", SERVICE "eip.APIQueryEipMsg", "elastic IP addresses", "/eips", "/eips/{uuid}"),
	MAKES("CreateEip", SERVICE "eip.APICreateEipMsg", "an elastic IP address", "/eips"),
	LISTS("QueryPortForwardingRule", SERVICE "portforwarding.APIQueryPortForwardingRuleMsg",
	      "port forwarding rules", "/port-forwarding", "/port-forwarding/{uuid}"),
	MAKES("CreatePortForwardingRule", SERVICE "portforwarding.APICreatePortForwardingRuleMsg",
	      "a port forwarding rule", "/port-forwarding"),
	LISTS("QueryLoadBalancer", SERVICE "lb.APIQueryLoadBalancerMsg", "load balancers", "/load-balancers",
	      "/load-balancers/{uuid}"),
	LISTS("QueryLoadBalancerListener", SERVICE "lb.APIQueryLoadBalancerListenerMsg",
	      "listeners of load balancers", "/load-balancers/listeners", "/load-balancers/listeners/{uuid}"),
	MAKES("CreateLoadBalancer", SERVICE "lb.APICreateLoadBalancerMsg", "a load balancer",
	      "/load-balancers"),
	MAKES("CreateLoadBalancerListener", SERVICE "lb.APICreateLoadBalancerListenerMsg",
	      "a listener of a load balancer", "/load-balancers/{loadBalancerUuid}/listeners"),
	LISTS("QuerySecurityGroup", "org.zstack.network.securitygroup.APIQuerySecurityGroupMsg",
	      "security groups", "/security-groups", "/security-groups/{uuid}"),
	MAKES("CreateSecurityGroup", "org.zstack.network.securitygroup.APICreateSecurityGroupMsg",
	      "a security group", "/security-groups"),
	LISTS("QuerySecurityGroupRule", "org.zstack.network.securitygroup.APIQuerySecurityGroupRuleMsg",
	      "rules of security groups", "/security-groups/rules", "/security-groups/rules/{uuid}"),
	MAKES("AddSecurityGroupRule", "org.zstack.network.securitygroup.APIAddSecurityGroupRuleMsg",
	      "a rule of a security group", "/security-groups/{securityGroupUuid}/rules"),
	LISTS("QueryVmNicInSecurityGroup", "org.zstack.network.securitygroup.APIQueryVmNicInSecurityGroupMsg",
	      "NICs in security groups", "/security-groups/vm-instances/nics"),
	LISTS("QueryNetworkServiceProvider",
	      "org.zstack.header.network.service.APIQueryNetworkServiceProviderMsg",
	      "providers of network services", "/network-services/providers",
	      "/network-services/providers/{uuid}"),
	LISTS("QueryNetworkServiceL3NetworkRef",
	      "org.zstack.header.network.service.APIQueryNetworkServiceL3NetworkRefMsg",
	      "network services of L3 networks", "/l3-networks/network-services/refs"),
	MAKES("AttachNetworkServiceToL3Network",
	      "org.zstack.header.network.service.APIAttachNetworkServiceToL3NetworkMsg",
	      "a network service of an L3 network", "/l3-networks/{l3NetworkUuid}/network-services"),
	LISTS("QueryVirtualRouterVm", SERVICE "virtualrouter.APIQueryVirtualRouterVmMsg", "virtual routers",
	      "/vm-instances/appliances/virtual-routers", "/vm-instances/appliances/virtual-routers/{uuid}"),
};

const struct operation *const operations_network_service[] = {
	&rows[0],  &rows[1],  &rows[2],	 &rows[3],  &rows[4],  &rows[5],  &rows[6],
	&rows[7],  &rows[8],  &rows[9],	 &rows[10], &rows[11], &rows[12], &rows[13],
	&rows[14], &rows[15], &rows[16], &rows[17], &rows[18], NULL,
};
