/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/random_pool.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "model/cleanup.h"

const struct table tables[] = {
	{KIND_ZONE, 3, {"s:uuid", "s:name", "s:description", "s:state"}},
	{KIND_CLUSTER, 5, {"s:uuid", "s:name", "s:zoneUuid", "s:state"}},
	{KIND_HOST, 8, {"s:uuid", "s:name", "s:zoneUuid", "s:clusterUuid", "s:managementIp", "n:cpuNum"}},
	{KIND_L2_NETWORK, 4, {"s:uuid", "s:name", "s:zoneUuid", "n:vlan", "s:type"}},
	{KIND_CLUSTER_L2_NETWORK, 8, {"s:uuid", "s:clusterUuid", "s:l2NetworkUuid"}},
	{KIND_L3_NETWORK, 5, {"s:uuid", "s:name", "s:l2NetworkUuid", "s:zoneUuid", "b:system"}},
	{KIND_VM,
	 70,
	 {"s:uuid", "s:name", "s:description", "s:zoneUuid", "s:clusterUuid", "s:hostUuid",
	  "s:rootVolumeUuid", "s:state", "n:cpuNum", "n:memorySize", "d:createDate", "d:lastOpDate"}},
	{KIND_NIC,
	 60,
	 {"s:uuid", "s:vmInstanceUuid", "s:l3NetworkUuid", "s:ip", "n:deviceId", "d:createDate"}},
	{KIND_VOLUME,
	 60,
	 {"s:uuid", "s:name", "s:vmInstanceUuid", "n:size", "b:isShareable", "s:status", "d:createDate",
	  "n:deviceId"}},
	{KIND_USER_TAG, 50, {"s:uuid", "s:resourceUuid", "s:tag"}},
	{KIND_SYSTEM_TAG, 50, {"s:uuid", "s:resourceUuid", "s:tag"}},
};

const size_t table_count = ARRAY_SIZE(tables);

const struct join joins[] = {
	{KIND_ZONE, "cluster", KIND_CLUSTER, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "host", KIND_HOST, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "vmInstance", KIND_VM, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "l2Network", KIND_L2_NETWORK, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_ZONE, "l3Network", KIND_L3_NETWORK, "uuid", "zoneUuid", 0, 0, 0},
	{KIND_CLUSTER, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_CLUSTER, "host", KIND_HOST, "uuid", "clusterUuid", 0, 0, 0},
	{KIND_CLUSTER, "vmInstance", KIND_VM, "uuid", "clusterUuid", 0, 0, 0},
	{KIND_CLUSTER, "l2Network", KIND_L2_NETWORK, "uuid", "uuid", KIND_CLUSTER_L2_NETWORK, "clusterUuid",
	 "l2NetworkUuid"},
	{KIND_HOST, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_HOST, "cluster", KIND_CLUSTER, "clusterUuid", "uuid", 0, 0, 0},
	{KIND_HOST, "vmInstance", KIND_VM, "uuid", "hostUuid", 0, 0, 0},
	{KIND_L2_NETWORK, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_L2_NETWORK, "cluster", KIND_CLUSTER, "uuid", "uuid", KIND_CLUSTER_L2_NETWORK, "l2NetworkUuid",
	 "clusterUuid"},
	{KIND_L2_NETWORK, "l3Network", KIND_L3_NETWORK, "uuid", "l2NetworkUuid", 0, 0, 0},
	{KIND_L3_NETWORK, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_L3_NETWORK, "l2Network", KIND_L2_NETWORK, "l2NetworkUuid", "uuid", 0, 0, 0},
	{KIND_L3_NETWORK, "vmNic", KIND_NIC, "uuid", "l3NetworkUuid", 0, 0, 0},
	{KIND_VM, "vmNics", KIND_NIC, "uuid", "vmInstanceUuid", 0, 0, 0},
	{KIND_VM, "allVolumes", KIND_VOLUME, "uuid", "vmInstanceUuid", 0, 0, 0},
	{KIND_VM, "rootVolume", KIND_VOLUME, "rootVolumeUuid", "uuid", 0, 0, 0},
	{KIND_VM, "host", KIND_HOST, "hostUuid", "uuid", 0, 0, 0},
	{KIND_VM, "cluster", KIND_CLUSTER, "clusterUuid", "uuid", 0, 0, 0},
	{KIND_VM, "zone", KIND_ZONE, "zoneUuid", "uuid", 0, 0, 0},
	{KIND_NIC, "vmInstance", KIND_VM, "vmInstanceUuid", "uuid", 0, 0, 0},
	{KIND_NIC, "l3Network", KIND_L3_NETWORK, "l3NetworkUuid", "uuid", 0, 0, 0},
	{KIND_VOLUME, "vmInstance", KIND_VM, "vmInstanceUuid", "uuid", 0, 0, 0},
};

const size_t join_count = ARRAY_SIZE(joins);

json_t *rows_of[KIND_COUNT];
struct view *view;

const struct table *table_of(enum kind_id kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (tables[i].kind == kind)
			return &tables[i];
	return NULL;
}

const char *some_text(void)
{
	static const char *const texts[] = {"web",    "Web ", "WEB-1", "db%",	  "a_b",     "it's",
					    "云主机", "x\"y", "",      "a,b",	  "null",    "web  x",
					    "ab",     "AAB",  "a.b=c", "Running", "Stopped", "RUNNING"};
	return pick_of(texts);
}

const char *uuid_name(enum kind_id kind, unsigned n)
{
	static char ring[8][32];
	static unsigned next;
	char *text = ring[next++ % 8];

	snprintf(text, sizeof(ring[0]), "%s-%u", kind_get(kind)->table, n);
	return text;
}

static enum kind_id kind_of_column(const char *column)
{
	if (strcmp(column, "zoneUuid") == 0)
		return KIND_ZONE;
	if (strcmp(column, "clusterUuid") == 0)
		return KIND_CLUSTER;
	if (strcmp(column, "hostUuid") == 0)
		return KIND_HOST;
	if (strcmp(column, "rootVolumeUuid") == 0)
		return KIND_VOLUME;
	if (strcmp(column, "vmInstanceUuid") == 0)
		return KIND_VM;
	if (strcmp(column, "l2NetworkUuid") == 0)
		return KIND_L2_NETWORK;
	return strcmp(column, "l3NetworkUuid") == 0 ? KIND_L3_NETWORK : KIND_NONE;
}

static json_t *random_value(char type, const char *column)
{
	static const enum kind_id tagged[] = {KIND_VM, KIND_NIC, KIND_ZONE, KIND_HOST, KIND_VOLUME};
	static const json_int_t numbers[] = {0,	   1,	 2,	  3,  10,	 12,
					     1024, 4096, 1048576, -3, INT64_MAX, INT64_MIN};
	enum kind_id target = kind_of_column(column);

	if (strcmp(column, "resourceUuid") == 0)
		target = pick_of(tagged);
	if (pick(6) == 0)
		return json_null();
	if (target) /* some refer to nothing */
		return json_string(uuid_name(target, pick((size_t)table_of(target)->rows + 1)));
	switch (type) {
	case 'n':
		return json_integer(pick_of(numbers));
	case 'd': /* seconds; the engine gets some nanoseconds more */
		return json_integer(1510698050 + (json_int_t)pick(10));
	case 'b':
		return json_boolean(pick(2));
	default:
		return json_string(some_text());
	}
}

void make_pool(void)
{
	view = view_new();
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		enum kind_id kind = tables[t].kind;

		rows_of[kind] = json_array();
		for (int n = 0; n < tables[t].rows; n++) {
			struct object *o = object_new(kind_get(kind));
			json_t *row = json_object();

			o->id = 3 * n + 1;
			for (const char *const *c = tables[t].columns; *c; c++) {
				const char *name = *c + 2;
				int field = kind_field(kind_get(kind), name);
				json_t *value = strcmp(name, "uuid") == 0
							? json_string(uuid_name(kind, (unsigned)n))
							: random_value(**c, name);

				assert_true(field >= 0);
				json_object_set_new(row, name, value);
				if (json_is_string(value))
					object_set_str(o, field, json_string_value(value));
				else if (json_is_boolean(value))
					object_set_int(o, field, json_is_true(value));
				else if (json_is_integer(value))
					object_set_int(o, field,
						       **c == 'd' ? json_integer_value(value) * NS_PER_S +
									    pick(999999999)
								  : json_integer_value(value));
			}
			json_array_append_new(rows_of[kind], row);
			assert_int_equal(view_put(view, o), 0);
			object_unref(o);
		}
	}
}

void free_pool(void)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		json_decref(rows_of[k]);
		rows_of[k] = NULL;
	}
	view_unref(view);
}
