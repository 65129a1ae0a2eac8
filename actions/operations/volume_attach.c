/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching and detaching data volumes (behaviour.md 4.2.18-4.2.20).
 *
 * Attaching writes the rows first and then plugs the disk into the guest. From
 * the first change on nobody else can attach the volume, so it is never open in two
 * guests. When the guest does not get the disk, the rows are rolled back. A host that
 * is lost meanwhile is asked when it is back; if that takes too long, the volume stays
 * attached, and the next start of the VM gives it the disk.
 *
 * Detaching unplugs the disk first and then writes the rows, for the same reason.
 * When a guest does not release the disk, the volume stays attached.
 *
 * Recovery asks the host whether the guest has the disk, and writes that; if it is not as was asked, the job begins anew.
 */
#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/volume/attach.h"
#include "actions/volume/disk.h"
#include "actions/volume/file.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/hypervisor.h"
#include "model/json.h"
#include "model/states.h"

/* -------------------------------------------------------------------- checks */

static int volume_attach_allows(const struct view *view, const struct request *req, struct error *e)
{
	return volume_check_attachable(request_object(view, req), e);
}

static int volume_attach_check(const struct view *view, const struct request *req, struct error *e)
{
	return volume_check_attach(view, request_object(view, req),
				   view_get(view, KIND_VM, request_str(req, "vmInstanceUuid")), e);
}

static const char *volume_attach_queue(const struct view *view, const struct request *req)
{
	(void)view;
	return request_str(req, "vmInstanceUuid");
}

/* ---------------------------------------------------------------------- rows */

static int put_ref(struct txn *t, const struct volume_claim *c, int device, struct error *e)
{
	struct object *ref = object_new(kind_get(KIND_SHAREABLE_REF));
	char uuid[UUID_SIZE];

	uuid_make(uuid);
	object_set_str(ref, SHAREABLE_REF_UUID, uuid);
	object_set_str(ref, SHAREABLE_REF_VOLUME_UUID, c->volume);
	object_set_str(ref, SHAREABLE_REF_VM_UUID, c->vm);
	object_set_int(ref, SHAREABLE_REF_DEVICE_ID, device);
	return txn_put(t, ref, NULL, e);
}

static int volume_or_vm_gone(struct error *e)
{
	return error_set(e, ENOENT, "the volume or its VM is gone");
}

/* What the claim of a device number of the VM needs. */
struct device_claim {
	struct job *job;
	const struct volume_claim *volume;
	const char *host; /* of the VM when it is active */
	/* by disks that the rows know nothing of: the guest keeps one that was taken from it by force */
	bool used[1024];
};

static int ask_numbers(void *arg, struct error *e)
{
	struct device_claim *claim = arg;

	return hv_disk_numbers(pool_hypervisor(claim->job->pool), claim->host, claim->volume->vm, claim->used,
			       (int)ARRAY_SIZE(claim->used), e);
}

/* Attaches the volume in the rows, with the first free device number of the VM. */
static int claim_fn(struct txn *t, void *arg, struct error *e)
{
	struct device_claim *claim = arg;
	const struct volume_claim *c = claim->volume;
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, c->volume);
	const struct object *vm = view_get(txn_view(t), KIND_VM, c->vm);
	struct object *volume;
	int device = 1;
	int r;

	if (!before || !vm)
		return volume_or_vm_gone(e);
	r = volume_check_attach(txn_view(t), before, vm, e);
	if (r < 0)
		return r;
	(void)volume_count_devices(txn_view(t), c->vm, claim->used, (int)ARRAY_SIZE(claim->used));
	while (device < (int)ARRAY_SIZE(claim->used) - 1 && claim->used[device])
		device++;
	if (volume_is_shareable(before))
		return put_ref(t, c, device, e);
	volume = object_copy(before);
	object_set_str(volume, VOLUME_VM_UUID, c->vm);
	object_set_int(volume, VOLUME_DEVICE_ID, device);
	return txn_put(t, volume, NULL, e);
}

/* -------------------------------------------------------------------- attach */

struct disk_question {
	struct job *job;
	const struct volume_claim *claim;
	const char *host;
};

/*
 * Whether the guest has the disk; that of a VM that is not active has none. Negative when the host cannot
 * tell.
 */
static int guest_has(void *arg, struct error *e)
{
	const struct disk_question *q = arg;
	_cleanup_free_ char *path = NULL;
	int r = hv_disk_path(pool_hypervisor(q->job->pool), q->host, q->claim->vm, q->claim->volume, &path,
			     e);

	return r < 0 ? r : path != NULL;
}

/* After the attach has failed with @result. Returns 0 when it was only not heard that the guest has got the disk. */
static int settle_attach(struct disk_question *q, int result, struct error *e)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int has = host_ask_again(q->job, q->host, guest_has, q, &ignored);

	if (has == 0)
		(void)store_run(pool_store(q->job->pool), volume_put_released, (void *)(uintptr_t)q->claim,
				NULL);
	if (has <= 0 || result != -ENOTCONN)
		return result;
	error_done(e);
	return 0;
}

/* Plugs the disk into an active guest; rolls the rows back if the guest does not have it afterwards. */
static int plug(struct job *job, const struct volume_claim *c, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, c->volume),
			    *vm = view_get(view, KIND_VM, c->vm);
	const struct object *ref = volume_find_ref(view, c->volume, c->vm);
	struct disk_question q = {.job = job, .claim = c};
	struct hv_disk disk;
	int r;

	if (!volume || !vm)
		return volume_or_vm_gone(e);
	if (!volume_vm_is_active(vm))
		return 0;
	q.host = object_text(vm, VM_HOST_UUID);
	volume_describe_disk(
		view, vm, volume,
		(int)(ref ? object_int(ref, SHAREABLE_REF_DEVICE_ID) : object_int(volume, VOLUME_DEVICE_ID)),
		&disk);
	r = hv_disk_attach(pool_hypervisor(job->pool), q.host, c->vm, &disk, e);
	return r < 0 ? settle_attach(&q, r, e) : 0;
}

static int volume_attach_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = request_object(view, job->req);
	struct volume_claim c = {.volume = job->req->target, .vm = request_str(job->req, "vmInstanceUuid")};
	const struct object *vm = view_get(view, KIND_VM, c.vm);
	struct device_claim claim = {.job = job,
				     .volume = &c,
				     .host = vm && volume_vm_is_active(vm) ? object_str(vm, VM_HOST_UUID)
									   : NULL};
	int r;

	if (volume && object_str_is(volume, VOLUME_STATUS, STATUS_NOT_INSTANTIATED)) {
		r = volume_instantiate(job, c.volume, c.vm, e);
		if (r < 0)
			return r;
	}
	r = snapshot_reconcile(job->pool, c.volume, e);
	if (r == 0 && claim.host)
		r = host_ask_again(job, claim.host, ask_numbers, &claim, e);
	if (r < 0)
		return r;
	r = store_run(pool_store(job->pool), claim_fn, &claim, e);
	if (r < 0)
		return r;
	kill_point("attach-claimed");
	r = plug(job, &c, e);
	kill_point("attach-plugged");
	return r < 0 ? r : job_result_inventory(job, KIND_VOLUME, c.volume, ret_result, e);
}

/* Writes whether the guest has the disk: 1 when the volume is attached afterwards, 0 when not. */
static int reconcile(struct job *job, const struct volume_claim *c, struct error *e)
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
			"the host of vm[uuid:%s] is not connected, it is unknown whether it has the volume",
			c->vm);
	has = hv_domain_state(pool_hypervisor(job->pool), object_text(vm, VM_HOST_UUID), c->vm, &state,
			      &reason, e);
	if (has < 0)
		return has;
	if (!hv_domain_is_up(state))
		return 1; /* plugged in at the next start */
	has = guest_has(&(struct disk_question){job, c, object_text(vm, VM_HOST_UUID)}, e);
	if (has != 0)
		return has;
	has = store_run(pool_store(job->pool), volume_put_released, (void *)(uintptr_t)c, e);
	return has < 0 ? has : 0;
}

static int volume_attach_recover(struct job *job, json_t **ret_result, struct error *e)
{
	struct volume_claim c = {.volume = job->req->target, .vm = request_str(job->req, "vmInstanceUuid")};
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, c.volume);
	int r;

	host_wait_for_storage(job, volume ? object_str(volume, VOLUME_PRIMARY_STORAGE_UUID) : NULL,
			      volume ? object_str(volume, VOLUME_HOST_UUID) : NULL);
	r = volume_uninstantiate(job->pool, c.volume, e);
	if (r < 0)
		return r;
	r = reconcile(job, &c, e);
	if (r < 0)
		return r;
	return r ? job_result_inventory(job, KIND_VOLUME, c.volume, ret_result, e)
		 : error_undone(e,
				"the daemon ended while the volume was being attached; it is not attached");
}

/* -------------------------------------------------------------------- detach */

/* The VM to detach from: the given one, else the one that has the volume, unless it is shareable. */
static const char *detach_vm(const struct view *view, const struct request *req)
{
	const struct object *volume = request_object(view, req);
	const char *given = request_str(req, "vmUuid");

	return given || !volume ? given : object_str(volume, VOLUME_VM_UUID);
}

static const char *volume_detach_queue(const struct view *view, const struct request *req)
{
	const char *vm = detach_vm(view, req);

	return vm ? vm : volume_queue_vm(view, req);
}

static int volume_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req), *vm;
	const char *vm_uuid = detach_vm(view, req), *uuid = object_uuid(volume);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "the volume[uuid:%s, name:%s] is Root Volume, can't detach it",
				 uuid, object_name(volume));
	if (!volume_is_attached_anywhere(view, volume))
		return error_set(e, EBUSY, "data volume[uuid:%s] is not attached to any vm, can't detach",
				 uuid);
	if (volume_is_shareable(volume) && !vm_uuid)
		return error_set(e, EINVAL, "to detach shareable data volume[uuid:%s], vm uuid is needed.",
				 uuid);
	vm = view_get(view, KIND_VM, vm_uuid);
	if (!vm || !volume_is_attached(view, volume, vm_uuid))
		return error_set(e, EBUSY,
				 "data volume[uuid:%s] is not attached to vm[uuid:%s], can't detach", uuid,
				 vm_uuid);
	if (!volume_vm_is_active(vm) && !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED))) {
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

static int volume_detach_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *vm = detach_vm(view, job->req);
	int r = vm ? volume_detach(job, job->req->target, vm, e) : 0;

	return r < 0 ? r : job_result_inventory(job, KIND_VOLUME, job->req->target, ret_result, e);
}

static int volume_detach_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct volume_claim c = {.volume = job->req->target, .vm = detach_vm(view, job->req)};
	int r = c.vm ? reconcile(job, &c, e) : 0;

	if (r < 0)
		return r;
	return r == 0 ? job_result_inventory(job, KIND_VOLUME, c.volume, ret_result, e)
		      : error_undone(
				e,
				"the daemon ended while the volume was being detached; it is still attached");
}

/* ---------------------------------------------------------------- candidates */

static int volume_candidates_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);
	const char *uuid = object_uuid(volume), *status = object_text(volume, VOLUME_STATUS);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EINVAL, "volume[uuid:%s] is Root volume, can not be attach to vm", uuid);
	if (!object_str_is(volume, VOLUME_STATE, STATE_ENABLED))
		return error_set(
			e, EINVAL,
			"volume[uuid:%s] is in state[%s], data volume can only be attached when state is Enabled",
			uuid, object_text(volume, VOLUME_STATE));
	if (strcmp(status, STATUS_READY) != 0 && strcmp(status, STATUS_NOT_INSTANTIATED) != 0)
		return error_set(
			e, EINVAL,
			"volume[uuid:%s] is in status[%s], data volume can only be attached when status is "
			"Ready or NotInstantiated",
			uuid, status);
	return 0;
}

/* True when the volume can be attached to the VM and, if it has no file yet, there is storage for one. */
static bool is_match(const struct view *view, const struct object *volume, const struct object *vm)
{
	const struct storage_wish wish = volume_storage_wish(view, volume, object_uuid(vm));
	const struct object *ps, *host;

	if (volume_check_attach(view, volume, vm, NULL) < 0 ||
	    object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_PAUSED)))
		return false;
	return object_str(volume, VOLUME_PRIMARY_STORAGE_UUID) ||
	       volume_choose_storage(view, vm, &wish, tag_value(view, object_uuid(volume), LOCAL_HOST_TAG),
				     &ps, &host, NULL) == 0;
}

/* {"inventories": [...]}: the VMs that match the volume @other, or the volumes that match the VM @other. */
static int list_matches(const struct view *view, const struct request *req, enum kind_id kind,
			json_t **ret_result, struct error *e)
{
	const struct object *other = request_object(view, req);
	_cleanup_json_ json_t *list = json_array();

	view_for_each (o, view, kind) {
		int r = 0;

		if (kind == KIND_VM ? is_match(view, other, o) : is_match(view, o, other))
			r = result_list_add(list, view, req, o, e);
		if (r < 0)
			return r;
	}
	return result_inventories(steal(&list), ret_result, e);
}

static int volume_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
				 json_t **ret_result, struct error *e)
{
	(void)pool;
	return list_matches(view, req, KIND_VM, ret_result, e);
}

static int volume_candidates_of_vm_get(struct pool *pool, const struct view *view, const struct request *req,
				       json_t **ret_result, struct error *e)
{
	(void)pool;
	return list_matches(view, req, KIND_VOLUME, ret_result, e);
}

static const struct operation get_data_volume_attachable_vm = {
	.section = "4.2.18",
	.name = "GetDataVolumeAttachableVm",
	.message = "org.zstack.header.volume.APIGetDataVolumeAttachableVmMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volumes/{volumeUuid}/candidate-vm-instances", NULL},
	.params = (const struct param[]){P_PATH("volumeUuid", KIND_VOLUME), {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "VmInstanceInventory",
	.form = FORM_GET,
	.kind = KIND_VOLUME,
	.target = "volumeUuid",
	.where = "candidate-vm-instances",
	.flags = OP_SYNC,
	.help = "VMs to which the volume can be attached",
	.check = volume_candidates_check,
	.get = volume_candidates_get,
};

static const struct operation attach_data_volume_to_vm = {
	.section = "4.2.19",
	.name = "AttachDataVolumeToVm",
	.message = "org.zstack.header.volume.APIAttachDataVolumeToVmMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/volumes/{volumeUuid}/vm-instances/{vmInstanceUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH_CHANGED("vmInstanceUuid", KIND_VM),
					 P_PATH("volumeUuid", KIND_VOLUME),
					 {0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "volumeUuid",
	.verb = "attach",
	.error_code = "VM.1005",
	.help = "attaches the data volume to a VM; a shareable one, which can be attached to several, needs the system "
		"tag capability::virtio-scsi",
	.allows = volume_attach_allows,
	.check = volume_attach_check,
	.queue2 = volume_attach_queue,
	.run = volume_attach_run,
	.recover = volume_attach_recover,
};

static const struct operation detach_data_volume_from_vm = {
	.section = "4.2.20",
	.name = "DetachDataVolumeFromVm",
	.message = "org.zstack.header.volume.APIDetachDataVolumeFromVmMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/volumes/{uuid}/vm-instances", NULL},
	.params = (const struct param[]){P_UUID(KIND_VOLUME),
					 {.name = "vmUuid",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .flags = PARAM_CHANGES,
					  .resource = KIND_VM},
					 {0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "detach",
	.error_code = "VM.1006",
	.help = "detaches the data volume from its VM",
	.check = volume_detach_check,
	.queue2 = volume_detach_queue,
	.run = volume_detach_run,
	.recover = volume_detach_recover,
};

static const struct operation query_shareable_volume_vm_instance_ref = {
	.section = "4.1.13",
	.name = "QueryShareableVolumeVmInstanceRef",
	.message = "org.zstack.header.vm.APIQueryShareableVolumeVmInstanceRefMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volumes/vm-instances/refs", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SHAREABLE_REF,
	.flags = OP_SYNC,
	.help = "lists the attachments of shareable volumes to VMs",
};

static const struct operation get_vm_attachable_data_volume = {
	.section = "4.1.20",
	.name = "GetVmAttachableDataVolume",
	.message = "org.zstack.header.vm.APIGetVmAttachableDataVolumeMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/data-volume-candidates", NULL},
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM), {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "VolumeInventory",
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.where = "data-volume-candidates",
	.flags = OP_SYNC,
	.help = "data volumes that can be attached to the VM",
	.get = volume_candidates_of_vm_get,
};

const struct operation *const operations_volume_attach[] = {
	&query_shareable_volume_vm_instance_ref,
	&get_vm_attachable_data_volume,
	&get_data_volume_attachable_vm,
	&attach_data_volume_to_vm,
	&detach_data_volume_from_vm,
	NULL,
};
