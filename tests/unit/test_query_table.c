/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the manual's query language: each field and relation by name, each operator on each type. */
#include "model/relation.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/query_run.h"

/* Nov 14, 2017 22:20:57 UTC */
#define DATE INT64_C(1510698057000000000)

static struct view *view;

static struct object *make(enum kind_id kind, int64_t id, const char *name)
{
	struct object *o = object_new(kind_get(kind));

	assert_non_null(o);
	o->id = id;
	object_set_str(o, FIELD_UUID, name);
	if (o->kind->name_field >= 0)
		object_set_str(o, o->kind->name_field, name);
	return o;
}

static void put(struct object *o)
{
	assert_int_equal(view_put(view, o), 0);
	object_unref(o);
}

static void tag(enum kind_id kind, int64_t id, const char *volume, const char *text)
{
	bool is_system = kind == KIND_SYSTEM_TAG;
	char uuid[16];
	struct object *o;

	snprintf(uuid, sizeof(uuid), "t%d", (int)id);
	o = make(kind, id, uuid);
	object_set_str(o, is_system ? SYSTEM_TAG_RESOURCE_UUID : USER_TAG_RESOURCE_UUID, volume);
	object_set_str(o, is_system ? SYSTEM_TAG_TAG : USER_TAG_TAG, text);
	put(o);
}

/* Three volumes: `a`, `b` greater in everything, and `c`, which has nothing. */
static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	view = view_new();
	assert_non_null(view);
	for (int i = 0; i < 2; i++) {
		struct object *o = make(KIND_VOLUME, i + 1, i ? "b" : "a");

		object_set_str(o, VOLUME_DESCRIPTION, i ? "two words" : "One");
		object_set_int(o, VOLUME_DEVICE_ID, i);
		object_set_int(o, VOLUME_SIZE, (INT64_C(1) << 40) + i);
		object_set_int(o, VOLUME_IS_SHAREABLE, i);
		object_set_int(o, VOLUME_CREATE_DATE, DATE + i * NS_PER_S + 999);
		put(o);
		for (int64_t k = 1; k <= 2; k++) {
			tag(k == 1 ? KIND_SYSTEM_TAG : KIND_USER_TAG, 2 * i + 1, i ? "b" : "a",
			    i ? "x::2" : "x::1");
			tag(k == 1 ? KIND_SYSTEM_TAG : KIND_USER_TAG, 2 * i + 2, i ? "b" : "a", "Both");
		}
	}
	put(make(KIND_VOLUME, 3, "c"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	view_unref(view);
	return 0;
}

/* Runs a query that must be valid; @ret_names (may be NULL) gets the concatenated names of its result. */
static void run(enum kind_id kind, const char *text, char ret_names[32])
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_query_ struct query *q = NULL;
	json_t *json = NULL, *item;
	size_t i;

	if (query_parse(kind_get(kind), text, &q, &e) < 0 ||
	    query_run(q, view, &(struct query_scope){0}, &json, &e) < 0)
		fail_msg("%s: %s", text, error_sentence(&e));
	if (ret_names) {
		FILE *f = fmemopen(memset(ret_names, 0, 32), 32, "w");

		json_array_foreach (json_object_get(json, "inventories"), i, item)
			fputs(json_string_value(json_object_get(item, "name")), f);
		assert_int_equal(fclose(f), 0);
	}
	json_decref(json);
}

/* What `FIELD OPERATOR VALUE` finds, for the value that `a` has; a null is found by `is null` alone. */
static void every_operator_on_every_type(void **state)
{
	static const struct {
		const char *field, *value, *list, *pattern;
	} fields[] = {
		{"description", "ONE ", "nothing,one", "o%25"},
		{"deviceId", "0", "7,0", "_"},
		{"deviceId", "0.0", "0e5,7", "0"},
		{"size", "1099511627776", "1,1T", "%2576"},
		{"size", "1T", "1024G,5", "1%2576"},
		{"isShareable", "false", "FALSE,0", "f%25"},
		{"isShareable", "0", "false", "_alse"},
		{"createDate", "2017-11-14 22:20:57", "2017-11-14 22:20:57,2018-01-01 00:00:00", "%25:57"},
	};
	static const struct {
		const char *operator, * found;
		enum { VALUE, LIST, PATTERN, NOTHING } operand;
	} operators[] = {
		{"=", "a", VALUE},	    {"!=", "b", VALUE},		  {">", "b", VALUE},
		{"<", "", VALUE},	    {">=", "ab", VALUE},	  {"<=", "a", VALUE},
		{"?=", "a", LIST},	    {"!?=", "b", LIST},		  {"~=", "a", PATTERN},
		{"!~=", "b", PATTERN},	    {"=null", "c", NOTHING},	  {"!=null", "ab", NOTHING},
		{" is null", "c", NOTHING}, {" not null", "ab", NOTHING}, {" Is Null", "c", NOTHING},
	};
	char text[300], found[32];
	(void)state;

	for (size_t f = 0; f < ARRAY_SIZE(fields); f++)
		for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
			const char *const operands[] = {fields[f].value, fields[f].list, fields[f].pattern,
							""};
			/* `_` is one digit, as both have */
			bool both = operators[i].operand == PATTERN && strcmp(fields[f].pattern, "_") == 0;

			snprintf(text, sizeof(text), "q=%s%s%s", fields[f].field, operators[i].operator,
				 operands[operators[i].operand]);
			run(KIND_VOLUME, text, found);
			if (strcmp(found, both ? (operators[i].operator[0] == '!' ? "" : "ab")
					       : operators[i].found) != 0)
				fail_msg("%s gives '%s'", text, found);
		}
}

/* A date in each of its forms; the manual's has a comma, so it is no item of a list. */
static void every_form_of_a_date(void **state)
{
	static const char *const operators[] = {"=", "!=", ">", "<", ">=", "<="};
	char text[300], one[32], other[32];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		snprintf(text, sizeof(text), "q=createDate%s2017-11-14 22:20:57", operators[i]);
		run(KIND_VOLUME, text, one);
		snprintf(text, sizeof(text), "q=createDate%sNov 14, 2017 10:20:57 PM", operators[i]);
		run(KIND_VOLUME, text, other);
		assert_string_equal(one, other);
		snprintf(text, sizeof(text), "q=createDate%s2017-11-14T22:20:57", operators[i]);
		run(KIND_VOLUME, text, other);
		assert_string_equal(one, other);
	}
	run(KIND_VOLUME, "q=createDate>2017-11-14&q=createDate<2017-11-15", one);
	assert_string_equal(one, "ab");
	run(KIND_VOLUME, "q=createDate>2017-11-15", one);
	assert_string_equal(one, "");
	run(KIND_VOLUME, "q=createDate?=2017-11-14T22:20:58,2017-11-14", one);
	assert_string_equal(one, "b");
}

/* Each operator is applied to each tag, the negative ones ask for those without such a tag. */
static void every_operator_on_tags(void **state)
{
	static const struct {
		const char *condition, *found;
	} rows[] = {
		{"=x::1", "a"},	  {"=BOTH", "ab"},     {"=none", ""},	     {"!=x::1", "bc"},
		{"!=both", "c"},  {"!=none", "abc"},   {">x::1", "b"},	     {">=x::1", "ab"},
		{"<x::2", "ab"},  {"<=a", ""},	       {"?=x::2,none", "b"}, {"!?=x::2,none", "ac"},
		{"!?=both", "c"}, {"~=x::%25", "ab"},  {"~=%252", "b"},	     {"!~=%252", "ac"},
		{"!~=X%25", "c"}, {" not null", "ab"}, {"!=null", "ab"},     {" is null", ""},
		{"=null", ""},
	};
	static const char *const tags[] = {"__systemTag__", "__userTag__"};
	char text[300], found[32];
	(void)state;

	for (size_t t = 0; t < ARRAY_SIZE(tags); t++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			snprintf(text, sizeof(text), "q=%s%s", tags[t], rows[i].condition);
			run(KIND_VOLUME, text, found);
			if (strcmp(found, rows[i].found) != 0)
				fail_msg("%s gives '%s', not '%s'", text, found, rows[i].found);
		}
}

/* To 1000 by default. */
static void an_answer_is_limited(void **state)
{
	struct view *small = view;
	char found[32];
	_cleanup_query_ struct query *q = query_new(kind_get(KIND_ZONE));
	_cleanup_query_result_ struct query_result result = {0};
	(void)state;

	view = view_new();
	for (int i = 1; i <= QUERY_LIMIT + 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "z%d", i);
		put(make(KIND_ZONE, i, name));
	}
	assert_int_equal(query_set(q, "replyWithCount", "true", NULL), 0);
	assert_int_equal(query_select(q, view, &(struct query_scope){0}, &result, NULL), 0);
	assert_int_equal(result.count, 1000);
	assert_int_equal(result.total, 1005);
	run(KIND_ZONE, "start=1000&limit=2", found);
	assert_string_equal(found, "z1001z1002");
	view_unref(view);
	view = small;
}

/* Conditions of the manual's own examples that lead to things which this pool never has. */
static void what_never_exists_is_an_empty_set(void **state)
{
	static const char *const queries[] = {
		"eip.ip=10.0.0.1",	"eip.ip!=10.0.0.1",
		"eip.uuid is null",	"portForwarding.vip.ip~=%25",
		"securityGroup.name=x", "loadBalancerListener.uuid?=a,b",
	};
	char text[96], found[32];

	(void)state;
	run(KIND_NIC, "", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		snprintf(text, sizeof(text), "q=%s", queries[i]);
		run(KIND_NIC, text, found);
		assert_string_equal(found, "");
		snprintf(text, sizeof(text), "q=vmNics.%s", queries[i]);
		run(KIND_VM, text, found);
		assert_string_equal(found, "");
	}
	run(KIND_L3_NETWORK, "q=networkServices.networkServiceType=DHCP&q=serviceProvider.name=x", found);
	assert_string_equal(found, "");
}

/*
 * The table of behaviour.md 1.9.1, name by name. The last column has the names that lead to kinds that do
 * not exist here (virtual IPs, network services, copies of snapshots).
 */
static void the_table_of_fields_and_relations(void **state)
{
#define DATES " createDate lastOpDate"
	static const struct {
		enum kind_id kind;
		const char *fields, *expands, *absent;
	} rows[] = {
		{KIND_VM,
		 "uuid name description zoneUuid clusterUuid imageUuid hostUuid lastHostUuid "
		 "instanceOfferingUuid rootVolumeUuid platform defaultL3NetworkUuid type hypervisorType "
		 "memorySize cpuNum cpuSpeed allocatorStrategy state" DATES,
		 "vmNics allVolumes rootVolume image instanceOffering host cluster zone", ""},
		{KIND_NIC, "uuid vmInstanceUuid l3NetworkUuid ip mac netmask gateway metaData deviceId" DATES,
		 "vmInstance l3Network", ""},
		{KIND_VOLUME,
		 "uuid name description primaryStorageUuid vmInstanceUuid diskOfferingUuid rootImageUuid "
		 "installPath type format size actualSize deviceId state status isShareable" DATES,
		 "vmInstance snapshot diskOffering primaryStorage image localStorageHostRef", ""},
		{KIND_SNAPSHOT,
		 "uuid name description type volumeUuid treeUuid parentUuid primaryStorageUuid "
		 "primaryStorageInstallPath volumeType format latest size state status" DATES,
		 "volume tree primaryStorage localStorageHostRef",
		 "backupStorageRef backupStorageRefs backupStorage"},
		{KIND_SNAPSHOT_TREE, "uuid volumeUuid current" DATES, "volume snapshot", ""},
		{KIND_IMAGE,
		 "uuid name description exportUrl exportMd5Sum state status size actualSize md5Sum url "
		 "mediaType guestOsType type platform format system" DATES,
		 "backupStorage backupStorageRefs volume", ""},
		{KIND_AFFINITY_GROUP, "uuid name description policy version type appliance state" DATES,
		 "usages", ""},
		{KIND_AFFINITY_USAGE, "uuid affinityGroupUuid resourceUuid resourceType" DATES, "", ""},
		{KIND_INSTANCE_OFFERING,
		 "uuid name description cpuNum cpuSpeed memorySize type allocatorStrategy sortKey state" DATES,
		 "vmInstance", ""},
		{KIND_DISK_OFFERING,
		 "uuid name description diskSize sortKey state type allocatorStrategy" DATES, "volume", ""},
		{KIND_SHAREABLE_REF, "uuid volumeUuid vmInstanceUuid deviceId" DATES, "volume vmInstance",
		 ""},
		{KIND_ZONE, "uuid name description state type" DATES,
		 "cluster host vmInstance primaryStorage l2Network l3Network backupStorage", ""},
		{KIND_CLUSTER, "uuid name description state hypervisorType zoneUuid type" DATES,
		 "zone host vmInstance primaryStorage l2Network l2VlanNetwork", ""},
		{KIND_HOST,
		 "uuid name description zoneUuid clusterUuid managementIp hypervisorType state status "
		 "totalCpuCapacity availableCpuCapacity cpuSockets cpuNum totalMemoryCapacity "
		 "availableMemoryCapacity username sshPort" DATES,
		 "zone cluster vmInstance", ""},
		{KIND_PRIMARY_STORAGE,
		 "uuid zoneUuid name url description totalCapacity availableCapacity totalPhysicalCapacity "
		 "availablePhysicalCapacity systemUsedCapacity type state status mountPath "
		 "attachedClusterUuids" DATES,
		 "zone cluster volume volumeSnapshot", ""},
		{KIND_BACKUP_STORAGE,
		 "uuid name url description totalCapacity availableCapacity type state status "
		 "attachedZoneUuids" DATES,
		 "zone image", "volumeSnapshot"},
		{KIND_L2_NETWORK,
		 "uuid name description zoneUuid physicalInterface type attachedClusterUuids vlan" DATES,
		 "zone cluster l3Network", ""},
		{KIND_L3_NETWORK,
		 "uuid name description type zoneUuid l2NetworkUuid state dnsDomain system category dns" DATES,
		 "zone l2Network vmNic ipRanges", "hostRoute"},
		{KIND_IP_RANGE,
		 "uuid l3NetworkUuid name description startIp endIp netmask gateway networkCidr" DATES,
		 "l3Network", ""},
		{KIND_SYSTEM_TAG, "uuid resourceUuid resourceType tag type inherent" DATES, "", ""},
		{KIND_USER_TAG, "uuid resourceUuid resourceType tag type" DATES, "", ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[300], *names_left;

		for (char *names = names_left = strdup(rows[i].fields), *n; (n = strsep(&names, " "));) {
			snprintf(text, sizeof(text), "q=%s not null&q=%s=null&fields=%s", n, n, n);
			run(rows[i].kind, text, NULL);
		}
		free(names_left);
		/* at the end of a path and in its middle */
		for (char *names = names_left = strdup(rows[i].expands), *n;
		     *names_left && (n = strsep(&names, " "));) {
			const struct relation *r = relation_find(kind_get(rows[i].kind), n, strlen(n));

			if (!r)
				fail_msg("%s has no relation %s", kind_get(rows[i].kind)->name, n);
			snprintf(text, sizeof(text),
				 "q=%s.createDate=null&q=%s.__userTag__=x&q=%s.__systemTag__!=x", n, n, n);
			run(rows[i].kind, text, NULL);
			for (const struct relation *next = NULL;
			     (next = relation_next(kind_get(r->target), next));) {
				snprintf(text, sizeof(text), "q=%s.%s.createDate not null", n, next->name);
				run(rows[i].kind, text, NULL);
			}
		}
		free(names_left);
		for (char *names = names_left = strdup(rows[i].absent), *n;
		     *names_left && (n = strsep(&names, " "));) {
			_cleanup_(error_done) struct error e = ERROR_INIT;
			_cleanup_query_ struct query *q = NULL;

			snprintf(text, sizeof(text), "q=%s.uuid=x", n);
			assert_int_equal(query_parse(kind_get(rows[i].kind), text, &q, &e), -EINVAL);
			snprintf(text, sizeof(text), "no expand query[%s] found on inventory[%sInventory]", n,
				 kind_get(rows[i].kind)->name);
			assert_string_equal(error_sentence(&e), text);
		}
		free(names_left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operator_on_every_type),
		cmocka_unit_test(every_form_of_a_date),
		cmocka_unit_test(every_operator_on_tags),
		cmocka_unit_test(an_answer_is_limited),
		cmocka_unit_test(what_never_exists_is_an_empty_set),
		cmocka_unit_test(the_table_of_fields_and_relations),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
