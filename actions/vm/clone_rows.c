/* SPDX-License-Identifier: Apache-2.0 */
/* See clone_rows.h. */
#include "actions/vm/clone_rows.h"

#include <string.h>

#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/vm/nic.h"
#include "actions/vm/state.h"
#include "actions/volume/file.h"

/* Tags that are not copied: addresses and names, attached devices, groups. */
static const char *const own_tags[] = {
	"staticIp", "hostname", "customMac", "iso", "pciDevice", "vmSystemSerialNumber", "affinityGroupUuid",
};

bool clone_copies(const struct object *volume, bool full)
{
	return object_str(volume, VOLUME_INSTALL_PATH) && !object_int(volume, VOLUME_IS_SHAREABLE) &&
	       (full || object_str_is(volume, VOLUME_TYPE, "Root"));
}

static int put_row(struct txn *t, const struct clone_rows *c, const struct object *source, struct error *e)
{
	static const int same_texts[] = {
		VM_DESCRIPTION,	    VM_ZONE_UUID,
		VM_IMAGE_UUID,	    VM_INSTANCE_OFFERING_UUID,
		VM_PLATFORM,	    VM_TYPE,
		VM_HYPERVISOR_TYPE, VM_ALLOCATOR_STRATEGY,
		VM_MACHINE_TYPE,    VM_DEFAULT_L3_UUID,
		VM_ACCOUNT_UUID,
	};
	static const int same_numbers[] = {VM_MEMORY_SIZE, VM_CPU_NUM, VM_CPU_SPEED};
	struct object *vm = object_new(kind_get(KIND_VM));

	object_set_str(vm, VM_UUID, c->uuid);
	object_set_str(vm, VM_NAME, c->name);
	for (size_t i = 0; i < ARRAY_SIZE(same_texts); i++)
		object_set_str(vm, same_texts[i], object_str(source, same_texts[i]));
	for (size_t i = 0; i < ARRAY_SIZE(same_numbers); i++)
		object_set_int(vm, same_numbers[i], object_int(source, same_numbers[i]));
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_STARTING));
	object_set_str(vm, VM_CREATE_SPEC, c->req->job);
	return vm_put_new(t, vm, e);
}

static bool is_own_tag(const char *tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_tags); i++) {
		size_t len = strlen(own_tags[i]);

		if (strncmp(tag, own_tags[i], len) == 0 && (tag[len] == '\0' || tag[len] == ':'))
			return true;
	}
	return false;
}

/* Copies the system tags of @from to @to, except own_tags. */
static int copy_tags(struct txn *t, const char *from, enum kind_id kind, const char *to, struct error *e)
{
	const struct object *row;
	int64_t after = 0;

	while ((row = view_next_where(txn_view(t), KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, from, after))) {
		_cleanup_free_ char *tag = NULL;
		int r;

		after = row->id;
		if (is_own_tag(object_text(row, SYSTEM_TAG_TAG)))
			continue;
		tag = strdup(object_text(row, SYSTEM_TAG_TAG));
		if (!tag)
			return error_oom(e);
		r = object_add_system_tag(t, kind, to, tag, object_int(row, SYSTEM_TAG_INHERENT) != 0, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A NIC like @from: on the same network with the same limits, but with its own addresses. */
static int put_nic(struct txn *t, const struct clone_rows *c, const struct object *from, struct error *e)
{
	char uuid[UUID_SIZE];
	struct object *nic;
	int r = vm_put_nic(t, c->uuid, object_text(from, NIC_L3_UUID), (int)object_int(from, NIC_DEVICE_ID),
			   NULL, NULL, uuid, e);

	if (r < 0)
		return r;
	r = txn_edit(t, KIND_NIC, uuid, &nic, e);
	if (r < 0)
		return r;
	if (!object_is_null(from, NIC_INBOUND))
		object_set_int(nic, NIC_INBOUND, object_int(from, NIC_INBOUND));
	if (!object_is_null(from, NIC_OUTBOUND))
		object_set_int(nic, NIC_OUTBOUND, object_int(from, NIC_OUTBOUND));
	return txn_put(t, nic, NULL, e);
}

static int put_nics(struct txn *t, const struct clone_rows *c, const char *source, struct error *e)
{
	int64_t after = 0;

	for (;;) {
		_cleanup_object_ const struct object *nic =
			object_ref(view_next_where(txn_view(t), KIND_NIC, NIC_VM_UUID, source, after));
		int r;

		if (!nic)
			return 0;
		after = nic->id;
		r = put_nic(t, c, nic, e);
		if (r < 0)
			return r;
	}
}

/*
 * A volume on the storage of @from, with its size, tags and bandwidth limit. The device number, too, is the
 * same: volume_at() finds the copy by it.
 */
static int put_volume(struct txn *t, const struct clone_rows *c, const struct object *from, struct error *e)
{
	char description[64], uuid[UUID_SIZE];
	struct new_volume disk = {
		.storage = object_text(from, VOLUME_PRIMARY_STORAGE_UUID),
		.host = object_str(from, VOLUME_HOST_UUID),
		.offering = object_str(from, VOLUME_DISK_OFFERING_UUID),
		.image = object_str(from, VOLUME_ROOT_IMAGE_UUID),
		.size = object_int(from, VOLUME_SIZE),
		.device_id = (int)object_int(from, VOLUME_DEVICE_ID),
	};
	struct object *edited;
	int r;

	snprintf(description, sizeof(description), "Root volume for VM[uuid:%s]", c->uuid);
	if (disk.device_id == 0)
		disk.description = description;
	r = volume_put_new(t, view_get(txn_view(t), KIND_VM, c->uuid), &disk, uuid, e);
	if (r < 0)
		return r;
	r = copy_tags(t, object_uuid(from), KIND_VOLUME, uuid, e);
	if (r < 0)
		return r;
	if (!object_is_null(from, VOLUME_BANDWIDTH)) {
		r = txn_edit(t, KIND_VOLUME, uuid, &edited, e);
		if (r < 0)
			return r;
		object_set_int(edited, VOLUME_BANDWIDTH, object_int(from, VOLUME_BANDWIDTH));
		r = txn_put(t, edited, NULL, e);
		if (r < 0)
			return r;
	}
	if (disk.device_id != 0)
		return 0;
	r = txn_edit(t, KIND_VM, c->uuid, &edited, e);
	if (r < 0)
		return r;
	object_set_str(edited, VM_ROOT_VOLUME_UUID, uuid);
	return txn_put(t, edited, NULL, e);
}

static int put_volumes(struct txn *t, const struct clone_rows *c, const char *source, struct error *e)
{
	int64_t after = 0;

	for (;;) {
		_cleanup_object_ const struct object *volume =
			object_ref(view_next_where(txn_view(t), KIND_VOLUME, VOLUME_VM_UUID, source, after));
		int r;

		if (!volume)
			return 0;
		after = volume->id;
		if (!clone_copies(volume, c->full))
			continue;
		r = put_volume(t, c, volume, e);
		if (r < 0)
			return r;
	}
}

int clone_rows_put(struct txn *t, const struct object *source, const struct clone_rows *c, struct error *e)
{
	int r = put_row(t, c, source, e);

	if (r == 0)
		r = copy_tags(t, object_uuid(source), KIND_VM, c->uuid, e);
	if (r == 0)
		r = object_put_tags(t, c->req, KIND_VM, c->uuid, e);
	if (r == 0)
		r = put_nics(t, c, object_uuid(source), e);
	return r < 0 ? r : put_volumes(t, c, object_uuid(source), e);
}
