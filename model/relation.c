/* SPDX-License-Identifier: Apache-2.0 */
/* The table of relations. See relation.h. */
#include "model/relation.h"

#include <string.h>

#include "model/cleanup.h"

#define FORWARD(k, n, t, f)                                                                                  \
	{                                                                                                    \
		.kind = (k), .name = (n), .target = (t), .type = RELATION_FORWARD, .field = (f)              \
	}
#define REVERSE(k, n, t, f)                                                                                  \
	{                                                                                                    \
		.kind = (k), .name = (n), .target = (t), .type = RELATION_REVERSE, .field = (f)              \
	}
#define THROUGH(k, n, t, l, f, lf)                                                                           \
	{                                                                                                    \
		.kind = (k), .name = (n), .target = (t), .type = RELATION_LINK, .link = (l), .field = (f),   \
		.link_field = (lf)                                                                           \
	}

static const struct relation relations[] = {
	REVERSE(KIND_ZONE, "cluster", KIND_CLUSTER, CLUSTER_ZONE_UUID),
	REVERSE(KIND_ZONE, "host", KIND_HOST, HOST_ZONE_UUID),
	REVERSE(KIND_ZONE, "vmInstance", KIND_VM, VM_ZONE_UUID),
	REVERSE(KIND_ZONE, "primaryStorage", KIND_PRIMARY_STORAGE, PRIMARY_STORAGE_ZONE_UUID),
	REVERSE(KIND_ZONE, "l2Network", KIND_L2_NETWORK, L2_ZONE_UUID),
	REVERSE(KIND_ZONE, "l3Network", KIND_L3_NETWORK, L3_ZONE_UUID),
	THROUGH(KIND_ZONE, "backupStorage", KIND_BACKUP_STORAGE, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_ZONE_UUID,
		ZONE_BS_BACKUP_STORAGE_UUID),

	FORWARD(KIND_CLUSTER, "zone", KIND_ZONE, CLUSTER_ZONE_UUID),
	REVERSE(KIND_CLUSTER, "host", KIND_HOST, HOST_CLUSTER_UUID),
	REVERSE(KIND_CLUSTER, "vmInstance", KIND_VM, VM_CLUSTER_UUID),
	THROUGH(KIND_CLUSTER, "primaryStorage", KIND_PRIMARY_STORAGE, KIND_CLUSTER_PRIMARY_STORAGE,
		CLUSTER_PS_CLUSTER_UUID, CLUSTER_PS_PRIMARY_STORAGE_UUID),
	THROUGH(KIND_CLUSTER, "l2Network", KIND_L2_NETWORK, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID,
		CLUSTER_L2_L2_NETWORK_UUID),
	{.kind = KIND_CLUSTER,
	 .name = "l2VlanNetwork",
	 .target = KIND_L2_NETWORK,
	 .type = RELATION_LINK,
	 .link = KIND_CLUSTER_L2_NETWORK,
	 .field = CLUSTER_L2_CLUSTER_UUID,
	 .link_field = CLUSTER_L2_L2_NETWORK_UUID,
	 .only_of_type = "L2VlanNetwork"},

	FORWARD(KIND_HOST, "zone", KIND_ZONE, HOST_ZONE_UUID),
	FORWARD(KIND_HOST, "cluster", KIND_CLUSTER, HOST_CLUSTER_UUID),
	REVERSE(KIND_HOST, "vmInstance", KIND_VM, VM_HOST_UUID),

	FORWARD(KIND_PRIMARY_STORAGE, "zone", KIND_ZONE, PRIMARY_STORAGE_ZONE_UUID),
	THROUGH(KIND_PRIMARY_STORAGE, "cluster", KIND_CLUSTER, KIND_CLUSTER_PRIMARY_STORAGE,
		CLUSTER_PS_PRIMARY_STORAGE_UUID, CLUSTER_PS_CLUSTER_UUID),
	REVERSE(KIND_PRIMARY_STORAGE, "volume", KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID),
	REVERSE(KIND_PRIMARY_STORAGE, "volumeSnapshot", KIND_SNAPSHOT, SNAPSHOT_PRIMARY_STORAGE_UUID),

	THROUGH(KIND_BACKUP_STORAGE, "zone", KIND_ZONE, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID,
		ZONE_BS_ZONE_UUID),
	THROUGH(KIND_BACKUP_STORAGE, "image", KIND_IMAGE, KIND_IMAGE_REF, IMAGE_REF_BACKUP_STORAGE_UUID,
		IMAGE_REF_IMAGE_UUID),

	FORWARD(KIND_L2_NETWORK, "zone", KIND_ZONE, L2_ZONE_UUID),
	THROUGH(KIND_L2_NETWORK, "cluster", KIND_CLUSTER, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID,
		CLUSTER_L2_CLUSTER_UUID),
	REVERSE(KIND_L2_NETWORK, "l3Network", KIND_L3_NETWORK, L3_L2_NETWORK_UUID),

	FORWARD(KIND_L3_NETWORK, "zone", KIND_ZONE, L3_ZONE_UUID),
	FORWARD(KIND_L3_NETWORK, "l2Network", KIND_L2_NETWORK, L3_L2_NETWORK_UUID),
	REVERSE(KIND_L3_NETWORK, "vmNic", KIND_NIC, NIC_L3_UUID),
	REVERSE(KIND_L3_NETWORK, "ipRanges", KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID),

	FORWARD(KIND_IP_RANGE, "l3Network", KIND_L3_NETWORK, IP_RANGE_L3_NETWORK_UUID),

	THROUGH(KIND_IMAGE, "backupStorage", KIND_BACKUP_STORAGE, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID,
		IMAGE_REF_BACKUP_STORAGE_UUID),
	REVERSE(KIND_IMAGE, "backupStorageRefs", KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID),
	REVERSE(KIND_IMAGE, "volume", KIND_VOLUME, VOLUME_ROOT_IMAGE_UUID),

	FORWARD(KIND_IMAGE_REF, "image", KIND_IMAGE, IMAGE_REF_IMAGE_UUID),
	FORWARD(KIND_IMAGE_REF, "backupStorage", KIND_BACKUP_STORAGE, IMAGE_REF_BACKUP_STORAGE_UUID),

	REVERSE(KIND_INSTANCE_OFFERING, "vmInstance", KIND_VM, VM_INSTANCE_OFFERING_UUID),

	REVERSE(KIND_DISK_OFFERING, "volume", KIND_VOLUME, VOLUME_DISK_OFFERING_UUID),

	REVERSE(KIND_VM, "vmNics", KIND_NIC, NIC_VM_UUID),
	REVERSE(KIND_VM, "allVolumes", KIND_VOLUME, VOLUME_VM_UUID),
	FORWARD(KIND_VM, "rootVolume", KIND_VOLUME, VM_ROOT_VOLUME_UUID),
	FORWARD(KIND_VM, "image", KIND_IMAGE, VM_IMAGE_UUID),
	FORWARD(KIND_VM, "instanceOffering", KIND_INSTANCE_OFFERING, VM_INSTANCE_OFFERING_UUID),
	FORWARD(KIND_VM, "host", KIND_HOST, VM_HOST_UUID),
	FORWARD(KIND_VM, "cluster", KIND_CLUSTER, VM_CLUSTER_UUID),
	FORWARD(KIND_VM, "zone", KIND_ZONE, VM_ZONE_UUID),

	FORWARD(KIND_NIC, "vmInstance", KIND_VM, NIC_VM_UUID),
	FORWARD(KIND_NIC, "l3Network", KIND_L3_NETWORK, NIC_L3_UUID),

	FORWARD(KIND_VOLUME, "vmInstance", KIND_VM, VOLUME_VM_UUID),
	REVERSE(KIND_VOLUME, "snapshot", KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID),
	FORWARD(KIND_VOLUME, "diskOffering", KIND_DISK_OFFERING, VOLUME_DISK_OFFERING_UUID),
	FORWARD(KIND_VOLUME, "primaryStorage", KIND_PRIMARY_STORAGE, VOLUME_PRIMARY_STORAGE_UUID),
	FORWARD(KIND_VOLUME, "image", KIND_IMAGE, VOLUME_ROOT_IMAGE_UUID),
	/* its hostUuid: the row of the volume itself says where its files are, and those of its snapshots */
	FORWARD(KIND_VOLUME, "localStorageHostRef", KIND_VOLUME, VOLUME_UUID),

	FORWARD(KIND_SNAPSHOT, "volume", KIND_VOLUME, SNAPSHOT_VOLUME_UUID),
	FORWARD(KIND_SNAPSHOT, "localStorageHostRef", KIND_VOLUME, SNAPSHOT_VOLUME_UUID),
	FORWARD(KIND_SNAPSHOT, "tree", KIND_SNAPSHOT_TREE, SNAPSHOT_TREE_UUID),
	FORWARD(KIND_SNAPSHOT, "primaryStorage", KIND_PRIMARY_STORAGE, SNAPSHOT_PRIMARY_STORAGE_UUID),

	FORWARD(KIND_SNAPSHOT_TREE, "volume", KIND_VOLUME, SNAPTREE_VOLUME_UUID),
	REVERSE(KIND_SNAPSHOT_TREE, "snapshot", KIND_SNAPSHOT, SNAPSHOT_TREE_UUID),

	FORWARD(KIND_SHAREABLE_REF, "volume", KIND_VOLUME, SHAREABLE_REF_VOLUME_UUID),
	FORWARD(KIND_SHAREABLE_REF, "vmInstance", KIND_VM, SHAREABLE_REF_VM_UUID),

	REVERSE(KIND_AFFINITY_GROUP, "usages", KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID),
};

const struct relation *relation_next(const struct kind *kind, const struct relation *previous)
{
	for (const struct relation *r = previous ? previous + 1 : relations;
	     r < relations + ARRAY_SIZE(relations); r++)
		if (r->kind == kind->id)
			return r;
	return NULL;
}

const struct relation *relation_find(const struct kind *kind, const char *name, size_t len)
{
	for (const struct relation *r = NULL; (r = relation_next(kind, r));)
		if (strncmp(r->name, name, len) == 0 && r->name[len] == '\0')
			return r;
	return NULL;
}

static const struct {
	enum kind_id kind;
	const char *name;
} voids[] = {
	{KIND_NIC, "eip"},
	{KIND_NIC, "loadBalancerListener"},
	{KIND_NIC, "portForwarding"},
	{KIND_NIC, "securityGroup"},
	{KIND_L3_NETWORK, "networkServices"},
	{KIND_L3_NETWORK, "serviceProvider"},
};

bool relation_is_void(const struct kind *kind, const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(voids); i++)
		if (voids[i].kind == kind->id && strncmp(voids[i].name, name, len) == 0 &&
		    voids[i].name[len] == '\0')
			return true;
	return false;
}

struct relation relation_inverse(const struct relation *r)
{
	struct relation inverse = *r;

	inverse.kind = r->target;
	inverse.target = r->kind;
	inverse.only_of_type = NULL;
	switch (r->type) {
	case RELATION_FORWARD:
		inverse.type = RELATION_REVERSE;
		break;
	case RELATION_REVERSE:
		inverse.type = RELATION_FORWARD;
		break;
	case RELATION_LINK:
		inverse.field = r->link_field;
		inverse.link_field = r->field;
		break;
	}
	return inverse;
}

bool relation_is_indexed(const struct relation *r)
{
	const struct kind *kind = kind_get(r->type == RELATION_LINK ? r->link : r->target);

	return r->type == RELATION_FORWARD || (kind->fields[r->field].flags & F_INDEX);
}

static const struct object *walk_any(const struct relation *r, const struct view *view,
				     const struct object *from, int64_t *cursor)
{
	const struct object *o = NULL;

	switch (r->type) {
	case RELATION_FORWARD:
		return (*cursor)++ == 0 ? view_get(view, r->target, object_str(from, r->field)) : NULL;
	case RELATION_REVERSE:
		o = view_next_where(view, r->target, r->field, object_uuid(from), *cursor);
		*cursor = o ? o->id : *cursor;
		return o;
	case RELATION_LINK:
		while (!o) {
			const struct object *link =
				view_next_where(view, r->link, r->field, object_uuid(from), *cursor);

			if (!link)
				return NULL;
			*cursor = link->id;
			o = view_get(view, r->target, object_str(link, r->link_field));
		}
		return o;
	}
	return NULL;
}

const struct object *relation_walk(const struct relation *r, const struct view *view,
				   const struct object *from, int64_t *cursor)
{
	const struct object *o = walk_any(r, view, from, cursor);

	while (o && r->only_of_type && !object_str_is(o, kind_field(o->kind, "type"), r->only_of_type))
		o = walk_any(r, view, from, cursor);
	return o;
}
