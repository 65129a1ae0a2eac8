/* SPDX-License-Identifier: Apache-2.0 */
/* See adopted.h. */
#include "actions/vm/adopted.h"

#include "hypervisor/domain/survey.h"

int vm_tell_adopted(const struct view *view, const struct object *vm, struct error *e)
{
	struct hv_adopted_disk disks[SURVEY_DISKS];
	struct hv_adopted_nic nics[SURVEY_NICS];
	size_t disk_count = 0, nic_count = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm)) {
		struct hv_adopted_disk *disk = &disks[disk_count];

		/* volumes that were attached since are not of that time */
		if (!object_str(volume, VOLUME_DOMAIN_TARGET) || disk_count == SURVEY_DISKS)
			continue;
		snprintf(disk->volume, sizeof(disk->volume), "%s", object_uuid(volume));
		snprintf(disk->target, sizeof(disk->target), "%s", object_text(volume, VOLUME_DOMAIN_TARGET));
		disk_count++;
	}
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, object_uuid(vm)) {
		if (nic_count == SURVEY_NICS)
			break;
		nics[nic_count].device_id = (int)object_int(nic, NIC_DEVICE_ID);
		snprintf(nics[nic_count].mac, sizeof(nics[nic_count].mac), "%s", object_text(nic, NIC_MAC));
		nic_count++;
	}
	return hv_adopt_domain(object_uuid(vm), disks, disk_count, nics, nic_count, e);
}

int vm_tell_all_adopted(const struct view *view, struct error *e)
{
	view_for_each (vm, view, KIND_VM) {
		int r = object_str(vm, VM_DOMAIN_NAME) ? vm_tell_adopted(view, vm, e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int vm_put_own_domain(struct txn *t, const char *uuid, struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, uuid), *volume;
	struct object *copy;
	int64_t after = 0;
	int r;

	if (!vm || !object_str(vm, VM_DOMAIN_NAME))
		return 0;
	copy = object_copy(vm);
	object_set_null(copy, VM_DOMAIN_NAME);
	r = txn_put(t, copy, NULL, e);
	while (r == 0 && (volume = view_next_where(txn_view(t), KIND_VOLUME, VOLUME_VM_UUID, uuid, after))) {
		after = volume->id;
		copy = object_copy(volume);
		object_set_null(copy, VOLUME_DOMAIN_TARGET);
		r = txn_put(t, copy, NULL, e);
	}
	return r;
}
