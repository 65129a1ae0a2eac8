/* SPDX-License-Identifier: Apache-2.0 */
/* The query language, feature by feature, on a small pool. */
#include "tests/unit/query_fixture.h"

#include "model/like.h"
#include "model/relation.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_and_types),
		cmocka_unit_test(relations_and_tags),
		cmocka_unit_test(paging_sorting_grouping),
		cmocka_unit_test(bodies),
		cmocka_unit_test(schemas),
		cmocka_unit_test(every_field_of_every_schema_can_be_queried),
		cmocka_unit_test(accounts_see_their_own),
		cmocka_unit_test(single_objects_match_or_not),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
