/* SPDX-License-Identifier: Apache-2.0 */
/* See removed_device.h. */
#include "actions/vm/removed_device.h"

#include <string.h>

#include "actions/engine/job.h"
#include "actions/host/guest.h"
#include "actions/vm/nic.h"
#include "actions/vm/state.h"
#include "actions/volume/attach.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/domain_size.h"
#include "hypervisor/domain/nic.h"

/* The volume that is attached to the VM as that device; NULL = none. The root volume cannot be detached. */
static const struct object *volume_at(const struct view *view, const char *vm, int device_id)
{
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		if (object_int(volume, VOLUME_DEVICE_ID) == device_id &&
		    !object_str_is(volume, VOLUME_TYPE, "Root"))
			return volume;
	view_for_each_where (ref, view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, vm)
		if (object_int(ref, SHAREABLE_REF_DEVICE_ID) == device_id)
			return view_get(view, KIND_VOLUME, object_str(ref, SHAREABLE_REF_VOLUME_UUID));
	return NULL;
}

static const struct object *nic_at(const struct view *view, const char *vm, int device_id)
{
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, vm)
		if (object_int(nic, NIC_DEVICE_ID) == device_id)
			return nic;
	return NULL;
}

static void settle_volume(struct pool *pool, const char *host, const char *vm, const char *volume)
{
	struct volume_claim claim = {.volume = volume, .vm = vm};
	struct hypervisor *hv = pool_hypervisor(pool);
	bool is_gone;

	/* The second call finds it gone from the guest, and removes it from the definition. */
	if (hv_disk_is_gone(hv, host, vm, volume, &is_gone, NULL) == 0 && is_gone &&
	    hv_disk_detach(hv, host, vm, volume, 0, NULL) == 0)
		(void)store_run(pool_store(pool), volume_put_released, &claim, NULL);
}

struct memory {
	const char *vm;
	int64_t bytes;
};

static int put_memory_fn(struct txn *t, void *arg, struct error *e)
{
	const struct memory *m = arg;
	const struct object *now = view_get(txn_view(t), KIND_VM, m->vm);
	struct object *vm;
	int r;

	if (!now || object_int(now, VM_MEMORY_SIZE) <= m->bytes)
		return 0;
	r = txn_edit(t, KIND_VM, m->vm, &vm, e);
	if (r < 0)
		return r;
	object_set_int(vm, VM_MEMORY_SIZE, m->bytes);
	return vm_write(t, now, vm, e);
}

static void settle_memory(struct pool *pool, const char *host, const char *vm)
{
	struct memory m = {.vm = vm};

	if (hv_domain_get_memory(pool_hypervisor(pool), host, vm, &m.bytes, NULL) == 0)
		(void)store_run(pool_store(pool), put_memory_fn, &m, NULL);
}

static void settle_nic(struct pool *pool, const struct view *view, const char *host, const struct object *nic)
{
	bool is_gone;

	if (hv_nic_is_gone(pool_hypervisor(pool), host, object_text(nic, NIC_VM_UUID),
			   (int)object_int(nic, NIC_DEVICE_ID), &is_gone, NULL) == 0 &&
	    is_gone)
		(void)vm_remove_nic(pool, view, nic, NULL);
}

/* The aliases of a domain that others have made are libvirt's, and say nothing: which of its devices is gone? */
static bool settle_adopted(struct pool *pool, const struct view *view, const char *host, const char *vm)
{
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		if (job_is_pending_for(view, object_uuid(volume)))
			return false;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		if (object_str(volume, VOLUME_DOMAIN_TARGET) && !object_str_is(volume, VOLUME_TYPE, "Root"))
			settle_volume(pool, host, vm, object_uuid(volume));
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, vm)
		settle_nic(pool, view, host, nic);
	return true;
}

bool vm_settle_removed_device(struct pool *pool, const char *host, const char *vm_uuid, const char *alias)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, vm_uuid), *volume = NULL, *nic = NULL;
	bool memory = strncmp(alias, "dimm", 4) == 0, adopted = false, nobodys = false;
	int id;

	if (sscanf(alias, "ua-disk-%d", &id) == 1) {
		volume = volume_at(view, vm_uuid, id);
		nobodys = !volume && id > 0;
	} else if (sscanf(alias, "ua-nic-%d", &id) == 1)
		nic = nic_at(view, vm_uuid, id);
	else
		adopted = !memory && vm && vm_is_adopted_on(vm, host);
	if (!vm || (!volume && !nic && !memory && !adopted && !nobodys) || !volume_vm_is_active(vm) ||
	    !object_str_is(vm, VM_HOST_UUID, host))
		return true;
	if (job_is_pending_for(view, vm_uuid) || (volume && job_is_pending_for(view, object_uuid(volume))))
		return false;
	if (adopted)
		return settle_adopted(pool, view, host, vm_uuid);
	if (nobodys) /* a volume that was taken from the guest by force */
		(void)hv_disk_forget(pool_hypervisor(pool), host, vm_uuid, id, NULL);
	else if (memory)
		settle_memory(pool, host, vm_uuid);
	else if (volume)
		settle_volume(pool, host, vm_uuid, object_uuid(volume));
	else
		settle_nic(pool, view, host, nic);
	return true;
}
