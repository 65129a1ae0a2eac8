/* SPDX-License-Identifier: Apache-2.0 */
/* See inventory_class.h. */
#include "model/inventory_class.h"

#include <errno.h>
#include <string.h>

#include "model/cleanup.h"

static const char *const classes[KIND_COUNT] = {
	[KIND_ZONE] = "org.zstack.header.zone.ZoneInventory",
	[KIND_CLUSTER] = "org.zstack.header.cluster.ClusterInventory",
	[KIND_HOST] = "org.zstack.header.host.HostInventory",
	[KIND_PRIMARY_STORAGE] = "org.zstack.header.storage.primary.PrimaryStorageInventory",
	[KIND_BACKUP_STORAGE] = "org.zstack.header.storage.backup.BackupStorageInventory",
	[KIND_L2_NETWORK] = "org.zstack.header.network.l2.L2NetworkInventory",
	[KIND_L3_NETWORK] = "org.zstack.header.network.l3.L3NetworkInventory",
	[KIND_IP_RANGE] = "org.zstack.header.network.l3.IpRangeInventory",
	[KIND_IMAGE] = "org.zstack.header.image.ImageInventory",
	[KIND_IMAGE_REF] = "org.zstack.header.image.ImageBackupStorageRefInventory",
	[KIND_INSTANCE_OFFERING] = "org.zstack.header.configuration.InstanceOfferingInventory",
	[KIND_DISK_OFFERING] = "org.zstack.header.configuration.DiskOfferingInventory",
	[KIND_VM] = "org.zstack.header.vm.VmInstanceInventory",
	[KIND_NIC] = "org.zstack.header.vm.VmNicInventory",
	[KIND_VOLUME] = "org.zstack.header.volume.VolumeInventory",
	[KIND_ACCOUNT] = "org.zstack.header.identity.AccountInventory",
	[KIND_SESSION] = "org.zstack.header.identity.SessionInventory",
	[KIND_SYSTEM_TAG] = "org.zstack.header.tag.SystemTagInventory",
	[KIND_USER_TAG] = "org.zstack.header.tag.UserTagInventory",
	[KIND_GLOBAL_CONFIG] = "org.zstack.core.config.GlobalConfigInventory",
	[KIND_SNAPSHOT] = "org.zstack.header.storage.snapshot.VolumeSnapshotInventory",
	[KIND_SNAPSHOT_TREE] = "org.zstack.header.storage.snapshot.VolumeSnapshotTreeInventory",
	[KIND_SHAREABLE_REF] = "org.zstack.mevoco.ShareableVolumeVmInstanceRefInventory",
	[KIND_AFFINITY_GROUP] = "org.zstack.header.affinitygroup.AffinityGroupInventory",
	[KIND_AFFINITY_USAGE] = "org.zstack.header.affinitygroup.AffinityGroupUsageInventory",
	[KIND_SCHEDULER] = "org.zstack.header.core.scheduler.SchedulerInventory",
};

/* Inventories with fields of their own, told by the text of one field. */
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

const char *inventory_class_of_kind(enum kind_id kind)
{
	return classes[kind];
}

const char *inventory_class(const struct object *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		if (variants[i].kind == o->kind->id && object_str_is(o, variants[i].field, variants[i].value))
			return variants[i].class;
	return classes[o->kind->id];
}

int inventory_schema_add(json_t *map, const char *path, const struct view *view, const struct object *o)
{
	const char *class = inventory_class(o);

	if (!class)
		return 0;
	if (json_object_set_new(map, path, json_string(class)) < 0)
		return -ENOMEM;
	for (int i = 0; i < o->kind->field_count; i++) {
		const struct field *f = &o->kind->fields[i];
		int n = 0;

		if (f->type != FIELD_CHILDREN || (f->flags & (F_HIDDEN | F_FILE | F_SECRET)))
			continue;
		view_for_each_where (child, view, f->target, f->target_field, object_uuid(o)) {
			_cleanup_free_ char *below = NULL;

			if (asprintf(&below, "%s.%s[%d]", path, f->name, n++) < 0) {
				below = NULL;
				return -ENOMEM;
			}
			if (inventory_schema_add(map, below, view, child) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}
