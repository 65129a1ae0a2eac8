/* SPDX-License-Identifier: Apache-2.0 */
/* See inventory_class.h. */
#include "model/inventory_class.h"

#include <errno.h>
#include <string.h>

#include "model/cleanup.h"

/* Objects whose inventory has another class than their kind: those with this text in one field. */
static const struct {
	enum kind_id kind;
	int field;
	const char *value, *class;
} variants[] = {
	{KIND_HOST, HOST_HYPERVISOR_TYPE, "KVM", "org.zstack.kvm.KVMHostInventory"},
	{KIND_BACKUP_STORAGE, BACKUP_STORAGE_TYPE, "SftpBackupStorage",
	 "org.zstack.storage.backup.sftp.SftpBackupStorageInventory"},
	{KIND_BACKUP_STORAGE, BACKUP_STORAGE_TYPE, "ImageStoreBackupStorage",
	 "org.zstack.storage.backup.imagestore.ImageStoreBackupStorageInventory"},
	{KIND_L2_NETWORK, L2_TYPE, "L2VlanNetwork", "org.zstack.header.network.l2.L2VlanNetworkInventory"},
};

/* Types of results that are no objects of the pool. */
static const struct {
	const char *type, *class;
} structs[] = {
	{"CloneVmInstanceResults", "org.zstack.header.vm.CloneVmInstanceResults"},
	{"CloneVmInstanceInventory", "org.zstack.header.vm.CloneVmInstanceInventory"},
	{"ConsoleInventory", "org.zstack.header.console.ConsoleInventory"},
	{"Datapoint", "org.zstack.zwatch.datatype.Datapoint"},
	{"FreeIpInventory", "org.zstack.header.network.l3.FreeIpInventory"},
	{"HostDiskCapacity",
	 "org.zstack.storage.primary.local.APIGetLocalStorageHostDiskCapacityReply$HostDiskCapacity"},
	{"ManagementNodeInventory", "org.zstack.header.managementnode.ManagementNodeInventory"},
	{"MetricStruct", "org.zstack.zwatch.api.APIGetAllMetricMetadataReply$MetricStruct"},
	{"SchedulerJobSchedulerTriggerInventory",
	 "org.zstack.header.scheduler.SchedulerJobSchedulerTriggerInventory"},
	{"SnapshotLeafInventory",
	 "org.zstack.header.storage.snapshot.VolumeSnapshotTree$SnapshotLeafInventory"},
	{"TaskProgressInventory", "org.zstack.header.core.progress.TaskProgressInventory"},
	{"VolumeFormatReplyStruct",
	 "org.zstack.header.volume.APIGetVolumeFormatReply$VolumeFormatReplyStruct"},
};

/* Members with objects inside, besides the fields of the type FIELD_CHILDREN. */
static const struct {
	const char *type, *member, *inside;
} members[] = {
	{"CloneVmInstanceResults", "inventories", "CloneVmInstanceInventory"},
	{"CloneVmInstanceInventory", "inventory", "VmInstanceInventory"},
	{"VolumeSnapshotTreeInventory", "tree", "SnapshotLeafInventory"},
	{"SnapshotLeafInventory", "inventory", "VolumeSnapshotInventory"},
	{"SnapshotLeafInventory", "children", "SnapshotLeafInventory"},
};

/* The name of a type is the last part of its class. */
static bool names_class(const char *type, const char *class)
{
	const char *last = class ? strrchr(class, '.') : NULL;

	return last && strcmp(last + 1, type) == 0;
}

/* The kind whose inventories have this type; NULL for other types. */
static const struct kind *kind_of_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		if (names_class(type, variants[i].class))
			return kind_get(variants[i].kind);
	for (int kind = KIND_NONE + 1; kind < KIND_COUNT; kind++)
		if (names_class(type, kind_get((enum kind_id)kind)->class))
			return kind_get((enum kind_id)kind);
	return NULL;
}

const char *inventory_class_of(const struct object *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		if (variants[i].kind == o->kind->id && object_str_is(o, variants[i].field, variants[i].value))
			return variants[i].class;
	return o->kind->class;
}

static const char *class_of_json(const struct kind *kind, const json_t *json)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		const char *name = kind->fields[variants[i].field].name, *value;

		if (variants[i].kind != kind->id)
			continue;
		value = json_string_value(json_object_get(json, name));
		if (value && strcmp(value, variants[i].value) == 0)
			return variants[i].class;
	}
	return kind->class;
}

static const char *class_of_struct(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(structs); i++)
		if (strcmp(structs[i].type, type) == 0)
			return structs[i].class;
	return NULL;
}

const char *inventory_class_of_leaf(void)
{
	return class_of_struct("SnapshotLeafInventory");
}

/* Adds what is in the member @name of the object at @path: an object or a list of them. */
static int add_member(json_t *map, const char *path, const char *name, const char *type, const json_t *json)
{
	const json_t *value = json_object_get(json, name);
	bool list = json_is_array(value);
	size_t count = list ? json_array_size(value) : json_object_size(value) > 0;

	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *below = NULL;
		int len = list ? asprintf(&below, "%s.%s[%zu]", path, name, i)
			       : asprintf(&below, "%s.%s", path, name);

		if (len < 0) {
			below = NULL;
			return -ENOMEM;
		}
		if (inventory_schema_add(map, below, type, list ? json_array_get(value, i) : value) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add(json_t *map, const char *path, const char *type, const struct kind *kind, const char *class,
	       const json_t *json)
{
	int r = 0;

	if (!class || !json_is_object(json))
		return 0;
	if (json_object_set_new(map, path, json_string(class)) < 0)
		return -ENOMEM;
	for (int i = 0; kind && i < kind->field_count && r == 0; i++) {
		const struct field *f = &kind->fields[i];
		const char *child = f->type == FIELD_CHILDREN ? kind_get(f->target)->class : NULL;

		if (child)
			r = add_member(map, path, f->name, strrchr(child, '.') + 1, json);
	}
	for (size_t i = 0; i < ARRAY_SIZE(members) && r == 0; i++)
		if (strcmp(members[i].type, type) == 0)
			r = add_member(map, path, members[i].member, members[i].inside, json);
	return r;
}

int inventory_schema_add(json_t *map, const char *path, const char *type, const json_t *json)
{
	const struct kind *kind = kind_of_type(type);

	return add(map, path, type, kind, kind ? class_of_json(kind, json) : class_of_struct(type), json);
}

int inventory_schema_add_object(json_t *map, const char *path, const struct object *o, const json_t *json)
{
	const char *class = inventory_class_of(o);

	return class ? add(map, path, strrchr(class, '.') + 1, o->kind, class, json) : 0;
}
