/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on L3 networks and their DNS servers. IP ranges: operations/ip_range.c.
 *
 * Changes of ranges and DNS servers are applied to the libvirt networks of
 * connected hosts in the same job, and to those of other hosts when they connect.
 * A network with guests on it uses new DNS servers from its next start on (see
 * hv_network_open()).
 */
#include <arpa/inet.h>
#include <string.h>

#include "actions/cascade/l3_network_remove.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/uri.h"
#include "actions/network/ipv4.h"
#include "actions/network/l3_network.h"
#include "actions/network/l3_network_change.h"
#include "actions/operations/table.h"
#include "model/states.h"

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

static int l3_network_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "type");
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (type && strcmp(type, "L3BasicNetwork") != 0)
		return error_set(e, EINVAL, "unsupported l3network type[%s]", type);
	r = check_domain(req, e);
	if (r < 0)
		return r;
	return check_category(request_bool(req, "system", false), request_str(req, "category"), e);
}

static int l3_network_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				   struct error *e)
{
	const struct object *l2 = view_get(txn_view(t), KIND_L2_NETWORK, request_str(req, "l2NetworkUuid"));
	struct object *o;
	int r;

	if (!l2)
		return error_gone(e, KIND_L2_NETWORK, request_str(req, "l2NetworkUuid"));
	r = object_from_request(txn_view(t), KIND_L3_NETWORK, req, &o, e);
	if (r < 0)
		return r;
	object_set_str(o, L3_ZONE_UUID, object_str(l2, L2_ZONE_UUID));
	object_set_str(o, L3_STATE, STATE_ENABLED);
	object_set_int(o, L3_SYSTEM, request_bool(req, "system", false));
	return object_create(t, o, req, ret_result, e);
}

static int l3_network_update_check(const struct view *view, const struct request *req, struct error *e)
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

/* Hosts do not know the name and the description. */
static int l3_network_update_apply(struct txn *t, const struct request *req, json_t **ret_result,
				   struct error *e)
{
	bool hosts_see_it =
		request_has(req, "dnsDomain") || request_has(req, "category") || request_has(req, "system");

	return hosts_see_it ? OP_NEEDS_RUN : object_update_apply(t, req, ret_result, e);
}

static int l3_network_update_run(struct job *job, json_t **ret_result, struct error *e)
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

static int l3_network_add_dns_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = check_dns(req, e);

	if (r < 0 || !find_dns(view, req))
		return r;
	return error_set(e, EEXIST, "there has been a DNS[%s] on L3 network[uuid:%s]",
			 request_str(req, "dns"), req->target);
}

static int add_dns(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return find_dns(txn_view(t), req) ? 0
					  : link_put(t, KIND_L3_DNS, L3_DNS_L3_NETWORK_UUID, req->target,
						     L3_DNS_DNS, request_str(req, "dns"), e);
}

static int l3_network_remove_dns_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	return check_dns(req, e);
}

static int remove_dns(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *dns = find_dns(txn_view(t), req);

	(void)ret_result;
	/* as on the manual's server, removing one that is not there succeeds */
	return dns ? object_remove(t, dns, e) : 0;
}

static int l3_network_add_dns_run(struct job *job, json_t **ret_result, struct error *e)
{
	return l3_network_change(job, job->req->target, add_dns, ret_result, e);
}

static int l3_network_remove_dns_run(struct job *job, json_t **ret_result, struct error *e)
{
	return l3_network_change(job, job->req->target, remove_dns, ret_result, e);
}

/* ---------------------------------------------------------------- removing */

static int l3_network_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	return l3_network_check_unused(view, req->target, e);
}

static int l3_network_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return l3_network_remove(job, job->req->target, request_is_enforcing(job->req), e);
}

static const struct operation create_l3_network = {
	.section = "5.3",
	.name = "CreateL3Network",
	.message = "org.zstack.header.network.l3.APICreateL3NetworkMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/l3-networks", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_NAME,
			P_DESCRIPTION,
			{.name = "l2NetworkUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .resource = KIND_L2_NETWORK},
			{.name = "type",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .max_length = 255,
			 .default_value = "L3BasicNetwork"},
			{.name = "category",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .values = (const char *const[]){"Public", "Private", "System", NULL},
			 .default_value = "Private"},
			{.name = "system", .type = PARAM_BOOL, .in = IN_BODY},
			{.name = "dnsDomain", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:L3NetworkInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_L3_NETWORK,
	.where = "l3-networks",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "creates an L3 network",
	.check = l3_network_create_check,
	.apply = l3_network_create_apply,
};

static const struct operation delete_l3_network = {
	.section = "5.3",
	.name = "DeleteL3Network",
	.message = "org.zstack.header.network.l3.APIDeleteL3NetworkMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/l3-networks/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_L3_NETWORK), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_L3_NETWORK,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the L3 network and its IP ranges",
	.check = l3_network_delete_check,
	.run = l3_network_delete_run,
	.recover = l3_network_delete_run,
};

static const struct operation query_l3_network = {
	.section = "5.3",
	.name = "QueryL3Network",
	.message = "org.zstack.header.network.l3.APIQueryL3NetworkMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/l3-networks", "/l3-networks/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_L3_NETWORK,
	.flags = OP_SYNC,
	.help = "lists L3 networks",
};

static const struct operation update_l3_network = {
	.section = "5.3",
	.name = "UpdateL3Network",
	.message = "org.zstack.header.network.l3.APIUpdateL3NetworkMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/l3-networks/{uuid}/actions", NULL},
	.key = "updateL3Network",
	.params =
		(const struct param[]){
			P_UUID(KIND_L3_NETWORK),
			P_NEW_NAME,
			P_DESCRIPTION,
			{.name = "dnsDomain", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			{.name = "system", .type = PARAM_BOOL, .in = IN_BODY},
			{.name = "category",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .values = (const char *const[]){"Public", "Private", "System", NULL}},
			{0}},
	.results = (const char *const[]){"inventory:L3NetworkInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L3_NETWORK,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the L3 network's name, description, DNS domain or category",
	.check = l3_network_update_check,
	.apply = l3_network_update_apply,
	.run = l3_network_update_run,
	.recover = l3_network_update_run,
};

static const struct operation change_l3_network_state = {
	.section = "5.3",
	.name = "ChangeL3NetworkState",
	.message = "org.zstack.header.network.l3.APIChangeL3NetworkStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/l3-networks/{uuid}/actions", NULL},
	.key = "changeL3NetworkState",
	.params = (const struct param[]){P_UUID(KIND_L3_NETWORK), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:L3NetworkInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L3_NETWORK,
	.target = "uuid",
	.verb = "change-state",
	.flags = OP_ADMIN,
	.help = "enables or disables the L3 network",
	.apply = object_change_state_apply,
};

static const struct operation add_dns_to_l3_network = {
	.section = "5.3",
	.name = "AddDnsToL3Network",
	.message = "org.zstack.header.network.l3.APIAddDnsToL3NetworkMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/l3-networks/{l3NetworkUuid}/dns", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("l3NetworkUuid", KIND_L3_NETWORK),
					 {.name = "dns",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 {0}},
	.results = (const char *const[]){"inventory:L3NetworkInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L3_NETWORK,
	.target = "l3NetworkUuid",
	.verb = "add-dns",
	.flags = OP_ADMIN,
	.help = "adds a DNS server",
	.check = l3_network_add_dns_check,
	.run = l3_network_add_dns_run,
	.recover = l3_network_add_dns_run,
};

static const struct operation remove_dns_from_l3_network = {
	.section = "5.3",
	.name = "RemoveDnsFromL3Network",
	.message = "org.zstack.header.network.l3.APIRemoveDnsFromL3NetworkMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/l3-networks/{l3NetworkUuid}/dns/{dns}", NULL},
	.params = (const struct param[]){P_PATH("l3NetworkUuid", KIND_L3_NETWORK),
					 P_PATH("dns", KIND_NONE),
					 {0}},
	.results = (const char *const[]){"inventory:L3NetworkInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L3_NETWORK,
	.target = "l3NetworkUuid",
	.verb = "remove-dns",
	.flags = OP_ADMIN,
	.help = "removes a DNS server",
	.check = l3_network_remove_dns_check,
	.run = l3_network_remove_dns_run,
	.recover = l3_network_remove_dns_run,
};

const struct operation *const operations_l3_network[] = {
	&create_l3_network,	  &delete_l3_network,	  &query_l3_network,	       &update_l3_network,
	&change_l3_network_state, &add_dns_to_l3_network, &remove_dns_from_l3_network, NULL,
};
