/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching and detaching data volumes (behaviour.md 4.2.18-4.2.20).
 *
 * Attach: the rows first, then the guest. From the first change on nobody else
 * can attach the volume, so it is never open in two guests; when the guest does
 * not get it, the rows are taken back, unless the host cannot tell: then the
 * volume stays attached, which is what a next start of the VM makes true.
 *
 * Detach: the guest first, then the rows, for the same reason. A guest that does
 * not let go keeps the volume, in the rows too.
 *
 * Recovery asks the host whether the guest has the disk, and writes that.
 */
#include <string.h>

#include "model/render.h"
#include "actions/config.h"
#include "actions/handlers.h"
#include "actions/kill_point.h"
#include "actions/object_ops.h"
#include "actions/storage.h"
#include "actions/topology.h"
#include "actions/vm.h"
#include "actions/volume.h"

/* How long a guest has to give a disk back. */
#define DETACH_MS 20000

/* ------------------------------------------------------------------- looking */

static bool is_shareable(const struct object *volume)
{
	return object_int(volume, VOLUME_IS_SHAREABLE) != 0;
}

static bool is_active(const struct object *vm)
{
	return object_str_is(vm, VM_STATE, "Running") || object_str_is(vm, VM_STATE, "Paused");
}

/* The attachment of a shareable volume to a VM; NULL when there is none. */
static const struct object *find_ref(const struct view *view, const char *volume, const char *vm)
{
	return link_find(view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, volume, SHAREABLE_REF_VM_UUID,
			 vm);
}

bool volume_is_attached(const struct view *view, const struct object *volume, const char *vm)
{
	return object_str_is(volume, VOLUME_VM_UUID, vm) || find_ref(view, object_uuid(volume), vm);
}

bool volume_is_attached_anywhere(const struct view *view, const struct object *volume)
{
	return object_str(volume, VOLUME_VM_UUID) ||
	       view_next_where(view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, object_uuid(volume), 0);
}

/* Marks the device numbers that a VM's disks have; returns how many data volumes it has. */
static int count_devices(const struct view *view, const char *vm, bool *used, int room)
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

static int check_volume(const struct object *volume, struct error *e)
{
	const char *uuid = object_uuid(volume), *status = object_text(volume, VOLUME_STATUS);
	int r;

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "the volume[uuid:%s, name:%s] is Root Volume, can't attach it",
				 uuid, object_name(volume));
	if (object_str_is(volume, VOLUME_STATE, "Disabled"))
		return error_set(e, EBUSY, "data volume[uuid:%s] is Disabled, can't attach", uuid);
	r = volume_check_alive(volume, e);
	if (r < 0)
		return r;
	if (object_str(volume, VOLUME_VM_UUID))
		return error_set(e, EBUSY,
				 "data volume[uuid:%s] has been attached to some vm, can't attach again",
				 uuid);
	if (strcmp(status, "Ready") != 0 && strcmp(status, "NotInstantiated") != 0)
		return error_set(
			e, EBUSY,
			"data volume can only be attached when status is [Ready, NotInstantiated], current is %s",
			status);
	return 0;
}

static int check_shareable(const struct view *view, const struct object *volume, const struct object *vm,
			   struct error *e)
{
	if (!is_shareable(volume))
		return 0;
	if (find_ref(view, object_uuid(volume), object_uuid(vm)))
		return error_set(e, EBUSY,
				 "Shareable Volume[uuid:%s] has already been attached to VM[uuid:%s]",
				 object_uuid(volume), object_uuid(vm));
	if (!tag_value(view, object_uuid(volume), "capability::virtio-scsi"))
		return error_set(e, EBUSY, "shareable disk only support virtio-scsi type for now");
	return 0;
}

/* Can the VM's place reach the volume's? */
static int check_reach(const struct view *view, const struct object *volume, const struct object *vm,
		       struct error *e)
{
	const struct object *root = view_get(view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));
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
	int count = count_devices(view, uuid, NULL, 0);
	struct hv_disk disk;

	if (!is_active(vm) && strcmp(state, "Stopped") != 0) {
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
	if (disk.bus == HV_BUS_IDE && is_active(vm))
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
	int r = check_volume(volume, e);

	if (r == 0)
		r = check_vm(view, volume, vm, e);
	if (r == 0)
		r = check_shareable(view, volume, vm, e);
	return r < 0 ? r : check_reach(view, volume, vm, e);
}

int volume_attach_check(const struct view *view, const struct request *req, struct error *e)
{
	return volume_check_attach(view, request_object(view, req),
				   view_get(view, KIND_VM, request_str(req, "vmInstanceUuid")), e);
}

const char *volume_attach_queue(const struct view *view, const struct request *req)
{
	(void)view;
	return request_str(req, "vmInstanceUuid");
}

/* ---------------------------------------------------------------------- rows */

struct claim {
	const char *volume, *vm;
};

static int put_ref(struct txn *t, const struct claim *c, int device, struct error *e)
{
	struct object *ref = object_new(kind_get(KIND_SHAREABLE_REF));
	char uuid[UUID_SIZE];

	if (!ref)
		return error_set(e, ENOMEM, "out of memory");
	uuid_make(uuid);
	object_set_str(ref, SHAREABLE_REF_UUID, uuid);
	object_set_str(ref, SHAREABLE_REF_VOLUME_UUID, c->volume);
	object_set_str(ref, SHAREABLE_REF_VM_UUID, c->vm);
	object_set_int(ref, SHAREABLE_REF_DEVICE_ID, device);
	return txn_put(t, ref, NULL, e);
}

static int claim_fn(struct txn *t, void *arg, struct error *e)
{
	const struct claim *c = arg;
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, c->volume);
	const struct object *vm = view_get(txn_view(t), KIND_VM, c->vm);
	bool used[1024] = {true};
	struct object *volume;
	int device = 1;
	int r;

	if (!before || !vm)
		return error_set(e, ENOENT, "the volume or its VM is gone");
	r = volume_check_attach(txn_view(t), before, vm, e);
	if (r < 0)
		return r;
	(void)count_devices(txn_view(t), c->vm, used, (int)ARRAY_SIZE(used));
	while (device < (int)ARRAY_SIZE(used) - 1 && used[device])
		device++;
	if (is_shareable(before))
		return put_ref(t, c, device, e);
	volume = object_copy(before);
	if (!volume)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(volume, VOLUME_VM_UUID, c->vm);
	object_set_int(volume, VOLUME_DEVICE_ID, device);
	return txn_put(t, volume, NULL, e);
}

static int release_fn(struct txn *t, void *arg, struct error *e)
{
	const struct claim *c = arg;
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, c->volume);
	const struct object *ref = find_ref(txn_view(t), c->volume, c->vm);
	struct object *volume;

	if (ref)
		return txn_remove(t, ref, e);
	if (!before || !object_str_is(before, VOLUME_VM_UUID, c->vm))
		return 0;
	volume = object_copy(before);
	if (!volume)
		return error_set(e, ENOMEM, "out of memory");
	object_set_null(volume, VOLUME_VM_UUID);
	object_set_null(volume, VOLUME_DEVICE_ID);
	return txn_put(t, volume, NULL, e);
}

/* -------------------------------------------------------------------- attach */

/* Whether the guest has the disk; a VM that is not active has none. Negative when the host cannot tell. */
static int guest_has(struct job *job, const struct claim *c, const char *host, struct error *e)
{
	_cleanup_free_ char *path = NULL;
	int r = hv_disk_path(pool_hypervisor(job->pool), host, c->vm, c->volume, &path, e);

	return r < 0 ? r : path != NULL;
}

/* Gives the disk to the guest, when there is one. */
static int plug(struct job *job, const struct claim *c, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, c->volume),
			    *vm = view_get(view, KIND_VM, c->vm);
	const struct object *ref = find_ref(view, c->volume, c->vm);
	struct hv_disk disk;
	int r;

	if (!volume || !vm)
		return error_set(e, ENOENT, "the volume or its VM is gone");
	if (!is_active(vm))
		return 0;
	volume_describe_disk(
		view, vm, volume,
		(int)(ref ? object_int(ref, SHAREABLE_REF_DEVICE_ID) : object_int(volume, VOLUME_DEVICE_ID)),
		&disk);
	r = hv_disk_attach(pool_hypervisor(job->pool), object_text(vm, VM_HOST_UUID), c->vm, &disk, e);
	if (r < 0 && guest_has(job, c, object_text(vm, VM_HOST_UUID), NULL) == 0)
		(void)store_run(pool_store(job->pool), release_fn, (void *)(uintptr_t)c, NULL);
	return r;
}

int volume_attach_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = request_object(view, job->req);
	struct claim c = {.volume = job->req->target, .vm = request_str(job->req, "vmInstanceUuid")};
	int r = 0;

	if (volume && object_str_is(volume, VOLUME_STATUS, "NotInstantiated"))
		r = volume_instantiate(job, c.volume, c.vm, e);
	if (r == 0)
		r = store_run(pool_store(job->pool), claim_fn, &c, e);
	if (r < 0)
		return r;
	kill_point("attach-claimed");
	r = plug(job, &c, e);
	kill_point("attach-plugged");
	return r < 0 ? r : job_result_inventory(job, KIND_VOLUME, c.volume, ret_result, e);
}

/* Writes what the host says of the pair; 1 when it is attached afterwards. */
static int settle(struct job *job, const struct claim *c, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, c->volume),
			    *vm = view_get(view, KIND_VM, c->vm);
	enum hv_domain_reason reason;
	enum hv_domain_state state;
	int has;

	if (!volume || !vm || !volume_is_attached(view, volume, c->vm))
		return 0;
	if (!object_str(vm, VM_HOST_UUID))
		return 1;
	if (!host_wait_connected(job, object_str(vm, VM_HOST_UUID)))
		return error_set_code(
			e, ENOTCONN, "HOST.1010",
			"the host of vm[uuid:%s] is not connected, nobody knows whether it has the volume",
			c->vm);
	has = hv_domain_state(pool_hypervisor(job->pool), object_text(vm, VM_HOST_UUID), c->vm, &state,
			      &reason, e);
	if (has < 0)
		return has;
	if (state != HV_DOMAIN_RUNNING && state != HV_DOMAIN_PAUSED)
		return 1; /* its next start attaches what the rows say */
	has = guest_has(job, c, object_text(vm, VM_HOST_UUID), e);
	if (has != 0)
		return has;
	has = store_run(pool_store(job->pool), release_fn, (void *)(uintptr_t)c, e);
	return has < 0 ? has : 0;
}

int volume_attach_recover(struct job *job, json_t **ret_result, struct error *e)
{
	struct claim c = {.volume = job->req->target, .vm = request_str(job->req, "vmInstanceUuid")};
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, c.volume);
	int r;

	host_wait_for_storage(job, volume ? object_str(volume, VOLUME_PRIMARY_STORAGE_UUID) : NULL,
			      volume ? object_str(volume, VOLUME_HOST_UUID) : NULL);
	r = volume_uninstantiate(job->pool, c.volume, e);
	if (r == 0)
		r = settle(job, &c, e);
	if (r < 0)
		return r;
	return r ? job_result_inventory(job, KIND_VOLUME, c.volume, ret_result, e)
		 : error_set_code(e, EINTR, "SYS.1000",
				  "the daemon ended while the volume was attached; it is not attached");
}

/* -------------------------------------------------------------------- detach */

/* The VM that a Detach means. */
static const char *detach_vm(const struct view *view, const struct request *req)
{
	const struct object *volume = request_object(view, req);
	const char *given = request_str(req, "vmUuid");

	return volume && object_str(volume, VOLUME_VM_UUID) ? object_str(volume, VOLUME_VM_UUID) : given;
}

const char *volume_detach_queue(const struct view *view, const struct request *req)
{
	const char *vm = detach_vm(view, req);

	return vm ? vm : volume_queue_vm(view, req);
}

int volume_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req), *vm;
	const char *vm_uuid = detach_vm(view, req), *uuid = object_uuid(volume);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "the volume[uuid:%s, name:%s] is Root Volume, can't detach it",
				 uuid, object_name(volume));
	if (!volume_is_attached_anywhere(view, volume))
		return error_set(e, EBUSY, "data volume[uuid:%s] is not attached to any vm, can't detach",
				 uuid);
	if (is_shareable(volume) && !vm_uuid)
		return error_set(e, EINVAL, "to detach shareable data volume[uuid:%s], vm uuid is needed.",
				 uuid);
	vm = view_get(view, KIND_VM, vm_uuid);
	if (!vm || !volume_is_attached(view, volume, vm_uuid))
		return error_set(e, EBUSY,
				 "data volume[uuid:%s] is not attached to vm[uuid:%s], can't detach", uuid,
				 vm_uuid);
	if (!is_active(vm) && !object_str_is(vm, VM_STATE, "Stopped")) {
		error_set_code(
			e, EBUSY, "VM.1010",
			"current vm instance state[%s] doesn't allow to proceed message[%s], allowed states are "
			"[Running, Stopped, Paused]",
			object_text(vm, VM_STATE), req->op->message);
		(void)error_wrap(e, "VM.1006");
		return -EBUSY;
	}
	return 0;
}

int volume_detach(struct job *job, const char *uuid, const char *vm_uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid),
			    *vm = view_get(view, KIND_VM, vm_uuid);
	struct claim c = {.volume = uuid, .vm = vm_uuid};
	int left = job_remaining_ms(job);
	int r = 0;

	if (!volume || !vm || !volume_is_attached(view, volume, vm_uuid))
		return 0;
	/* without a host nothing runs; otherwise the host knows better than the row whether the domain is
	 * active */
	if (object_str(vm, VM_HOST_UUID))
		r = hv_disk_detach(pool_hypervisor(job->pool), object_text(vm, VM_HOST_UUID), vm_uuid, uuid,
				   left < DETACH_MS ? left : DETACH_MS, e);
	if (r < 0)
		return r;
	kill_point("detach-unplugged");
	return store_run(pool_store(job->pool), release_fn, &c, e);
}

int volume_detach_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *vm = detach_vm(view, job->req);
	int r = vm ? volume_detach(job, job->req->target, vm, e) : 0;

	return r < 0 ? r : job_result_inventory(job, KIND_VOLUME, job->req->target, ret_result, e);
}

int volume_detach_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct claim c = {.volume = job->req->target, .vm = detach_vm(view, job->req)};
	int r = c.vm ? settle(job, &c, e) : 0;

	if (r < 0)
		return r;
	return r == 0 ? job_result_inventory(job, KIND_VOLUME, c.volume, ret_result, e)
		      : error_set_code(
				e, EINTR, "SYS.1000",
				"the daemon ended while the volume was detached; it is still attached");
}

/* ---------------------------------------------------------------- candidates */

int volume_candidates_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);
	const char *uuid = object_uuid(volume), *status = object_text(volume, VOLUME_STATUS);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EINVAL, "volume[uuid:%s] is Root volume, can not be attach to vm", uuid);
	if (!object_str_is(volume, VOLUME_STATE, "Enabled"))
		return error_set(
			e, EINVAL,
			"volume[uuid:%s] is in state[%s], data volume can only be attached when state is Enabled",
			uuid, object_text(volume, VOLUME_STATE));
	if (strcmp(status, "Ready") != 0 && strcmp(status, "NotInstantiated") != 0)
		return error_set(
			e, EINVAL,
			"volume[uuid:%s] is in status[%s], data volume can only be attached when status is "
			"Ready or NotInstantiated",
			uuid, status);
	return 0;
}

/* True when the two could come together, and, for a volume without a file, there is room for it. */
static bool is_match(const struct view *view, const struct object *volume, const struct object *vm)
{
	const struct object *ps, *host;

	if (volume_check_attach(view, volume, vm, NULL) < 0 || object_str_is(vm, VM_STATE, "Paused"))
		return false;
	return object_str(volume, VOLUME_PRIMARY_STORAGE_UUID) ||
	       volume_choose_storage(view, vm, NULL, NULL, object_int(volume, VOLUME_SIZE), &ps, &host,
				     NULL) == 0;
}

/* {"inventories": [...]} of those of @kind that match @volume or @vm, whichever is not of that kind. */
static int list_matches(const struct view *view, enum kind_id kind, const struct object *other,
			json_t **ret_result, struct error *e)
{
	json_t *list = json_array();

	view_for_each (o, view, kind) {
		json_t *inventory;

		if (!(kind == KIND_VM ? is_match(view, other, o) : is_match(view, o, other)))
			continue;
		inventory = render_inventory_json(view, o);
		if (!inventory || json_array_append_new(list, inventory) < 0) {
			json_decref(list);
			return error_set(e, ENOMEM, "out of memory");
		}
	}
	*ret_result = json_pack("{s:o}", "inventories", list);
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}

int volume_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
			  json_t **ret_result, struct error *e)
{
	(void)pool;
	return list_matches(view, KIND_VM, request_object(view, req), ret_result, e);
}

int volume_candidates_of_vm_get(struct pool *pool, const struct view *view, const struct request *req,
				json_t **ret_result, struct error *e)
{
	(void)pool;
	return list_matches(view, KIND_VOLUME, request_object(view, req), ret_result, e);
}
