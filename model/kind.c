/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds. See kind.h for how to add one. */
#include "model/kind.h"

#include <string.h>

#include "model/cleanup.h"

#define FIELD_ROW(P, ID, key, ftype, fflags, ftarget, ftarget_field, fvalue_field, fhelp)                    \
	[P##_##ID] = {.name = (key),                                                                         \
		      .type = (ftype),                                                                       \
		      .flags = (fflags),                                                                     \
		      .target = (ftarget),                                                                   \
		      .target_field = (ftarget_field),                                                       \
		      .value_field = (fvalue_field),                                                         \
		      .help = (fhelp)},

/* Lists such as `vmNics` name fields of kinds further down; with enumerators the order does not matter. */
#define FIELD_TABLE(LIST)                                                                                    \
	(const struct field[])                                                                               \
	{                                                                                                    \
		LIST(FIELD_ROW)                                                                              \
	}

/* One row. The owner is a parameter, so a row without it does not compile. */
#define KIND(kid, kname, kclass, ktable, kdirectory, knoun, kflags, LIST, NAME, CREATE, LASTOP, END, KOWNER, \
	     OWNER_FIELD)                                                                                    \
	[kid] = {.id = (kid),                                                                                \
		 .name = (kname),                                                                            \
		 .vo = kname "VO",                                                                           \
		 .table = (ktable),                                                                          \
		 .directory = (kdirectory),                                                                  \
		 .noun = (knoun),                                                                            \
		 .class = (kclass),                                                                          \
		 .flags = (kflags) | ((kdirectory) ? K_DIRECTORY : 0) | ((LASTOP) >= 0 ? K_LASTOP : 0),      \
		 .owner = (KOWNER),                                                                          \
		 .owner_field = (OWNER_FIELD),                                                               \
		 .fields = FIELD_TABLE(LIST),                                                                \
		 .field_count = (int)(sizeof(FIELD_TABLE(LIST)) / sizeof(struct field)),                     \
		 .name_field = (NAME),                                                                       \
		 .create_date_field = (CREATE),                                                              \
		 .last_op_field = (LASTOP),                                                                  \
		 .end_field = (END)}

/* A kind with a name and both dates; one without a name; a link between two objects; internal records. */
#define NAMED(kid, kname, kclass, table, dir, noun, LIST, P, KOWNER, OWNER_FIELD)                            \
	KIND(kid, kname, kclass, table, dir, noun, 0, LIST, P##_NAME, P##_CREATE_DATE, P##_LAST_OP_DATE, -1, \
	     KOWNER, OWNER_FIELD)
#define DATED(kid, kname, kclass, table, dir, noun, LIST, P, KOWNER, OWNER_FIELD)                            \
	KIND(kid, kname, kclass, table, dir, noun, 0, LIST, -1, P##_CREATE_DATE, P##_LAST_OP_DATE, -1,       \
	     KOWNER, OWNER_FIELD)
#define LINK(kid, kname, table, LIST, KOWNER, OWNER_FIELD)                                                   \
	KIND(kid, kname, NULL, table, NULL, "link", 0, LIST, -1, -1, -1, -1, KOWNER, OWNER_FIELD)
#define INTERNAL(kid, kname, table, LIST, KOWNER, OWNER_FIELD)                                               \
	KIND(kid, kname, NULL, table, NULL, "link", K_NO_EVENTS, LIST, -1, -1, -1, -1, KOWNER, OWNER_FIELD)

static const struct kind kinds[KIND_COUNT] = {
	[KIND_NONE] = {.id = KIND_NONE,
		       .name = "",
		       .vo = "",
		       .table = "",
		       .noun = "",
		       .name_field = -1,
		       .create_date_field = -1,
		       .last_op_field = -1,
		       .end_field = -1},
	NAMED(KIND_ZONE, "Zone", "org.zstack.header.zone.ZoneInventory", "zone", "zones", "zone", ZONE_FIELDS,
	      ZONE, OWNER_PUBLIC, -1),
	NAMED(KIND_CLUSTER, "Cluster", "org.zstack.header.cluster.ClusterInventory", "cluster", "clusters",
	      "cluster", CLUSTER_FIELDS, CLUSTER, OWNER_PUBLIC, -1),
	NAMED(KIND_HOST, "Host", "org.zstack.header.host.HostInventory", "host", "hosts", "host", HOST_FIELDS,
	      HOST, OWNER_PUBLIC, -1),
	NAMED(KIND_PRIMARY_STORAGE, "PrimaryStorage",
	      "org.zstack.header.storage.primary.PrimaryStorageInventory", "primary_storage",
	      "primary-storage", "primary storage", PRIMARY_STORAGE_FIELDS, PRIMARY_STORAGE, OWNER_PUBLIC,
	      -1),
	NAMED(KIND_BACKUP_STORAGE, "BackupStorage", "org.zstack.header.storage.backup.BackupStorageInventory",
	      "backup_storage", "backup-storage", "backup storage", BACKUP_STORAGE_FIELDS, BACKUP_STORAGE,
	      OWNER_PUBLIC, -1),
	NAMED(KIND_L2_NETWORK, "L2Network", "org.zstack.header.network.l2.L2NetworkInventory", "l2_network",
	      "l2-networks", "L2 network", L2_FIELDS, L2, OWNER_PUBLIC, -1),
	NAMED(KIND_L3_NETWORK, "L3Network", "org.zstack.header.network.l3.L3NetworkInventory", "l3_network",
	      "l3-networks", "L3 network", L3_FIELDS, L3, OWNER_SHAREABLE, L3_ACCOUNT_UUID),
	NAMED(KIND_IP_RANGE, "IpRange", "org.zstack.header.network.l3.IpRangeInventory", "ip_range",
	      "l3-networks/ip-ranges", "IP range", IP_RANGE_FIELDS, IP_RANGE, OWNER_PARENT,
	      IP_RANGE_L3_NETWORK_UUID),
	LINK(KIND_L3_DNS, "L3NetworkDns", "l3_dns", L3_DNS_FIELDS, OWNER_PARENT, L3_DNS_L3_NETWORK_UUID),
	NAMED(KIND_IMAGE, "Image", "org.zstack.header.image.ImageInventory", "image", "images", "image",
	      IMAGE_FIELDS, IMAGE, OWNER_SHAREABLE, IMAGE_ACCOUNT_UUID),
	DATED(KIND_IMAGE_REF, "ImageBackupStorageRef",
	      "org.zstack.header.image.ImageBackupStorageRefInventory", "image_ref", NULL, "copy of an image",
	      IMAGE_REF_FIELDS, IMAGE_REF, OWNER_PARENT, IMAGE_REF_IMAGE_UUID),
	DATED(KIND_IMAGE_CACHE, "ImageCache", NULL, "image_cache", NULL, "cached image", IMAGE_CACHE_FIELDS,
	      IMAGE_CACHE, OWNER_ADMIN, -1),
	NAMED(KIND_INSTANCE_OFFERING, "InstanceOffering",
	      "org.zstack.header.configuration.InstanceOfferingInventory", "instance_offering",
	      "instance-offerings", "instance offering", INSTANCE_OFFERING_FIELDS, INSTANCE_OFFERING,
	      OWNER_SHAREABLE, INSTANCE_OFFERING_ACCOUNT_UUID),
	NAMED(KIND_DISK_OFFERING, "DiskOffering", "org.zstack.header.configuration.DiskOfferingInventory",
	      "disk_offering", "disk-offerings", "disk offering", DISK_OFFERING_FIELDS, DISK_OFFERING,
	      OWNER_SHAREABLE, DISK_OFFERING_ACCOUNT_UUID),
	NAMED(KIND_VM, "VmInstance", "org.zstack.header.vm.VmInstanceInventory", "vm", "vm-instances", "VM",
	      VM_FIELDS, VM, OWNER_SHAREABLE, VM_ACCOUNT_UUID),
	DATED(KIND_NIC, "VmNic", "org.zstack.header.vm.VmNicInventory", "nic", "vm-instances/nics", "NIC",
	      NIC_FIELDS, NIC, OWNER_PARENT, NIC_VM_UUID),
	NAMED(KIND_VOLUME, "Volume", "org.zstack.header.volume.VolumeInventory", "volume", "volumes",
	      "volume", VOLUME_FIELDS, VOLUME, OWNER_SHAREABLE, VOLUME_ACCOUNT_UUID),
	KIND(KIND_JOB, "Job", NULL, "job", "api-jobs", "job", 0, JOB_FIELDS, -1, JOB_CREATED, -1,
	     JOB_FINISHED, OWNER_ACCOUNT, JOB_ACCOUNT_UUID),
	NAMED(KIND_ACCOUNT, "Account", "org.zstack.header.identity.AccountInventory", "account", "accounts",
	      "account", ACCOUNT_FIELDS, ACCOUNT, OWNER_ACCOUNT, FIELD_UUID),
	KIND(KIND_SESSION, "Session", "org.zstack.header.identity.SessionInventory", "session", NULL,
	     "session", K_NO_EVENTS, SESSION_FIELDS, -1, SESSION_CREATE_DATE, -1, -1, OWNER_ACCOUNT,
	     SESSION_ACCOUNT_UUID),
	DATED(KIND_SYSTEM_TAG, "SystemTag", "org.zstack.header.tag.SystemTagInventory", "system_tag",
	      "system-tags", "system tag", SYSTEM_TAG_FIELDS, SYSTEM_TAG, OWNER_PARENT,
	      SYSTEM_TAG_RESOURCE_UUID),
	DATED(KIND_USER_TAG, "UserTag", "org.zstack.header.tag.UserTagInventory", "user_tag", "user-tags",
	      "user tag", USER_TAG_FIELDS, USER_TAG, OWNER_PARENT, USER_TAG_RESOURCE_UUID),
	KIND(KIND_GLOBAL_CONFIG, "GlobalConfig", "org.zstack.core.config.GlobalConfigInventory",
	     "global_config", "global-configurations", "setting", 0, GLOBAL_CONFIG_FIELDS, GLOBAL_CONFIG_NAME,
	     -1, -1, -1, OWNER_PUBLIC, -1),
	LINK(KIND_CLUSTER_PRIMARY_STORAGE, "PrimaryStorageClusterRef", "cluster_primary_storage",
	     CLUSTER_PS_FIELDS, OWNER_PUBLIC, -1),
	LINK(KIND_CLUSTER_L2_NETWORK, "L2NetworkClusterRef", "cluster_l2_network", CLUSTER_L2_FIELDS,
	     OWNER_PUBLIC, -1),
	LINK(KIND_ZONE_BACKUP_STORAGE, "BackupStorageZoneRef", "zone_backup_storage", ZONE_BS_FIELDS,
	     OWNER_PUBLIC, -1),
	NAMED(KIND_SNAPSHOT, "VolumeSnapshot", "org.zstack.header.storage.snapshot.VolumeSnapshotInventory",
	      "volume_snapshot", "volume-snapshots", "snapshot", SNAPSHOT_FIELDS, SNAPSHOT, OWNER_SHAREABLE,
	      SNAPSHOT_ACCOUNT_UUID),
	DATED(KIND_SNAPSHOT_TREE, "VolumeSnapshotTree",
	      "org.zstack.header.storage.snapshot.VolumeSnapshotTreeInventory", "volume_snapshot_tree",
	      "volume-snapshots/trees", "snapshot tree", SNAPTREE_FIELDS, SNAPTREE, OWNER_PARENT,
	      SNAPTREE_VOLUME_UUID),
	DATED(KIND_SHAREABLE_REF, "ShareableVolumeVmInstanceRef",
	      "org.zstack.mevoco.ShareableVolumeVmInstanceRefInventory", "shareable_ref",
	      "volumes/vm-instances/refs", "attachment", SHAREABLE_REF_FIELDS, SHAREABLE_REF, OWNER_PARENT,
	      SHAREABLE_REF_VOLUME_UUID),
	NAMED(KIND_AFFINITY_GROUP, "AffinityGroup", "org.zstack.header.affinitygroup.AffinityGroupInventory",
	      "affinity_group", "affinity-groups", "affinity group", AFFINITY_GROUP_FIELDS, AFFINITY_GROUP,
	      OWNER_SHAREABLE, AFFINITY_GROUP_ACCOUNT_UUID),
	DATED(KIND_AFFINITY_USAGE, "AffinityGroupUsage",
	      "org.zstack.header.affinitygroup.AffinityGroupUsageInventory", "affinity_usage", NULL,
	      "membership", AFFINITY_USAGE_FIELDS, AFFINITY_USAGE, OWNER_PARENT, AFFINITY_USAGE_GROUP_UUID),
	NAMED(KIND_SCHEDULER, "Scheduler", "org.zstack.header.core.scheduler.SchedulerInventory", "scheduler",
	      "schedulers", "scheduler", SCHEDULER_FIELDS, SCHEDULER, OWNER_SHAREABLE,
	      SCHEDULER_ACCOUNT_UUID),
	INTERNAL(KIND_ORPHAN_FILE, "OrphanFile", "loose_file", ORPHAN_FILE_FIELDS, OWNER_ADMIN, -1),
	INTERNAL(KIND_SPEC, "Spec", "spec", SPEC_FIELDS, OWNER_ADMIN, -1),
	INTERNAL(KIND_QUEUE_REF, "JobQueueRef", "job_queue_ref", QUEUE_REF_FIELDS, OWNER_ADMIN, -1),
	DATED(KIND_SHARED_RESOURCE, "SharedResource", "org.zstack.header.identity.SharedResourceInventory",
	      "shared_resource", "accounts/resources", "share", SHARED_FIELDS, SHARED, OWNER_ACCOUNT,
	      SHARED_OWNER_UUID),
	NAMED(KIND_QUOTA, "Quota", "org.zstack.header.identity.QuotaInventory", "quota", "accounts/quotas",
	      "quota", QUOTA_FIELDS, QUOTA, OWNER_ACCOUNT, QUOTA_IDENTITY_UUID),
	DATED(KIND_RESOURCE_REF, "AccountResourceRef",
	      "org.zstack.header.identity.AccountResourceRefInventory", "account_resource_ref", NULL,
	      "owned object", RESOURCE_REF_FIELDS, RESOURCE_REF, OWNER_ACCOUNT, RESOURCE_REF_ACCOUNT_UUID),
	DATED(KIND_ACCESS_KEY, "AccessKey", "org.zstack.accessKey.AccessKeyInventory", "access_key",
	      "accounts/access-keys", "access key", ACCESS_KEY_FIELDS, ACCESS_KEY, OWNER_ACCOUNT,
	      ACCESS_KEY_ACCOUNT_UUID),
	INTERNAL(KIND_IMAGE_EXPORT, "ImageExport", "image_export", IMAGE_EXPORT_FIELDS, OWNER_ADMIN, -1),
	NAMED(KIND_TAG_PATTERN, "TagPattern", "org.zstack.header.tag.TagPatternInventory", "tag_pattern",
	      "tags", "resource tag", TAG_PATTERN_FIELDS, TAG_PATTERN, OWNER_SHAREABLE,
	      TAG_PATTERN_ACCOUNT_UUID),
	NAMED(KIND_SCHEDULER_JOB, "SchedulerJob", "org.zstack.header.scheduler.SchedulerJobInventory",
	      "scheduler_job", "schedulers/jobs", "scheduler job", SCHED_JOB_FIELDS, SCHED_JOB,
	      OWNER_SHAREABLE, SCHED_JOB_ACCOUNT_UUID),
	NAMED(KIND_SCHEDULER_TRIGGER, "SchedulerTrigger",
	      "org.zstack.header.scheduler.SchedulerTriggerInventory", "scheduler_trigger",
	      "schedulers/triggers", "scheduler trigger", TRIGGER_FIELDS, TRIGGER, OWNER_SHAREABLE,
	      TRIGGER_ACCOUNT_UUID),
	NAMED(KIND_LONG_JOB, "LongJob", "org.zstack.header.longjob.LongJobInventory", "long_job", NULL,
	      "long job", LONG_JOB_FIELDS, LONG_JOB, OWNER_ACCOUNT, LONG_JOB_ACCOUNT_UUID),
	INTERNAL(KIND_CONSOLE_ACCESS, "ConsoleAccess", "console_access", CONSOLE_ACCESS_FIELDS, OWNER_ADMIN,
		 -1),
};

const struct kind *kind_get(enum kind_id id)
{
	return &kinds[id];
}

const struct kind *kind_by_directory(const char *directory)
{
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].directory && strcmp(kinds[i].directory, directory) == 0)
			return &kinds[i];
	return NULL;
}

const struct kind *kind_by_name(const char *name)
{
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0 || strcmp(kinds[i].vo, name) == 0)
			return &kinds[i];
	return NULL;
}

int error_gone(struct error *e, enum kind_id kind, const char *uuid)
{
	return error_set(e, ENOENT, "%s '%s' is gone", kind_get(kind)->noun, uuid ? uuid : "");
}

int kind_field(const struct kind *kind, const char *name)
{
	for (int i = 0; i < kind->field_count; i++)
		if (strcmp(kind->fields[i].name, name) == 0)
			return i;
	return -1;
}
