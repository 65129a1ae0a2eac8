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

/* The list `vmNics` and its like name fields of kinds further down; enumerators make that order harmless. */
#define FIELD_TABLE(LIST)                                                                                    \
	(const struct field[])                                                                               \
	{                                                                                                    \
		LIST(FIELD_ROW)                                                                              \
	}

#define KIND(kid, kname, ktable, kdirectory, knoun, kflags, LIST, NAME, CREATE, LASTOP)                      \
	[kid] = {.id = (kid),                                                                                \
		 .name = (kname),                                                                            \
		 .vo = kname "VO",                                                                           \
		 .table = (ktable),                                                                          \
		 .directory = (kdirectory),                                                                  \
		 .noun = (knoun),                                                                            \
		 .flags = (kflags) | ((kdirectory) ? K_DIRECTORY : 0) | ((LASTOP) >= 0 ? K_LASTOP : 0),      \
		 .fields = FIELD_TABLE(LIST),                                                                \
		 .field_count = (int)(sizeof(FIELD_TABLE(LIST)) / sizeof(struct field)),                     \
		 .name_field = (NAME),                                                                       \
		 .create_date_field = (CREATE),                                                              \
		 .last_op_field = (LASTOP)}

/* A kind with name and both dates; without a name; a plain link between two objects. */
#define NAMED(kid, kname, table, dir, noun, LIST, P)                                                         \
	KIND(kid, kname, table, dir, noun, 0, LIST, P##_NAME, P##_CREATE_DATE, P##_LAST_OP_DATE)
#define DATED(kid, kname, table, dir, noun, LIST, P)                                                         \
	KIND(kid, kname, table, dir, noun, 0, LIST, -1, P##_CREATE_DATE, P##_LAST_OP_DATE)
#define LINK(kid, kname, table, LIST) KIND(kid, kname, table, NULL, "link", 0, LIST, -1, -1, -1)

static const struct kind kinds[KIND_COUNT] = {
	[KIND_NONE] = {.id = KIND_NONE,
		       .name = "",
		       .vo = "",
		       .table = "",
		       .noun = "",
		       .name_field = -1,
		       .create_date_field = -1,
		       .last_op_field = -1},
	NAMED(KIND_ZONE, "Zone", "zone", "zones", "zone", ZONE_FIELDS, ZONE),
	NAMED(KIND_CLUSTER, "Cluster", "cluster", "clusters", "cluster", CLUSTER_FIELDS, CLUSTER),
	NAMED(KIND_HOST, "Host", "host", "hosts", "host", HOST_FIELDS, HOST),
	NAMED(KIND_PRIMARY_STORAGE, "PrimaryStorage", "primary_storage", "primary-storage", "primary storage",
	      PRIMARY_STORAGE_FIELDS, PRIMARY_STORAGE),
	NAMED(KIND_BACKUP_STORAGE, "BackupStorage", "backup_storage", "backup-storage", "backup storage",
	      BACKUP_STORAGE_FIELDS, BACKUP_STORAGE),
	NAMED(KIND_L2_NETWORK, "L2Network", "l2_network", "l2-networks", "L2 network", L2_FIELDS, L2),
	NAMED(KIND_L3_NETWORK, "L3Network", "l3_network", "l3-networks", "L3 network", L3_FIELDS, L3),
	NAMED(KIND_IP_RANGE, "IpRange", "ip_range", "l3-networks/ip-ranges", "IP range", IP_RANGE_FIELDS,
	      IP_RANGE),
	LINK(KIND_L3_DNS, "L3NetworkDns", "l3_dns", L3_DNS_FIELDS),
	NAMED(KIND_IMAGE, "Image", "image", "images", "image", IMAGE_FIELDS, IMAGE),
	DATED(KIND_IMAGE_REF, "ImageBackupStorageRef", "image_ref", NULL, "copy of an image",
	      IMAGE_REF_FIELDS, IMAGE_REF),
	DATED(KIND_IMAGE_CACHE, "ImageCache", "image_cache", NULL, "cached image", IMAGE_CACHE_FIELDS,
	      IMAGE_CACHE),
	NAMED(KIND_INSTANCE_OFFERING, "InstanceOffering", "instance_offering", "instance-offerings",
	      "instance offering", INSTANCE_OFFERING_FIELDS, INSTANCE_OFFERING),
	NAMED(KIND_DISK_OFFERING, "DiskOffering", "disk_offering", "disk-offerings", "disk offering",
	      DISK_OFFERING_FIELDS, DISK_OFFERING),
	NAMED(KIND_VM, "VmInstance", "vm", "vm-instances", "VM", VM_FIELDS, VM),
	DATED(KIND_NIC, "VmNic", "nic", "vm-instances/nics", "NIC", NIC_FIELDS, NIC),
	NAMED(KIND_VOLUME, "Volume", "volume", "volumes", "volume", VOLUME_FIELDS, VOLUME),
	KIND(KIND_JOB, "Job", "job", "api-jobs", "job", 0, JOB_FIELDS, -1, JOB_CREATED, -1),
	NAMED(KIND_ACCOUNT, "Account", "account", "accounts", "account", ACCOUNT_FIELDS, ACCOUNT),
	KIND(KIND_SESSION, "Session", "session", NULL, "session", 0, SESSION_FIELDS, -1, SESSION_CREATE_DATE,
	     -1),
	DATED(KIND_SYSTEM_TAG, "SystemTag", "system_tag", "system-tags", "system tag", SYSTEM_TAG_FIELDS,
	      SYSTEM_TAG),
	DATED(KIND_USER_TAG, "UserTag", "user_tag", "user-tags", "user tag", USER_TAG_FIELDS, USER_TAG),
	KIND(KIND_GLOBAL_CONFIG, "GlobalConfig", "global_config", "global-configurations", "setting", 0,
	     GLOBAL_CONFIG_FIELDS, GLOBAL_CONFIG_NAME, -1, -1),
	LINK(KIND_CLUSTER_PRIMARY_STORAGE, "PrimaryStorageClusterRef", "cluster_primary_storage",
	     CLUSTER_PS_FIELDS),
	LINK(KIND_CLUSTER_L2_NETWORK, "L2NetworkClusterRef", "cluster_l2_network", CLUSTER_L2_FIELDS),
	LINK(KIND_ZONE_BACKUP_STORAGE, "BackupStorageZoneRef", "zone_backup_storage", ZONE_BS_FIELDS),
	NAMED(KIND_SNAPSHOT, "VolumeSnapshot", "volume_snapshot", "volume-snapshots", "snapshot",
	      SNAPSHOT_FIELDS, SNAPSHOT),
	DATED(KIND_SNAPSHOT_TREE, "VolumeSnapshotTree", "volume_snapshot_tree", "volume-snapshots/trees",
	      "snapshot tree", SNAPTREE_FIELDS, SNAPTREE),
	DATED(KIND_SHAREABLE_REF, "ShareableVolumeVmInstanceRef", "shareable_ref",
	      "volumes/vm-instances/refs", "attachment", SHAREABLE_REF_FIELDS, SHAREABLE_REF),
	NAMED(KIND_AFFINITY_GROUP, "AffinityGroup", "affinity_group", "affinity-groups", "affinity group",
	      AFFINITY_GROUP_FIELDS, AFFINITY_GROUP),
	DATED(KIND_AFFINITY_USAGE, "AffinityGroupUsage", "affinity_usage", NULL, "membership",
	      AFFINITY_USAGE_FIELDS, AFFINITY_USAGE),
	NAMED(KIND_SCHEDULER, "Scheduler", "scheduler", "schedulers", "scheduler", SCHEDULER_FIELDS,
	      SCHEDULER),
	LINK(KIND_LOOSE_FILE, "LooseFile", "loose_file", LOOSE_FILE_FIELDS),
	LINK(KIND_SPEC, "Spec", "spec", SPEC_FIELDS),
	LINK(KIND_QUEUE_REF, "JobQueueRef", "job_queue_ref", QUEUE_REF_FIELDS),
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

int kind_field(const struct kind *kind, const char *name)
{
	for (int i = 0; i < kind->field_count; i++)
		if (strcmp(kind->fields[i].name, name) == 0)
			return i;
	return -1;
}
