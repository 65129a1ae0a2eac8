/* SPDX-License-Identifier: Apache-2.0 */
/* See attach.h. */
#include "actions/volume/attach.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/topology.h"
#include "actions/host/wait.h"
#include "actions/volume/disk.h"
#include "actions/volume/location.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/domain_xml.h"
#include "model/states.h"

/* Time for a guest to release a disk. */
#define DETACH_MS 20000

/* ------------------------------------------------------------------- looking */

const struct object *volume_find_ref(const struct view *view, const char *volume, const char *vm)
{
	return link_find(view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, volume, SHAREABLE_REF_VM_UUID,
			 vm);
}

bool volume_is_attached(const struct view *view, const struct object *volume, const char *vm)
{
	return object_str_is(volume, VOLUME_VM_UUID, vm) || volume_find_ref(view, object_uuid(volume), vm);
}

bool volume_is_attached_anywhere(const struct view *view, const struct object *volume)
{
	return object_str(volume, VOLUME_VM_UUID) ||
	       view_next_where(view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, object_uuid(volume), 0);
}

int volume_count_devices(const struct view *view, const char *vm, bool *used, int room)
{
	int count = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm) {
		int64_t id = object_int(volume, VOLUME_DEVICE_ID);

		count += !object_str_is(volume, VOLUME_TYPE, "Root");
		if (used && id >= 0 && id < room)
			used[id] = true;
	}
	view_for_each_where (ref, view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, vm) {
		int64_t id = object_int(ref, SHAREABLE_REF_DEVICE_ID);

		count++;
		if (used && id >= 0 && id < room)
			used[id] = true;
	}
	return count;
}

/* -------------------------------------------------------------------- checks */

int volume_check_attachable(const struct object *volume, struct error *e)
{
	const char *uuid = object_uuid(volume), *status = object_text(volume, VOLUME_STATUS);
	int r;

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "the volume[uuid:%s, name:%s] is Root Volume, can't attach it",
				 uuid, object_name(volume));
	if (object_str_is(volume, VOLUME_STATE, STATE_DISABLED))
		return error_set(e, EBUSY, "data volume[uuid:%s] is Disabled, can't attach", uuid);
	r = volume_check_alive(volume, e);
	if (r < 0)
		return r;
	if (object_str(volume, VOLUME_VM_UUID))
		return error_set(e, EBUSY,
				 "data volume[uuid:%s] has been attached to some vm, can't attach again",
				 uuid);
	if (strcmp(status, STATUS_READY) != 0 && strcmp(status, STATUS_NOT_INSTANTIATED) != 0)
		return error_set(
			e, EBUSY,
			"data volume can only be attached when status is [Ready, NotInstantiated], current is %s",
			status);
	return 0;
}

static int check_shareable(const struct view *view, const struct object *volume, const struct object *vm,
			   struct error *e)
{
	if (!volume_is_shareable(volume))
		return 0;
	if (volume_find_ref(view, object_uuid(volume), object_uuid(vm)))
		return error_set(e, EBUSY,
				 "Shareable Volume[uuid:%s] has already been attached to VM[uuid:%s]",
				 object_uuid(volume), object_uuid(vm));
	if (!tag_value(view, object_uuid(volume), "capability::virtio-scsi"))
		return error_set(
			e, EBUSY,
			"shareable disk only support virtio-scsi type for now, give volume[uuid:%s] the "
			"system tag capability::virtio-scsi",
			object_uuid(volume));
	return 0;
}

/* The hosts on which the VM can run must have access to the volume. */
static int check_access(const struct view *view, const struct object *volume, const struct object *vm,
			struct error *e)
{
	const struct object *root = vm_root_volume(view, vm);
	const char *ps = object_str(volume, VOLUME_PRIMARY_STORAGE_UUID),
		   *host = object_str(volume, VOLUME_HOST_UUID);
	const char *vm_host = object_str(vm, VM_HOST_UUID);

	if (!ps)
		return 0;
	if (!cluster_has_primary_storage(view, object_text(vm, VM_CLUSTER_UUID), ps))
		return error_set(e, EBUSY, "Can't attach volume to VM, no qualified cluster");
	if (!vm_host && root)
		vm_host = object_str(root, VOLUME_HOST_UUID);
	if (host && vm_host && strcmp(host, vm_host) != 0)
		return error_set(
			e, EBUSY,
			"data volume[uuid:%s] is on the local storage of host[uuid:%s], but vm[uuid:%s] is on "
			"host[uuid:%s]. Can't attach",
			object_uuid(volume), host, object_uuid(vm), vm_host);
	return 0;
}

static int check_vm(const struct view *view, const struct object *volume, const struct object *vm,
		    struct error *e)
{
	const char *uuid = object_uuid(vm), *state = object_text(vm, VM_STATE);
	int64_t most = config_int(view, "kvm.dataVolume.maxNum");
	int count = volume_count_devices(view, uuid, NULL, 0);
	struct hv_disk disk;

	if (!volume_vm_is_active(vm) && strcmp(state, vm_state_name(VM_STATE_STOPPED)) != 0) {
		error_set_code(
			e, EBUSY, "VM.1010",
			"vm[uuid:%s] can only attach volume when state is Running or Stopped, current state is %s",
			uuid, state);
		(void)error_wrap(e, "VM.1005");
		return -EBUSY;
	}
	if (count >= most)
		return error_set(
			e, EBUSY,
			"hypervisor[KVM] only allows max %lld data volumes to be attached to a single vm; there "
			"have been %d data volumes attached to vm[uuid:%s]",
			(long long)most, count, uuid);
	volume_describe_disk(view, vm, volume, 1, &disk);
	if (disk.bus == HV_BUS_IDE && volume_vm_is_active(vm))
		return error_set(
			e, EBUSY,
			"the vm[uuid:%s] doesn't support to online attach volume[%s] on the basis of that the "
			"image platform type of the vm is %s",
			uuid, object_uuid(volume),
			strcmp(object_text(vm, VM_PLATFORM), "Other") == 0 ? "other" : "windows");
	return 0;
}

int volume_check_attach(const struct view *view, const struct object *volume, const struct object *vm,
			struct error *e)
{
	int r = volume_check_attachable(volume, e);

	if (r < 0)
		return r;
	r = check_vm(view, volume, vm, e);
	if (r < 0)
		return r;
	r = check_shareable(view, volume, vm, e);
	return r < 0 ? r : check_access(view, volume, vm, e);
}

/* ---------------------------------------------------------------------- rows */

void volume_clear_vm(struct object *volume)
{
	object_set_null(volume, VOLUME_VM_UUID);
	object_set_null(volume, VOLUME_DEVICE_ID);
	object_set_null(volume, VOLUME_DOMAIN_TARGET);
}

int volume_put_released(struct txn *t, void *arg, struct error *e)
{
	const struct volume_claim *c = arg;
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, c->volume);
	const struct object *ref = volume_find_ref(txn_view(t), c->volume, c->vm);
	struct object *volume;

	if (ref)
		return txn_remove(t, ref, e);
	if (!before || !object_str_is(before, VOLUME_VM_UUID, c->vm))
		return 0;
	volume = object_copy(before);
	volume_clear_vm(volume);
	return txn_put(t, volume, NULL, e);
}

/* -------------------------------------------------------------------- detach */

struct unplugging {
	struct job *job;
	const char *host;
	const struct volume_claim *claim;
};

/* Can be repeated. */
static int unplug(void *arg, struct error *e)
{
	const struct unplugging *u = arg;
	int left = job_remaining_ms(u->job);

	return hv_disk_detach(pool_hypervisor(u->job->pool), u->host, u->claim->vm, u->claim->volume,
			      left < DETACH_MS ? left : DETACH_MS, e);
}

int volume_detach(struct job *job, const char *uuid, const char *vm_uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid),
			    *vm = view_get(view, KIND_VM, vm_uuid);
	struct volume_claim c = {.volume = uuid, .vm = vm_uuid};
	struct unplugging u = {.job = job, .claim = &c};
	int r = 0;

	if (!volume || !vm || !volume_is_attached(view, volume, vm_uuid))
		return 0;
	/* Without a host no domain runs; else the host knows better than the row whether one does. */
	u.host = object_str(vm, VM_HOST_UUID);
	if (u.host)
		r = host_ask_again(job, u.host, unplug, &u, e);
	if (r < 0)
		return r;
	kill_point("detach-unplugged");
	return store_run(pool_store(job->pool), volume_put_released, &c, e);
}
