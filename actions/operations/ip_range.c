/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on IP ranges, and the Gets that tell which addresses are free (behaviour.md 5.3). */
#include "actions/engine/access.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/network/ip_range.h"
#include "actions/network/l3_network.h"
#include "actions/network/l3_network_change.h"
#include "actions/operations/table.h"
#include "model/json.h"

#define FREE_DEFAULT 100
/* The most addresses that GetFreeIp lists, whatever `limit` says. */
#define FREE_MAX 10000

/* A range to be added. */
struct candidate {
	struct ipv4_range range;
	struct ipv4_network network;
	uint32_t gateway;
	char first[IPV4_STRLEN], last[IPV4_STRLEN]; /* the range, for messages */
	char mask[IPV4_STRLEN], gateway_text[IPV4_STRLEN], cidr[IPV4_CIDR_STRLEN];
};

/* ------------------------------------------------------------------- reading */

static int parse_addresses(const struct request *req, struct candidate *c, struct error *e)
{
	const char *first = request_str(req, "startIp"), *last = request_str(req, "endIp");
	const char *mask = request_str(req, "netmask"), *gateway = request_str(req, "gateway");
	uint8_t prefix;

	if (ipv4_parse(first, &c->range.first, NULL) < 0)
		return error_set(e, EINVAL, "start ip[%s] is not a IPv4 address", first);
	if (ipv4_parse(last, &c->range.last, NULL) < 0)
		return error_set(e, EINVAL, "end ip[%s] is not a IPv4 address", last);
	if (ipv4_parse(gateway, &c->gateway, NULL) < 0)
		return error_set(e, EINVAL, "gateway[%s] is not a IPv4 address", gateway);
	if (ipv4_netmask_parse(mask, &prefix, NULL) < 0 || prefix == 0)
		return error_set(e, EINVAL,
				 "netmask[%s] is not a netmask, and the IP range netmask cannot be 0.0.0.0",
				 mask);
	if (c->range.first > c->range.last)
		return error_set(e, EINVAL, "start ip[%s] is behind end ip[%s]", first, last);
	c->network = ipv4_network_of(c->range.first, prefix);
	return 0;
}

/* The first host address of the subnet is the gateway, the others are the range. */
static int parse_cidr(const char *cidr, struct candidate *c, struct error *e)
{
	struct ipv4_range hosts;

	if (ipv4_network_parse(cidr, &c->network, NULL) < 0)
		return error_set(e, EINVAL, "%s is not a valid network cidr", cidr);
	if (c->network.prefix == 0 || c->network.prefix > 30)
		return error_set(e, EINVAL,
				 "%s is not an allowed network cidr, because it doesn't have usable ip range",
				 cidr);
	hosts = ipv4_network_hosts(c->network);
	c->gateway = hosts.first;
	c->range = (struct ipv4_range){hosts.first + 1, hosts.last};
	return 0;
}

static int candidate_parse(const struct request *req, struct candidate *c, struct error *e)
{
	const char *cidr = request_str(req, "networkCidr");
	int r = cidr ? parse_cidr(cidr, c, e) : parse_addresses(req, c, e);

	if (r < 0)
		return r;
	ipv4_format(c->range.first, c->first);
	ipv4_format(c->range.last, c->last);
	ipv4_format(c->gateway, c->gateway_text);
	ipv4_format(ipv4_prefix_netmask(c->network.prefix), c->mask);
	ipv4_network_format(c->network, c->cidr);
	return 0;
}

/* ------------------------------------------------------------------ checking */

/* Addresses that no guest may have. */
static const struct {
	struct ipv4_range range;
	const char *sentence;
} forbidden[] = {
	{{0x00000000, 0x00ffffff}, "contains addresses of \"this network\" which are reserved"},
	{{0x7f000000, 0x7fffffff}, "contains loopback addresses which are reserved"},
	{{0xa9fe0100, 0xa9fefeff}, "contains link local addresses which are reserved"},
	{{0xe0000000, 0xefffffff}, "contains D class addresses which are for multicast"},
	{{0xf0000000, 0xffffffff}, "contains E class addresses which are reserved"},
};

/* The checks that need nothing but the candidate. */
static int check_alone(const struct candidate *c, struct error *e)
{
	struct ipv4_range all = ipv4_network_range(c->network);

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		if (ipv4_range_overlaps(c->range, forbidden[i].range))
			return error_set(e, EINVAL, "the IP range[%s ~ %s] %s", c->first, c->last,
					 forbidden[i].sentence);
	if (!ipv4_network_contains(c->network, c->gateway))
		return error_set(e, EINVAL, "the gateway[%s] is not in the subnet %s/%s", c->gateway_text,
				 c->first, c->mask);
	if (!ipv4_network_contains(c->network, c->range.last))
		return error_set(e, EINVAL, "the endip[%s] is not in the subnet %s/%s", c->last, c->first,
				 c->mask);
	if (c->network.prefix < 31 && (c->range.first == all.first || c->range.last == all.last))
		return error_set(e, EINVAL,
				 "ip allocation can not contain network address or broadcast address");
	if (c->network.prefix < 31 && (c->gateway == all.first || c->gateway == all.last))
		return error_set(e, EINVAL,
				 "the gateway[%s] is the network or broadcast address of the subnet %s",
				 c->gateway_text, c->cidr);
	if (ipv4_range_contains(c->range, c->gateway))
		return error_set(e, EINVAL, "gateway[%s] can not be part of range[%s, %s]", c->gateway_text,
				 c->first, c->last);
	return 0;
}

/* Ranges of one L2 network must not overlap; those of one L3 network have the same subnet and gateway. */
static int check_beside(const struct candidate *c, const struct object *other, bool same_l3, struct error *e)
{
	struct ipv4_range range;

	if (!ip_range_parse(other, &range))
		return 0;
	if (ipv4_range_overlaps(c->range, range))
		return error_set_code(e, EEXIST, "SYS.1007",
				      "overlap with ip range[uuid:%s, start ip:%s, end ip: %s]",
				      object_uuid(other), object_text(other, IP_RANGE_START_IP),
				      object_text(other, IP_RANGE_END_IP));
	if (same_l3 && !object_str_is(other, IP_RANGE_NETWORK_CIDR, c->cidr))
		return error_set(
			e, EINVAL,
			"multiple CIDR on the same L3 network is not allowed. There has been a IP range[uuid:%s, "
			"CIDR:%s], the new IP range[CIDR:%s] is not in the CIDR with the existing one",
			object_uuid(other), object_text(other, IP_RANGE_NETWORK_CIDR), c->cidr);
	if (same_l3 && !object_str_is(other, IP_RANGE_GATEWAY, c->gateway_text))
		return error_set(e, EINVAL, "new add ip range gateway %s is different from old gateway %s",
				 c->gateway_text, object_text(other, IP_RANGE_GATEWAY));
	return 0;
}

static int ip_range_add_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *own = request_object(view, req);
	struct candidate c;
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	r = candidate_parse(req, &c, e);
	if (r < 0)
		return r;
	r = check_alone(&c, e);
	if (r < 0 || !own)
		return r;
	view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID,
			     object_str(own, L3_L2_NETWORK_UUID))
		view_for_each_where (other, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, object_uuid(l3)) {
			r = check_beside(&c, other, l3 == own, e);
			if (r < 0)
				return r;
		}
	return 0;
}

static int add_range(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *uuid = request_str(req, "resourceUuid");
	struct candidate c;
	struct object *o;
	int r;

	if (view_get(txn_view(t), KIND_IP_RANGE, uuid)) /* done before a crash */
		return result_inventory(txn_view(t), KIND_IP_RANGE, uuid, ret_result, e);
	/* another L3 network of the same L2 network may have changed since the request was checked */
	r = ip_range_add_check(txn_view(t), req, e);
	if (r < 0)
		return r;
	r = candidate_parse(req, &c, e);
	if (r < 0)
		return r;
	r = object_from_request(txn_view(t), KIND_IP_RANGE, req, &o, e);
	if (r < 0)
		return r;
	object_set_str(o, IP_RANGE_START_IP, c.first);
	object_set_str(o, IP_RANGE_END_IP, c.last);
	object_set_str(o, IP_RANGE_NETMASK, c.mask);
	object_set_str(o, IP_RANGE_GATEWAY, c.gateway_text);
	object_set_str(o, IP_RANGE_NETWORK_CIDR, c.cidr);
	return object_create(t, o, req, ret_result, e);
}

static int ip_range_add_run(struct job *job, json_t **ret_result, struct error *e)
{
	return l3_network_change(job, job->req->target, add_range, ret_result, e);
}

/* ------------------------------------------------------------------ removing */

static int ip_range_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *range = request_object(view, req);
	const struct object *nic = range ? ip_range_next_nic(view, range, 0) : NULL;
	const struct object *vm = nic ? view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID)) : NULL;

	if (!nic)
		return 0;
	return error_set(e, ENOTEMPTY, "VM '%s' has the address '%s' of IP range '%s'",
			 vm ? object_name(vm) : object_text(nic, NIC_VM_UUID), object_text(nic, NIC_IP),
			 object_name(range));
}

static int remove_range(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object_key key = {KIND_IP_RANGE, req->target};
	int r = ip_range_delete_check(txn_view(t), req, e); /* a VM may have got an address meanwhile */

	(void)ret_result;
	if (r < 0)
		return r;
	return object_remove_key(t, &key, e);
}

static int ip_range_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *range = request_object(view, job->req);

	if (!range)
		return 0;
	return l3_network_change(job, object_text(range, IP_RANGE_L3_NETWORK_UUID), remove_range, ret_result,
				 e);
}

/* ---------------------------------------------------------------------- Gets */

/* Appends the free addresses of @range from @from on, until @list has @limit entries. -ENOMEM. */
static int list_free(const struct view *view, const struct object *range, uint32_t from, size_t limit,
		     json_t *list)
{
	const char *l3 = object_str(range, IP_RANGE_L3_NETWORK_UUID);
	struct ipv4_range addresses;
	char ip[IPV4_STRLEN];

	if (!ip_range_parse(range, &addresses))
		return 0;
	if (from < addresses.first)
		from = addresses.first;
	for (uint64_t a = from; a <= addresses.last && json_array_size(list) < limit; a++) {
		if (l3_network_has_nic_with(view, l3, ipv4_format((uint32_t)a, ip)))
			continue;
		if (json_array_append_new(list,
					  json_pack("{s:s, s:s, s:s, s:s}", "ipRangeUuid", object_uuid(range),
						    "ip", ip, "netmask", object_text(range, IP_RANGE_NETMASK),
						    "gateway", object_text(range, IP_RANGE_GATEWAY))) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int l3_network_free_ip_get(struct pool *pool, const struct view *view, const struct request *req,
				  json_t **ret_result, struct error *e)
{
	const char *start = request_str(req, "start");
	int64_t limit = request_int(req, "limit", FREE_DEFAULT);
	_cleanup_json_ json_t *list = NULL;
	uint32_t from = 0;

	(void)pool;
	if (start && ipv4_parse(start, &from, NULL) < 0)
		return error_set(
			e, EINVAL,
			"could not get free ip with start[ip:%s],because start[ip:%s] is not a correct ipv4 address",
			start, start);
	if (limit < 0 || limit > FREE_MAX)
		limit = FREE_MAX;
	list = json_array();
	if (!list)
		return error_oom(e);
	view_for_each_where (range, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, req->target)
		if (list_free(view, range, from, (size_t)limit, list) < 0)
			return error_oom(e);
	*ret_result = json_pack("{s:O}", "inventories", list);
	return *ret_result ? 0 : error_oom(e);
}

static int l3_network_ip_available_get(struct pool *pool, const struct view *view, const struct request *req,
				       json_t **ret_result, struct error *e)
{
	const char *ip = request_str(req, "ip");
	struct ipv4_range addresses;
	bool inside = false;
	uint32_t address;

	(void)pool;
	if (ipv4_parse(ip, &address, NULL) < 0)
		return error_set(e, EINVAL, "invalid IP[%s]", ip);
	view_for_each_where (range, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, req->target)
		inside = inside ||
			 (ip_range_parse(range, &addresses) && ipv4_range_contains(addresses, address));
	*ret_result =
		json_pack("{s:b}", "available", inside && !l3_network_has_nic_with(view, req->target, ip));
	return *ret_result ? 0 : error_oom(e);
}

/* True when the lists of the request name the range; an absent list names everything. */
static bool is_asked_for(const struct view *view, const struct request *req, const struct object *range)
{
	const struct object *l3 =
		view_get(view, KIND_L3_NETWORK, object_str(range, IP_RANGE_L3_NETWORK_UUID));

	return l3 && access_shows(view, &req->actor, l3) &&
	       request_list_has(req, "ipRangeUuids", object_uuid(range)) &&
	       request_list_has(req, "l3NetworkUuids", object_uuid(l3)) &&
	       request_list_has(req, "zoneUuids", object_text(l3, L3_ZONE_UUID));
}

static int l3_network_capacity_get(struct pool *pool, const struct view *view, const struct request *req,
				   json_t **ret_result, struct error *e)
{
	json_int_t total = 0, available = 0;

	(void)pool;
	view_for_each (range, view, KIND_IP_RANGE) {
		struct ipv4_range addresses;

		if (!ip_range_parse(range, &addresses) || !is_asked_for(view, req, range))
			continue;
		total += (json_int_t)ipv4_range_size(addresses);
		available += ip_range_free_count(view, range);
	}
	*ret_result = json_pack("{s:I, s:I}", "totalCapacity", total, "availableCapacity", available);
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation add_ip_range = {
	.section = "5.3",
	.name = "AddIpRange",
	.message = "org.zstack.header.network.l3.APIAddIpRangeMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/l3-networks/{l3NetworkUuid}/ip-ranges", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("l3NetworkUuid", KIND_L3_NETWORK),
			P_NAME,
			P_DESCRIPTION,
			{.name = "startIp", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{.name = "endIp", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{.name = "netmask", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{.name = "gateway", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:IpRangeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L3_NETWORK,
	.target = "l3NetworkUuid",
	.verb = "add-ip-range",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "adds an IP range, given by its first and last address",
	.check = ip_range_add_check,
	.run = ip_range_add_run,
	.recover = ip_range_add_run,
};

static const struct operation add_ip_range_by_network_cidr = {
	.section = "5.3",
	.name = "AddIpRangeByNetworkCidr",
	.message = "org.zstack.header.network.l3.APIAddIpRangeByNetworkCidrMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/l3-networks/{l3NetworkUuid}/ip-ranges/by-cidr", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("l3NetworkUuid", KIND_L3_NETWORK),
			P_NAME,
			P_DESCRIPTION,
			{.name = "networkCidr", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:IpRangeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_L3_NETWORK,
	.target = "l3NetworkUuid",
	.verb = "add-ip-range-by-cidr",
	.flags = OP_ADMIN,
	.error_code = "SYS.1002",
	.help = "adds an IP range, given by its subnet in CIDR notation",
	.check = ip_range_add_check,
	.run = ip_range_add_run,
	.recover = ip_range_add_run,
};

static const struct operation delete_ip_range = {
	.section = "5.3",
	.name = "DeleteIpRange",
	.message = "org.zstack.header.network.l3.APIDeleteIpRangeMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/l3-networks/ip-ranges/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_IP_RANGE), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_IP_RANGE,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the IP range, unless a VM has one of its addresses",
	.check = ip_range_delete_check,
	.run = ip_range_delete_run,
	.recover = ip_range_delete_run,
};

static const struct operation query_ip_range = {
	.section = "5.3",
	.name = "QueryIpRange",
	.message = "org.zstack.header.network.l3.APIQueryIpRangeMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/l3-networks/ip-ranges", "/l3-networks/ip-ranges/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_IP_RANGE,
	.flags = OP_SYNC,
	.help = "lists IP ranges",
};

static const struct operation update_ip_range = {
	.section = "5.3",
	.name = "UpdateIpRange",
	.message = "org.zstack.header.network.l3.APIUpdateIpRangeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/l3-networks/ip-ranges/{uuid}/actions", NULL},
	.key = "updateIpRange",
	.params = (const struct param[]){P_UUID(KIND_IP_RANGE), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:IpRangeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_IP_RANGE,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the IP range's name or description",
	.apply = object_update_apply,
};

static const struct operation get_free_ip = {
	.section = "5.3",
	.name = "GetFreeIp",
	.message = "org.zstack.header.network.l3.APIGetFreeIpMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/l3-networks/{l3NetworkUuid}/ip/free", NULL},
	.params = (const struct param[]){P_PATH("l3NetworkUuid", KIND_L3_NETWORK),
					 {.name = "start", .type = PARAM_STRING, .in = IN_QUERY},
					 {.name = "limit", .type = PARAM_INT, .in = IN_QUERY},
					 {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "FreeIpInventory",
	.form = FORM_GET,
	.kind = KIND_L3_NETWORK,
	.target = "l3NetworkUuid",
	.where = "ip-free",
	.flags = OP_SYNC,
	.help = "free addresses",
	.get = l3_network_free_ip_get,
};

static const struct operation check_ip_availability = {
	.section = "5.3",
	.name = "CheckIpAvailability",
	.message = "org.zstack.header.network.l3.APICheckIpAvailabilityMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/l3-networks/{l3NetworkUuid}/ip/{ip}/availability", NULL},
	.params = (const struct param[]){P_PATH("l3NetworkUuid", KIND_L3_NETWORK),
					 P_PATH("ip", KIND_NONE),
					 {0}},
	.results = (const char *const[]){"available:boolean", NULL},
	.form = FORM_GET,
	.kind = KIND_L3_NETWORK,
	.target = "l3NetworkUuid",
	.where = "ip-availability",
	.flags = OP_SYNC,
	.help = "whether an address is free",
	.get = l3_network_ip_available_get,
};

static const struct operation get_ip_address_capacity = {
	.section = "5.3",
	.name = "GetIpAddressCapacity",
	.message = "org.zstack.header.network.l3.APIGetIpAddressCapacityMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/ip-capacity", NULL},
	.params = (const struct param[]){{.name = "zoneUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_ZONE},
					 {.name = "l3NetworkUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_L3_NETWORK},
					 {.name = "ipRangeUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_IP_RANGE},
					 {.name = "all", .type = PARAM_BOOL, .in = IN_QUERY},
					 {0}},
	.results = (const char *const[]){"totalCapacity:long", "availableCapacity:long", NULL},
	.form = FORM_COLLECTION_GET,
	.kind = KIND_L3_NETWORK,
	.where = "ip-capacity",
	.flags = OP_SYNC,
	.help = "number of addresses, total and free",
	.get = l3_network_capacity_get,
};

const struct operation *const operations_ip_range[] = {
	&add_ip_range,
	&add_ip_range_by_network_cidr,
	&delete_ip_range,
	&query_ip_range,
	&update_ip_range,
	&get_free_ip,
	&check_ip_availability,
	&get_ip_address_capacity,
	NULL,
};
