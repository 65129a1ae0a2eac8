/* SPDX-License-Identifier: Apache-2.0 */
/* The query language, feature by feature, on a small pool; errors and hostile input. */
#include "model/relation.h"
#include "tests/unit/test.h"

#include <string.h>
#include <time.h>

#include "model/like.h"
#include "model/query_run.h"

/* Nov 14, 2017 22:20:57 UTC */
#define DATE INT64_C(1510698057000000000)

static struct view *view;
static int64_t ids[KIND_COUNT];

/* The uuid of the object called @name: readable, and the same for all kinds. */
static const char *uuid_of(const char *name)
{
	static char ring[4][64];
	static int next;
	char *u = ring[next++ % 4];

	snprintf(u, sizeof(ring[0]), "u-%s", name);
	return u;
}

static struct object *make(enum kind_id kind, const char *name)
{
	struct object *o = object_new(kind_get(kind));

	assert_non_null(o);
	o->id = ++ids[kind];
	object_set_str(o, FIELD_UUID, uuid_of(name));
	if (o->kind->name_field >= 0)
		object_set_str(o, o->kind->name_field, name);
	return o;
}

static void put(struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

static void link_objects(enum kind_id kind, int a_field, const char *a, int b_field, const char *b)
{
	char name[64];
	struct object *o;

	snprintf(name, sizeof(name), "%s+%s", a, b);
	o = make(kind, name);
	object_set_str(o, a_field, uuid_of(a));
	object_set_str(o, b_field, uuid_of(b));
	put(o);
}

static void tag(enum kind_id kind, const char *resource, const char *text)
{
	struct object *o = make(kind, text);

	if (kind == KIND_SYSTEM_TAG) {
		object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, uuid_of(resource));
		object_set_str(o, SYSTEM_TAG_TAG, text);
	} else {
		object_set_str(o, USER_TAG_RESOURCE_UUID, uuid_of(resource));
		object_set_str(o, USER_TAG_TAG, text);
	}
	put(o);
}

static void vm(const char *name, const char *state, const char *host, int cpus, int64_t memory,
	       const char *account)
{
	struct object *o = make(KIND_VM, name);

	object_set_str(o, VM_STATE, state);
	object_set_str(o, VM_HOST_UUID, host ? uuid_of(host) : NULL);
	object_set_str(o, VM_ZONE_UUID, uuid_of("z1"));
	object_set_int(o, VM_CPU_NUM, cpus);
	if (memory)
		object_set_int(o, VM_MEMORY_SIZE, memory);
	object_set_int(o, VM_CREATE_DATE, DATE + cpus * NS_PER_S + 500);
	object_set_str(o, VM_ACCOUNT_UUID, account ? uuid_of(account) : NULL);
	put(o);
}

static void nic(const char *name, const char *of, const char *ip, const char *l3)
{
	struct object *o = make(KIND_NIC, name);

	object_set_str(o, NIC_VM_UUID, uuid_of(of));
	object_set_str(o, NIC_IP, ip);
	object_set_str(o, NIC_L3_UUID, uuid_of(l3));
	put(o);
}

static int setup(void **state)
{
	struct object *o;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	view = view_new();
	assert_non_null(view);
	put(make(KIND_ZONE, "z1"));
	o = make(KIND_CLUSTER, "c1");
	object_set_str(o, CLUSTER_ZONE_UUID, uuid_of("z1"));
	put(o);
	for (int i = 1; i <= 2; i++) {
		o = make(KIND_HOST, i == 1 ? "h1" : "h2");
		object_set_str(o, HOST_ZONE_UUID, uuid_of("z1"));
		object_set_str(o, HOST_CLUSTER_UUID, uuid_of("c1"));
		object_set_str(o, HOST_MANAGEMENT_IP, i == 1 ? "10.0.0.1" : "10.0.0.2");
		object_set_str(o, HOST_HYPERVISOR_TYPE, "KVM");
		put(o);
	}
	o = make(KIND_L2_NETWORK, "l2");
	object_set_str(o, L2_ZONE_UUID, uuid_of("z1"));
	object_set_str(o, L2_TYPE, "L2NoVlanNetwork");
	put(o);
	link_objects(KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, "c1", CLUSTER_L2_L2_NETWORK_UUID,
		     "l2");
	o = make(KIND_L3_NETWORK, "l3");
	object_set_str(o, L3_L2_NETWORK_UUID, uuid_of("l2"));
	object_set_str(o, L3_ZONE_UUID, uuid_of("z1"));
	put(o);
	o = make(KIND_ACCOUNT, "admin");
	object_set_str(o, ACCOUNT_TYPE, "SystemAdmin");
	put(o);
	put(make(KIND_ACCOUNT, "bob"));
	vm("web1", "Running", "h1", 1, INT64_C(1) << 30, "bob");
	vm("web2", "Running", "h2", 2, INT64_C(2) << 30, "bob");
	vm("DB", "Stopped", NULL, 4, INT64_C(4) << 30, "admin");
	vm("it's; --", "Stopped", NULL, 8, 0, "admin");
	vm("云_%", "running ", "h1", 8, INT64_MAX, NULL);
	nic("n1", "web1", "192.168.0.1", "l3");
	nic("n2", "web1", "192.168.0.2", "l3");
	nic("n3", "web2", "192.168.0.3", "l3");
	tag(KIND_USER_TAG, "web1", "prod");
	tag(KIND_USER_TAG, "web2", "test");
	tag(KIND_USER_TAG, "web2", "prod2");
	tag(KIND_SYSTEM_TAG, "DB", "ha::NeverStop");
	tag(KIND_USER_TAG, "n3", "nic-tag");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	view_unref(view);
	return 0;
}

/* Names of the answer's inventories, separated by commas; in an answer of `fields`, the first field. */
static const char *names(json_t *json)
{
	static char text[512];
	size_t at = 0, i;
	json_t *item;

	text[0] = '\0';
	json_array_foreach (json_object_get(json, "inventories"), i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));

		if (!name)
			name = json_string_value(json_object_get(item, "uuid"));
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "", name ? name : "?");
	}
	return text;
}

static json_t *ask_as(const char *account, enum kind_id kind, const char *text)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	json_t *json = NULL;

	if (query_parse(kind_get(kind), text, &q, &e) < 0 ||
	    query_run(q, view, &(struct query_scope){.account = account}, &json, &e) < 0)
		fail_msg("%s: %s", text, error_sentence(&e));
	return json;
}

static json_t *ask(enum kind_id kind, const char *text)
{
	return ask_as(NULL, kind, text);
}

struct expected {
	enum kind_id kind;
	const char *query, *names;
};

static void check(const struct expected *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *json = ask(rows[i].kind, rows[i].query);

		if (strcmp(names(json), rows[i].names) != 0)
			fail_msg("%s gave '%s', not '%s'", rows[i].query, names(json), rows[i].names);
		json_decref(json);
	}
}

static void operators_and_types(void **state)
{
	static const struct expected rows[] = {
		{KIND_VM, "", "web1,web2,DB,it's; --,云_%"},
		{KIND_VM, "q=name=web1", "web1"},
		{KIND_VM, "condition=name=web1", "web1"},
		{KIND_VM, "q=name=WEB1&q=state=Running", "web1"},
		{KIND_VM, "q=name=web1&q=state=Stopped", ""},
		{KIND_VM, "q=name=db++", "DB"},
		{KIND_VM, "q= name =db", "DB"},
		{KIND_VM, "q=name= db", ""},
		{KIND_VM, "q=state=running", "web1,web2,云_%"},
		{KIND_VM, "q=state!=running", "DB,it's; --"},
		{KIND_VM, "q=name!=x=y", "web1,web2,DB,it's; --,云_%"}, /* the leftmost operator */
		{KIND_VM, "q=name=x!=y", ""},
		{KIND_VM, "q=name=DB is null", ""},
		{KIND_VM, "q=name>it", "web1,web2,it's; --,云_%"},
		{KIND_VM, "q=cpuNum=8", "it's; --,云_%"},
		{KIND_VM, "q=cpuNum=8.0", "it's; --,云_%"},
		{KIND_VM, "q=cpuNum>1.5&q=cpuNum<4", "web2"},
		{KIND_VM, "q=cpuNum>=4&q=cpuNum<=4", "DB"},
		{KIND_VM, "q=cpuNum=1.5", ""},
		{KIND_VM, "q=cpuNum!=1.5", "web1,web2,DB,it's; --,云_%"},
		{KIND_VM, "q=memorySize>2G", "DB,云_%"},
		{KIND_VM, "q=memorySize=4gb", "DB"},
		{KIND_VM, "q=memorySize=9223372036854775807", "云_%"},
		{KIND_VM, "q=memorySize>9223372036854775806", "云_%"},
		{KIND_VM, "q=memorySize<1e30", "web1,web2,DB,云_%"},
		{KIND_VM, "q=memorySize>-1e30", "web1,web2,DB,云_%"},
		{KIND_VM, "q=memorySize!=1", "web1,web2,DB,云_%"}, /* null is not unequal */
		{KIND_VM, "q=memorySize is null", "it's; --"},
		{KIND_VM, "q=memorySize IS NULL ", "it's; --"},
		{KIND_VM, "q=memorySize=null", "it's; --"},
		{KIND_VM, "q=hostUuid not null", "web1,web2,云_%"},
		{KIND_VM, "q=hostUuid!=null", "web1,web2,云_%"},
		{KIND_VM, "q=hostUuid!=u-h1", "web2"},
		{KIND_VM, "q=hostUuid!?=u-h1", "web2"},
		{KIND_VM, "q=hostUuid!~=x", "web1,web2,云_%"},
		{KIND_VM, "q=description=", ""},
		{KIND_VM, "q=name?=db,web2,nothing", "web2,DB"},
		{KIND_VM, "q=name!?=DB,WEB2", "web1,it's; --,云_%"},
		{KIND_VM, "q=cpuNum?=1,4", "web1,DB"},
		{KIND_VM, "q=cpuNum!?=1,4", "web2,it's; --,云_%"},
		{KIND_VM, "q=name~=WEB%25", "web1,web2"},
		{KIND_VM, "q=name~=web%", "web1,web2"},
		{KIND_VM, "q=name~=web_", "web1,web2"},
		{KIND_VM, "q=name~=__", "DB"},
		{KIND_VM, "q=name!~=web_", "DB,it's; --,云_%"},
		{KIND_VM, "q=name~=_\\_\\%", "云_%"},
		{KIND_VM, "q=name~=%E4%BA%91%25", "云_%"},
		{KIND_VM, "q=name=it's; --", "it's; --"},
		{KIND_VM, "q=cpuNum~=_", "web1,web2,DB,it's; --,云_%"},
		{KIND_VM, "q=createDate=Nov 14, 2017 10:20:58 PM", "web1"},
		{KIND_VM, "q=createDate=2017-11-14 22:20:58", "web1"},
		{KIND_VM, "q=createDate=2017-11-14%2022:20:58", "web1"},
		{KIND_VM, "q=createDate>2017-11-14 22:20:58&q=createDate<=2017-11-14 22:21:01", "web2,DB"},
		{KIND_VM, "q=createDate~=2017-11-14 22:20:%25", "web1,web2"},
		{KIND_VM, "q=createDate<9999-01-01 00:00:00&limit=1", "web1"},
		{KIND_VM, "q=createDate?=Nov 14, 2017 10:20:58 PM",
		 ""}, /* the comma separates two values: neither is a date */
	};
	(void)state;

	check(rows, ARRAY_SIZE(rows) - 1);
	_cleanup_query_ struct query *q = NULL;
	assert_int_equal(query_parse(kind_get(KIND_VM), rows[ARRAY_SIZE(rows) - 1].query, &q, NULL), -EINVAL);
}

static void relations_and_tags(void **state)
{
	static const struct expected rows[] = {
		{KIND_VM, "q=vmNics.ip=192.168.0.3", "web2"},
		{KIND_VM, "q=vmNics.ip!=192.168.0.1", "web1,web2"}, /* web1 has another one, DB has none */
		{KIND_VM, "q=vmNics.ip=192.168.0.1&q=vmNics.ip=192.168.0.2", "web1"}, /* not the same NIC */
		{KIND_VM, "q=host.managementIp=10.0.0.1", "web1,云_%"},
		{KIND_VM, "q=host.name~=h%25&q=state=running", "web1,web2,云_%"},
		{KIND_VM, "q=vmNics.l3Network.name=l3", "web1,web2"},
		{KIND_VM, "q=vmNics.l3Network.l2Network.cluster.name=c1", "web1,web2"},
		{KIND_VM, "q=zone.cluster.l2Network.l3Network.name=l3", "web1,web2,DB,it's; --,云_%"},
		{KIND_VM, "q=zone.cluster.l2VlanNetwork.name=l2", ""},
		{KIND_VM, "q=vmNics.vmInstance.name=web1", "web1"},
		{KIND_VM, "q=vmNics.vmInstance.vmNics.vmInstance.vmNics.vmInstance.vmNics.ip=192.168.0.2",
		 "web1"},
		{KIND_HOST, "q=vmInstance.name=web2", "h2"},
		{KIND_HOST, "q=vmInstance.cpuNum>7", "h1"},
		{KIND_L2_NETWORK, "q=attachedClusterUuids=u-c1", "l2"},
		{KIND_L2_NETWORK, "q=attachedClusterUuids!=u-c1", ""},
		{KIND_L2_NETWORK, "q=attachedClusterUuids not null", "l2"},
		{KIND_L2_NETWORK, "q=attachedClusterUuids is null", ""},
		{KIND_L3_NETWORK, "q=dns is null", "l3"},
		{KIND_CLUSTER, "q=l2Network.attachedClusterUuids=u-c1", "c1"},
		{KIND_VM, "q=__userTag__=PROD", "web1"},
		{KIND_VM, "q=__userTag__~=prod%25", "web1,web2"},
		{KIND_VM, "q=__userTag__!=prod", "web2,DB,it's; --,云_%"},
		{KIND_VM, "q=__userTag__!?=prod,test", "DB,it's; --,云_%"},
		{KIND_VM, "q=__userTag__!~=p%25", "DB,it's; --,云_%"},
		{KIND_VM, "q=__userTag__?=test,nothing", "web2"},
		{KIND_VM, "q=__userTag__ not null", "web1,web2"},
		{KIND_VM, "q=__userTag__!=null", "web1,web2"},
		{KIND_VM, "q=__userTag__ is null", ""},
		{KIND_VM, "q=__systemTag__=ha::NeverStop", "DB"},
		{KIND_VM, "q=vmNics.__userTag__=nic-tag", "web2"},
		{KIND_VM, "q=vmNics.__userTag__!=nic-tag", "web1"},
		{KIND_NIC, "q=vmInstance.__userTag__=prod", "u-n1,u-n2"},
	};
	(void)state;

	check(rows, ARRAY_SIZE(rows));
}

static void paging_sorting_grouping(void **state)
{
	static const struct expected rows[] = {
		{KIND_VM, "limit=2", "web1,web2"},
		{KIND_VM, "limit=2&start=3", "it's; --,云_%"},
		{KIND_VM, "limit=0", ""},
		{KIND_VM, "start=99", ""},
		{KIND_VM, "start=9223372036854775807&limit=9223372036854775807", ""},
		{KIND_VM, "sort=-cpuNum", "it's; --,云_%,DB,web2,web1"},
		{KIND_VM, "sort=+name", "DB,it's; --,web1,web2,云_%"},
		{KIND_VM, "sort=%2Bname", "DB,it's; --,web1,web2,云_%"},
		{KIND_VM, "sort=name&start=1&limit=2", "it's; --,web1"},
		{KIND_VM, "sort=memorySize", "it's; --,web1,web2,DB,云_%"}, /* null first */
		{KIND_VM, "sort=-memorySize&limit=1", "云_%"},
		{KIND_VM, "groupBy=state", "web1,DB"}, /* 'running ' is 'Running' */
		{KIND_VM, "groupBy=state&sort=-state", "DB,web1"},
		{KIND_VM, "groupBy=hostUuid", "web1,web2,DB"},
		{KIND_VM, "groupBy=cpuNum&q=cpuNum>1&limit=2&start=1", "DB,it's; --"},
		{KIND_VM, "sort=&groupBy=&fields=&filterName=x&unknown&=&&", "web1,web2,DB,it's; --,云_%"},
	};
	static const struct {
		const char *query;
		int total;
		bool inventories;
	} totals[] = {
		{"count=true", 5, false},
		{"count=true&q=state=Stopped", 2, false},
		{"count=true&limit=1", 5, false},
		{"replyWithCount=true&limit=2&start=1", 5, true},
		{"limit=2", -1, true},
		{"count=TRUE&groupBy=state", 2, false},
		{"count=yes", -1, true},
		{"replyWithCount=true&q=name=nothing", 0, true},
	};
	(void)state;

	check(rows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		json_t *json = ask(KIND_VM, totals[i].query);

		assert_int_equal(json_object_get(json, "total")
					 ? json_integer_value(json_object_get(json, "total"))
					 : -1,
				 totals[i].total);
		assert_int_equal(json_object_get(json, "inventories") != NULL, totals[i].inventories);
		assert_non_null(json_object_get(json, "schema"));
		json_decref(json);
	}
}

static void check_text(json_t *json, const char *text)
{
	char *dumped = json_dumps(json, JSON_COMPACT);

	assert_string_equal(dumped, text);
	free(dumped);
	json_decref(json);
}

static void bodies(void **state)
{
	(void)state;
	check_text(ask(KIND_VM, "q=name=web2&fields=name&fields=cpuNum,%20uuid,"),
		   "{\"inventories\":[{\"uuid\":\"u-web2\",\"name\":\"web2\",\"cpuNum\":2}],"
		   "\"schema\":{\"inventories[0]\":\"org.zstack.header.vm.VmInstanceInventory\"}}");
	check_text(ask(KIND_VM, "q=name=nothing"), "{\"inventories\":[],\"schema\":{}}");
	check_text(ask(KIND_VM, "count=true&q=name=DB"), "{\"total\":1,\"schema\":{}}");
	check_text(ask(KIND_L2_NETWORK, "fields=attachedClusterUuids"),
		   "{\"inventories\":[{\"attachedClusterUuids\":[\"u-c1\"]}],"
		   "\"schema\":{\"inventories[0]\":\"org.zstack.header.network.l2.L2NetworkInventory\"}}");
	/* parents before children, variants by what the object is */
	json_t *json = ask(KIND_VM, "q=name~=web%");
	check_text(json_incref(json_object_get(json, "schema")),
		   "{\"inventories[0]\":\"org.zstack.header.vm.VmInstanceInventory\","
		   "\"inventories[0].vmNics[0]\":\"org.zstack.header.vm.VmNicInventory\","
		   "\"inventories[0].vmNics[1]\":\"org.zstack.header.vm.VmNicInventory\","
		   "\"inventories[1]\":\"org.zstack.header.vm.VmInstanceInventory\","
		   "\"inventories[1].vmNics[0]\":\"org.zstack.header.vm.VmNicInventory\"}");
	json_decref(json);
	json = ask(KIND_HOST, "limit=1");
	check_text(json_incref(json_object_get(json, "schema")),
		   "{\"inventories[0]\":\"org.zstack.kvm.KVMHostInventory\"}");
	json_decref(json);
}

static void schemas(void **state)
{
	json_t *json = query_schema_json(kind_get(KIND_NIC));
	json_t *fields = json_object_get(json, "fields");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(json, "kind")), "VmNic");
	assert_string_equal(json_string_value(json_object_get(json, "class")),
			    "org.zstack.header.vm.VmNicInventory");
	assert_int_equal(json_array_size(json_object_get(json, "operators")), 12);
	assert_string_equal(json_string_value(json_object_get(fields, "deviceId")), "int");
	assert_string_equal(json_string_value(json_object_get(fields, "createDate")), "date");
	assert_string_equal(json_string_value(json_object_get(fields, "__userTag__")), "tag");
	assert_null(json_object_get(fields, "inboundBandwidth")); /* hidden */
	check_text(json_incref(json_object_get(json, "relations")),
		   "{\"vmInstance\":\"VmInstance\",\"l3Network\":\"L3Network\"}");
	json_decref(json);
	json = query_schema_json(kind_get(KIND_JOB));
	assert_null(json_object_get(json, "class"));
	assert_null(json_object_get(json_object_get(json, "fields"), "secretRequest"));
	json_decref(json);
}

/* What the schema names, a query may name; nothing else. */
static void every_field_of_every_schema_can_be_queried(void **state)
{
	(void)state;
	for (int k = KIND_ZONE; k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		json_t *json = query_schema_json(kind), *value;
		const char *name;

		json_object_foreach (json_object_get(json, "fields"), name, value) {
			char text[200];
			_cleanup_query_ struct query *q = NULL;

			snprintf(text, sizeof(text), "q=%s not null&q=%s~=%%25", name, name);
			assert_int_equal(query_parse(kind, text, &q, NULL), 0);
		}
		for (int i = 0; i < kind->field_count; i++) {
			_cleanup_query_ struct query *q = query_new(kind);
			char text[200];

			snprintf(text, sizeof(text), "%s is null", kind->fields[i].name);
			assert_int_equal(query_add_condition(q, text, NULL) == 0,
					 json_object_get(json_object_get(json, "fields"),
							 kind->fields[i].name) != NULL);
		}
		for (const struct relation *r = NULL; (r = relation_next(kind, r));) {
			struct relation back = relation_inverse(r);
			const struct kind *target = kind_get(r->target);

			assert_ptr_equal(relation_find(kind, r->name, strlen(r->name)),
					 r); /* names are unique */
			assert_true(relation_is_indexed(r));
			if (r->type == RELATION_FORWARD)
				assert_int_equal(r->field == FIELD_UUID ? r->kind
									: kind->fields[r->field].target,
						 r->target);
			if (r->type == RELATION_REVERSE)
				assert_int_equal(target->fields[r->field].target, r->kind);
			if (r->type == RELATION_LINK) {
				assert_int_equal(kind_get(r->link)->fields[r->field].target, r->kind);
				assert_int_equal(kind_get(r->link)->fields[r->link_field].target, r->target);
				assert_true(relation_is_indexed(&back));
			}
			assert_true(kind_field(kind, r->name) < 0 ||
				    kind->fields[kind_field(kind, r->name)].type == FIELD_CHILDREN);
		}
		json_decref(json);
	}
}

static void errors(void **state)
{
	static const struct {
		const char *query, *code, *text;
	} rows[] = {
		{"limit=x", "SYS.1007", "Invalid query parameter. 'limit' must be an integer"},
		{"limit=", "SYS.1007", "Invalid query parameter. 'limit' must be an integer"},
		{"limit=1e3", "SYS.1007", "Invalid query parameter. 'limit' must be an integer"},
		{"limit=99999999999999999999", "SYS.1007",
		 "Invalid query parameter. 'limit' must be an integer"},
		{"limit=-1", "SYS.1007", "Invalid query parameter. 'limit' must not be negative"},
		{"start=1.5", "SYS.1007", "Invalid query parameter. 'start' must be an integer"},
		{"q=name", "SYS.1007",
		 "Invalid query parameter. The 'name' in the parameter[q] doesn't contain any query operator. Valid query "
		 "operators are [=, !=, >, <, >=, <=, ?=, !?=, ~=, !~=, is null, not null]"},
		{"q=", "SYS.1007",
		 "Invalid query parameter. The '' in the parameter[q] doesn't contain any query operator. Valid query "
		 "operators are [=, !=, >, <, >=, <=, ?=, !?=, ~=, !~=, is null, not null]"},
		{"q==x", "SYS.1007",
		 "Invalid query parameter. The '=x' in the parameter[q] doesn't name a field"},
		{"q= is null", "SYS.1007",
		 "Invalid query parameter. The ' is null' in the parameter[q] doesn't name a field"},
		{"q=name=a%00b", "SYS.1007", "Invalid query parameter. It must not contain a NUL character"},
		{"%00=a", "SYS.1007", "Invalid query parameter. It must not contain a NUL character"},
		{"q=name=%ff", "SYS.1007", "Invalid query parameter. The parameter[q] is not UTF-8 text"},
		{"q=nothing=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[nothing]"},
		{"q=accountUuid=1", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[accountUuid]"},
		{"q=Name=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[Name]"},
		{"q=vmNics=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[vmNics]"},
		{"q=vmNics.=1", "SYS.1000", "inventory class[VmNicInventory] not having field[]"},
		{"q=.name=1", "SYS.1000", "no expand query[] found on inventory[VmInstanceInventory]"},
		{"q=vmNics.vip.ip=1", "SYS.1000", "no expand query[vip] found on inventory[VmNicInventory]"},
		{"q=name.uuid=1", "SYS.1000",
		 "no expand query[name] found on inventory[VmInstanceInventory]"},
		{"q=na%0Ame=1", "SYS.1000", "inventory class[VmInstanceInventory] not having field[na?me]"},
		{"q=vmNics.vmInstance.vmNics.vmInstance.vmNics.vmInstance.vmNics.vmInstance.vmNics.ip=1",
		 "SYS.1000", "a condition can follow at most 8 relations"},
		{"q=cpuNum=x", "SYS.1000", "'x' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=", "SYS.1000", "'' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=0x10", "SYS.1000", "'0x10' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=nan", "SYS.1000", "'nan' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum=1Q", "SYS.1000", "'1Q' is not a number, as field 'cpuNum' is"},
		{"q=cpuNum?=1,,2", "SYS.1000", "'' is not a number, as field 'cpuNum' is"},
		{"q=allVolumes.isShareable=maybe", "SYS.1000",
		 "'maybe' is not true or false, as field 'isShareable' is"},
		{"q=createDate>yesterday", "SYS.1000",
		 "'yesterday' is not a date like 'Nov 14, 2017 10:20:57 PM' or '2017-11-14 22:20:57', as field "
		 "'createDate' is"},
		{"sort=nothing", "SYS.1000",
		 "invalid order by clause, inventory[VmInstanceInventory] doesn't have field[nothing]"},
		{"sort=-vmNics", "SYS.1000",
		 "invalid order by clause, inventory[VmInstanceInventory] doesn't have field[vmNics]"},
		{"sort=host.name", "SYS.1000",
		 "invalid order by clause, inventory[VmInstanceInventory] doesn't have field[host.name]"},
		{"groupBy=nothing", "SYS.1000",
		 "invalid group by clause, inventory[VmInstanceInventory] doesn't have field[nothing]"},
		{"fields=name,nothing", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[nothing]"},
		{"fields=__userTag__", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[__userTag__]"},
		{"fields=createSpec", "SYS.1000",
		 "inventory class[VmInstanceInventory] not having field[createSpec]"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_query_ struct query *q = NULL;

		if (query_parse(kind_get(KIND_VM), rows[i].query, &q, &e) != -EINVAL)
			fail_msg("%s is accepted", rows[i].query);
		assert_null(q);
		assert_string_equal(error_sentence(&e), rows[i].text);
		assert_string_equal(e.code, rows[i].code);
	}
}

static void limits(void **state)
{
	static char big[QUERY_LENGTH_MAX + 200];
	_cleanup_(error_done) struct error length = ERROR_INIT;
	_cleanup_(error_done) struct error conditions = ERROR_INIT;
	_cleanup_(error_done) struct error pattern = ERROR_INIT;
	struct query *q = NULL;
	size_t at = 0;
	(void)state;

	memset(big, 'a', sizeof(big) - 1);
	memcpy(big, "q=name=", 7);
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, &length), -EINVAL);
	assert_non_null(strstr(error_sentence(&length), "at most 65536 bytes"));
	big[60000] = '\0';
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, NULL), 0);
	query_free(q);
	memcpy(big, "q=name~=", 8);
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, &pattern), -EINVAL);
	assert_string_equal(error_sentence(&pattern), "a pattern can have at most 1024 characters");
	for (int i = 0; i < QUERY_CONDITIONS_MAX; i++)
		at += (size_t)snprintf(big + at, sizeof(big) - at, "q=name=x&");
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, NULL), 0);
	query_free(q);
	snprintf(big + at, sizeof(big) - at, "q=name=x");
	assert_int_equal(query_parse(kind_get(KIND_VM), big, &q, &conditions), -EINVAL);
	assert_non_null(strstr(error_sentence(&conditions), "at most 64 conditions"));
}

/* Any text is a value or a clean error, and the pool is unchanged. */
static void injections(void **state)
{
	static const char *const pieces[] = {
		"'",
		"\"",
		"';--",
		"' OR '1'='1",
		"\\",
		"\\'",
		"/*",
		"*/",
		"--",
		";DROP TABLE vm;",
		"%00",
		"\n",
		"\r\n",
		"`",
		"$(reboot)",
		"${x}",
		"../..",
		"<script>",
		"%",
		"%%",
		"_",
		"\\%",
		"\xF0\x9F\x98\x80",
		"\xE2\x80\xAE",
		"\xFF\xFE",
		"\xC0\x80",
		"{\"a\":1}",
		"UNION SELECT * FROM session",
		"name",
		"=",
		"!=",
		"is null",
		".",
		",",
		"%s%n",
		"__userTag__",
		"zone.",
		"zone.cluster.",
		"&",
		"&limit=",
		"&q=",
		"99999999999999999999",
		"-1",
		"+",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (size_t j = 0; j < ARRAY_SIZE(pieces); j++)
			for (int form = 0; form < 4; form++) {
				static const char *const forms[] = {"q=name=%s%s", "q=%s=%s", "%s=%s",
								    "sort=%s&fields=%s"};
				_cleanup_(error_done) struct error e = ERROR_INIT;
				_cleanup_query_ struct query *q = NULL;
				char text[300];
				json_t *json = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				snprintf(text, sizeof(text), forms[form], pieces[i], pieces[j]);
#pragma GCC diagnostic pop
				if (query_parse(kind_get(KIND_VM), text, &q, &e) < 0 ||
				    query_run(q, view, &(struct query_scope){0}, &json, &e) < 0) {
					assert_int_equal(e.errnum, EINVAL);
					assert_null(strchr(error_sentence(&e), '\n'));
					json = error_to_json(&e);
				}
				char *dumped = json_dumps(json, 0);
				assert_non_null(dumped);
				free(dumped);
				json_decref(json);
			}
}

static void accounts_see_their_own(void **state)
{
	static const struct {
		const char *account, *query, *names;
	} rows[] = {
		{"u-admin", "", "web1,web2,DB,it's; --,云_%"},
		{"u-bob", "", "web1,web2"}, /* what nobody owns is the administrator's */
		{"u-bob", "q=name=DB", ""},
		{"u-bob", "q=zone.vmInstance.name=DB", ""}, /* nor by a detour */
		{"u-bob", "q=zone.vmInstance.name=web1", "web1,web2"},
		{"u-bob", "q=vmNics.ip~=192%", "web1,web2"},
		{"u-nobody", "", ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *json = ask_as(rows[i].account, KIND_VM, rows[i].query);

		assert_string_equal(names(json), rows[i].names);
		json_decref(json);
	}
	json_t *json = ask_as("u-bob", KIND_USER_TAG, "count=true");
	assert_int_equal(json_integer_value(json_object_get(json, "total")), 4);
	json_decref(json);
	json = ask_as("u-bob", KIND_SYSTEM_TAG, "count=true");
	assert_int_equal(json_integer_value(json_object_get(json, "total")), 0);
	json_decref(json);
	json = ask_as("u-bob", KIND_ACCOUNT, "");
	assert_string_equal(names(json), "bob");
	json_decref(json);
}

static void single_objects_match_or_not(void **state)
{
	_cleanup_query_ struct query *q = query_new(kind_get(KIND_VM));
	const struct query_scope scope = {0};
	(void)state;

	assert_int_equal(query_add_condition(q, "state=Running", NULL), 0);
	assert_int_equal(query_add_condition(q, "host.name=h1", NULL), 0);
	query_set_limit(q, 0);
	assert_int_equal(query_match(q, view, &scope, view_get(view, KIND_VM, "u-web1"), NULL), 1);
	assert_int_equal(query_match(q, view, &scope, view_get(view, KIND_VM, "u-web2"), NULL), 0);
	assert_int_equal(query_match(q, view, &scope, view_get(view, KIND_HOST, "u-h1"), NULL), 0);
}

static void a_query_is_aborted_at_its_deadline(void **state)
{
	_cleanup_view_ struct view *big = view_copy(view, 1);
	_cleanup_query_ struct query *q = NULL;
	_cleanup_query_ struct query *nested = NULL;
	_cleanup_query_result_ struct query_result result = {0};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct view *small = view;
	struct timespec ts;
	int64_t start, end;
	(void)state;

	view = big;
	for (int i = 0; i < 20000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "vm%d", i);
		vm(name, "Running", i % 2 ? "h1" : "h2", 1, 1, NULL);
	}
	view = small;
	ids[KIND_VM] -= 20000;
	assert_int_equal(query_parse(kind_get(KIND_VM), "q=name~=%25x%25", &q, NULL), 0);
	assert_int_equal(query_select(q, big, &(struct query_scope){.deadline = 1}, &result, &e), -ETIMEDOUT);
	assert_string_equal(e.code, "SYS.1001");
	assert_null(result.objects);
	/* Every VM leads to every VM, four times over: with a memo of results it ends in time. */
	assert_int_equal(
		query_parse(
			kind_get(KIND_VM),
			"q=zone.vmInstance.host.vmInstance.zone.vmInstance.host.vmInstance.name~=%25nothing",
			&nested, NULL),
		0);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	start = ts.tv_sec * NS_PER_S + ts.tv_nsec;
	assert_int_equal(query_select(nested, big,
				      &(struct query_scope){.deadline = start + INT64_C(20000000000)},
				      &result, NULL),
			 0);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	end = ts.tv_sec * NS_PER_S + ts.tv_nsec;
	assert_int_equal(result.count, 0);
	assert_true(end - start < INT64_C(15000000000));
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} rows[] = {
		{"", "", true},		  {"", "a", false},
		{"%", "", true},	  {"%", "abc", true},
		{"_", "", false},	  {"_", "云", true},
		{"__", "云", false},	  {"a%c", "abbbc", true},
		{"a%c", "abbbcd", false}, {"%a%b%", "xxaxxbxx", true},
		{"%%%a", "a", true},	  {"a_c", "aBc", true},
		{"É%", "école", true},	  {"a\\%", "a%", true},
		{"a\\%", "ab", false},	  {"\\\\", "\\", true},
		{"\\a", "\\a", true},	  {"a\\", "a\\", true},
		{"a ", "a", false},	  {"%主_", "云主机", true},
		{"_%_", "a", false},	  {"_%_", "ab", true},
		{"%aab", "aaaab", true},
	};
	char pattern[LIKE_MAX + 2], text[5000];
	struct like *like;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(like_new(rows[i].pattern, &like), 0);
		if (like_match(like, rows[i].text) != rows[i].matches)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
		like_free(like);
	}
	/* Lengths around the sizes of machine words, with and without a loop. */
	for (size_t len = 60; len <= LIKE_MAX; len += len < 70 ? 1 : 53) {
		memset(pattern, 'a', len);
		pattern[len] = '\0';
		assert_int_equal(like_new(pattern, &like), 0);
		memset(text, 'A', len);
		text[len] = '\0';
		assert_true(like_match(like, text));
		text[len - 1] = 'b';
		assert_false(like_match(like, text));
		text[len - 1] = '\0';
		assert_false(like_match(like, text));
		like_free(like);
		pattern[len / 2] = '%';
		assert_int_equal(like_new(pattern, &like), 0);
		memset(text, 'a', sizeof(text));
		text[sizeof(text) - 1] = '\0';
		assert_true(like_match(like, text));
		text[len / 2 - 1] = 'b';
		assert_false(like_match(like, text));
		like_free(like);
	}
	memset(pattern, '_', sizeof(pattern));
	pattern[LIKE_MAX + 1] = '\0';
	assert_int_equal(like_new(pattern, &like), -EFBIG);
}

/* ------------------------------------------------------------ lack of memory */

/* Allocations that succeed before one fails; negative: none fails. */
static int fail_after = -1;

static bool fails(void)
{
	return fail_after >= 0 && fail_after-- == 0;
}

#define WRAP(type, name, parameters, arguments)                                                              \
	type __real_##name parameters;                                                                       \
	type __wrap_##name parameters;                                                                       \
	type __wrap_##name parameters                                                                        \
	{                                                                                                    \
		return fails() ? NULL : __real_##name arguments;                                             \
	}
WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t size), (p, size))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strdup, (const char *text), (text))
WRAP(char *, strndup, (const char *text, size_t size), (text, size))

static void *json_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

static int parse_and_run(const char *text, json_t **ret_json)
{
	_cleanup_query_ struct query *q = NULL;
	int r = query_parse(kind_get(KIND_VM), text, &q, NULL);

	return r < 0 ? r : query_run(q, view, &(struct query_scope){0}, ret_json, NULL);
}

/* The answer is whole or it is -ENOMEM, whichever allocation fails. (A memo that is lost only costs time.) */
static void lack_of_memory_is_an_error(void **state)
{
	static const char *const queries[] = {
		"q=zone.cluster.host.name?=h1,h2,x&q=name~=%25云%25&sort=-name&replyWithCount=true",
		"q=vmNics.l3Network.zone.vmInstance.name!=x&groupBy=state&fields=name,cpuNum",
		"q=name=web1",
	};
	(void)state;

	json_set_alloc_funcs(json_malloc, free);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		json_t *whole = ask(KIND_VM, queries[i]);
		int r = -ENOMEM;

		for (int n = 0; r == -ENOMEM || n < 20; n++) {
			json_t *json = NULL;
			bool failed;

			assert_true(n < 2000);
			fail_after = n;
			r = parse_and_run(queries[i], &json);
			failed = fail_after < 0;
			fail_after = -1;
			assert_true(r == 0 || r == -ENOMEM);
			if (r == 0)
				assert_true(json_equal(json, whole));
			else
				assert_null(json);
			json_decref(json);
			if (!failed)
				break;
			r = -ENOMEM;
		}
		json_decref(whole);
	}
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_and_types),
		cmocka_unit_test(relations_and_tags),
		cmocka_unit_test(paging_sorting_grouping),
		cmocka_unit_test(bodies),
		cmocka_unit_test(schemas),
		cmocka_unit_test(every_field_of_every_schema_can_be_queried),
		cmocka_unit_test(errors),
		cmocka_unit_test(limits),
		cmocka_unit_test(injections),
		cmocka_unit_test(accounts_see_their_own),
		cmocka_unit_test(single_objects_match_or_not),
		cmocka_unit_test(a_query_is_aborted_at_its_deadline),
		cmocka_unit_test(patterns),
		cmocka_unit_test(lack_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
