/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See openapi_types.h. No member of an inventory is required: what has no value is left out, and a query can ask for
 * some fields only.
 */
#include "rest/openapi_types.h"

#include <stdio.h>
#include <string.h>

#include "model/cleanup.h"
#include "rest/routes.h"

/* Something is missing from the document that the thread makes. */
static _Thread_local bool lacks;

void openapi_begin(void)
{
	lacks = false;
}

bool openapi_is_whole(void)
{
	return !lacks;
}

void openapi_set(json_t *json, const char *name, json_t *value)
{
	if (json_object_set_new(json, name, value) < 0)
		lacks = true;
}

void openapi_add(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0)
		lacks = true;
}

json_t *openapi_reference(const char *name)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

/* ------------------------------------------------------------- plain types */

static json_t *typed(const char *type, const char *format)
{
	json_t *schema = json_pack("{s:s}", "type", type);

	if (format)
		openapi_set(schema, "format", json_string(format));
	return schema;
}

static json_t *schema_of_type(const char *name);

/* "A|B" */
static json_t *schema_of_either(const char *name)
{
	json_t *schema = json_pack("{s:[]}", "anyOf");
	_cleanup_free_ char *copy = strdup(name);
	char *rest = copy, *type;

	if (!copy)
		json_decref(steal(&schema));
	while ((type = strsep(&rest, "|")))
		openapi_add(json_object_get(schema, "anyOf"), schema_of_type(type));
	return schema;
}

/* The schema of a type by its name in the tables, "long", "VolumeInventory", "[string]", "A|B"; NULL: anything. */
static json_t *schema_of_type(const char *name)
{
	static const struct {
		const char *name, *type, *format;
	} plain[] = {
		{"string", "string", NULL},   {"int", "integer", "int32"},    {"integer", "integer", "int32"},
		{"long", "integer", "int64"}, {"double", "number", "double"}, {"boolean", "boolean", NULL},
		{"date", "string", NULL},     {"map", "object", NULL},	      {"object", "object", NULL}};
	char inner[96];

	if (!name)
		return json_object();
	if (*name == '[') {
		snprintf(inner, sizeof(inner), "%.*s", (int)strlen(name) - 2, name + 1);
		return json_pack("{s:s, s:o}", "type", "array", "items", schema_of_type(inner));
	}
	if (strchr(name, '|'))
		return schema_of_either(name);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strcasecmp(plain[i].name, name) == 0)
			return typed(plain[i].type, plain[i].format);
	return openapi_reference(name);
}

/* A list of @item; what "nothing" says has no members. */
static json_t *array_of(const char *item)
{
	if (item && strcmp(item, "nothing") == 0)
		return json_pack("{s:s, s:{}, s:i}", "type", "array", "items", "maxItems", 0);
	return json_pack("{s:s, s:o}", "type", "array", "items", schema_of_type(item));
}

/* ------------------------------------------------------------- inventories */

static json_t *member_schema(const json_t *field)
{
	const char *type = operation_text(field, "type"), *of = operation_text(field, "of");
	const char *help = operation_text(field, "help");
	json_t *schema;

	if (strcmp(type, "list") == 0)
		schema = array_of(of);
	else
		schema = schema_of_type(strcmp(type, "object") == 0 ? of : type);
	if (help && *help)
		openapi_set(schema, "description", json_string(help));
	if (strcmp(type, "date") == 0)
		openapi_set(schema, "examples", json_pack("[s]", "Nov 29, 2026 4:27:39 AM"));
	return schema;
}

static json_t *inventory_schema(const json_t *fields)
{
	json_t *members = json_object();
	const json_t *field;
	size_t i;

	json_array_foreach (fields, i, field)
		openapi_set(members, operation_text(field, "name"), member_schema(field));
	return json_pack("{s:s, s:o}", "type", "object", "properties", members);
}

/* Structures in results that belong to no kind: "member:type", ended by NULL. */
#define MEMBERS(...)                                                                                         \
	(const char *const[])                                                                                \
	{                                                                                                    \
		__VA_ARGS__, NULL                                                                            \
	}
static const struct {
	const char *name;
	const char *const *members;
} structures[] = {
	{"AccountResourceRefInventory",
	 MEMBERS("accountUuid:string", "ownerAccountUuid:string", "resourceUuid:string",
		 "resourceType:string", "permission:int", "isShared:boolean", "createDate:date",
		 "lastOpDate:date")},
	{"AttachTagResult", MEMBERS("inventory:UserTagInventory", "success:boolean")},
	{"CloneVmInstanceInventory", MEMBERS("inventory:VmInstanceInventory", "error:Error")},
	{"CloneVmInstanceResults", MEMBERS("numberOfClonedVm:int", "inventories:[CloneVmInstanceInventory]")},
	{"ConsoleInventory", MEMBERS("scheme:string", "targetScheme:string", "hostname:string", "port:int",
				     "token:string", "expiredDate:date")},
	{"Datapoint", MEMBERS("value:double", "time:long", "labels:map")},
	{"ForeignDomain",
	 MEMBERS("uuid:string", "name:string", "state:string", "cpuNum:int", "memorySize:long")},
	{"SchedulerJobSchedulerTriggerInventory",
	 MEMBERS("uuid:string", "schedulerJobUuid:string", "schedulerTriggerUuid:string", "createDate:date",
		 "lastOpDate:date")},
	{"FreeIpInventory", MEMBERS("ipRangeUuid:string", "ip:string", "netmask:string", "gateway:string")},
	{"HostDiskCapacity", MEMBERS("hostUuid:string", "totalCapacity:long", "availableCapacity:long",
				     "totalPhysicalCapacity:long", "availablePhysicalCapacity:long")},
	{"ManagementNodeInventory",
	 MEMBERS("uuid:string", "hostName:string", "joinDate:date", "heartBeat:date")},
	{"MetricStruct", MEMBERS("namespace:string", "name:string", "description:string",
				 "labelNames:[string]", "driver:string")},
	{"PlacementRefusal", MEMBERS("hostUuid:string", "name:string", "filter:string", "reason:string")},
	{"QuotaUsage", MEMBERS("name:string", "total:long", "used:long")},
	{"SnapshotLeafInventory", MEMBERS("inventory:VolumeSnapshotInventory", "parentUuid:string",
					  "children:[SnapshotLeafInventory]")},
	{"SpecStep", MEMBERS("operation:string", "target:string", "params:map", "systemTags:[string]",
			     "userTags:[string]")},
	{"TaskProgressInventory",
	 MEMBERS("taskUuid:string", "taskName:string", "type:string", "content:string", "time:long")},
	{"VmStatistics",
	 MEMBERS("uuid:string", "time:long", "cpuSeconds:double", "memoryBytes:long", "diskReadBytes:long",
		 "diskWrittenBytes:long", "diskReads:long", "diskWrites:long", "networkReceivedBytes:long",
		 "networkSentBytes:long", "networkReceivedPackets:long", "networkSentPackets:long")},
	{"VolumeFormatReplyStruct",
	 MEMBERS("format:string", "masterHypervisorType:string", "supportingHypervisorTypes:[string]")},
	{"ZqlQueryReturn", MEMBERS("name:string", "inventories:[map]", "total:long")},
};

/* "inventory:VmInstanceInventory" as a member of @members. */
static void add_member(json_t *members, const char *text)
{
	const char *colon = strchr(text, ':');
	char name[96];

	snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
	openapi_set(members, name, schema_of_type(colon + 1));
}

json_t *openapi_types(const json_t *catalog)
{
	json_t *schemas = json_object();
	const char *name;
	json_t *fields;

	json_object_foreach (json_object_get(catalog, "inventories"), name, fields)
		openapi_set(schemas, name, inventory_schema(fields));
	for (size_t i = 0; i < ARRAY_SIZE(structures); i++) {
		json_t *members = json_object();

		for (const char *const *m = structures[i].members; *m; m++)
			add_member(members, *m);
		openapi_set(schemas, structures[i].name,
			    json_pack("{s:s, s:o}", "type", "object", "properties", members));
	}
	/* Shown once, by the operation that makes the key. */
	add_member(json_object_get(json_object_get(schemas, "AccessKeyInventory"), "properties"),
		   "AccessKeySecret:string");
	/* The manual has a type of its own for these; the pool has one for all L2 networks. */
	openapi_set(schemas, "L2VlanNetworkInventory", openapi_reference("L2NetworkInventory"));
	return schemas;
}

/* ----------------------------------------------------------------- results */

/* What is in lists whose names tell it, as in the manual; others are told by the row of the operation. */
static const char *list_item(const json_t *operation, const char *member)
{
	static const char *const lists[][2] = {
		{"clusters", "ClusterInventory"},
		{"formats", "VolumeFormatReplyStruct"},
		{"hosts", "HostInventory"},
		{"rootVolumePrimaryStorages", "PrimaryStorageInventory"},
		{"zones", "ZoneInventory"},
		{"orders", "string"},
		{"strategies", "string"},
		{"usages", "QuotaUsage"},
		{"steps", "SpecStep"},
		{"ruledOut", "PlacementRefusal"},
		{"failures", "map"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (strcmp(lists[i][0], member) == 0)
			return lists[i][1];
	return strcmp(member, "inventories") == 0 ? operation_text(operation, "item") : NULL;
}

/* A query answers a list of inventories of its kind, and of one object the inventory, too. */
static void add_query_members(json_t *members, const json_t *operation)
{
	char name[128];

	snprintf(name, sizeof(name), "%sInventory", operation_text(operation, "kind"));
	openapi_set(members, "inventories", array_of(name));
	openapi_set(members, "inventory", openapi_reference(name));
	openapi_set(members, "total", typed("integer", "int64"));
}

json_t *openapi_result(const json_t *operation)
{
	json_t *members = json_object(), *result;
	size_t i;

	json_array_foreach (json_object_get(operation, "results"), i, result) {
		const char *text = json_string_value(result), *colon = strchr(text, ':');
		char name[128];

		snprintf(name, sizeof(name), "%.*s", (int)(colon ? colon - text : (long)strlen(text)), text);
		if (colon && strcmp(colon + 1, "List") == 0)
			openapi_set(members, name, array_of(list_item(operation, name)));
		else
			openapi_set(members, name, schema_of_type(colon ? colon + 1 : NULL));
	}
	if (operation_flag(operation, "query"))
		add_query_members(members, operation);
	/* Which class of the manual's server each object in the answer is of. */
	openapi_set(members, "schema", typed("object", NULL));
	return json_pack("{s:s, s:o}", "type", "object", "properties", members);
}
