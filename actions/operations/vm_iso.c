/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISO images in the CD-ROM drives of VMs (behaviour.md 4.1.16-4.1.19).
 *
 * The content of a drive is an inherent tag `iso::<image>::<drive>`; every VM has
 * VM_ISO_MAX drives. Attaching writes the tag, which reserves the drive, and then
 * inserts the medium if the VM is active; on failure the tag is removed again.
 * Detaching ejects the medium first and removes the tag then. So a kill in between
 * leaves a tag from which the recovery knows what to finish.
 */
#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "actions/host/wait.h"
#include "actions/image/cache.h"
#include "actions/image/image.h"
#include "actions/image/rules.h"
#include "actions/operations/table.h"
#include "actions/vm/iso.h"
#include "actions/vm/state.h"
#include "actions/volume/location.h"
#include "hypervisor/domain/cdrom.h"
#include "model/json.h"
#include "model/states.h"

/* The number of the drive with the ISO; -1 when no drive has it. */
static int drive_of(const struct view *view, const char *vm, const char *image)
{
	for (int i = 0; i < VM_ISO_MAX; i++) {
		char have[UUID_SIZE];

		if (vm_iso_in_drive(view, vm, i, have) && strcmp(have, image) == 0)
			return i;
	}
	return -1;
}

/* The number of the first empty drive; -1 when all are in use. */
static int free_drive(const struct view *view, const char *vm)
{
	for (int i = 0; i < VM_ISO_MAX; i++) {
		char have[UUID_SIZE];

		if (!vm_iso_in_drive(view, vm, i, have))
			return i;
	}
	return -1;
}

static bool is_usable_iso(const struct object *image)
{
	return image_is_iso(image) && object_str_is(image, IMAGE_STATUS, STATUS_READY) &&
	       object_str_is(image, IMAGE_STATE, STATE_ENABLED) && !object_int(image, IMAGE_SYSTEM);
}

static const char *root_storage(const struct view *view, const struct object *vm)
{
	const struct object *root = vm_root_volume(view, vm);

	return root ? object_str(root, VOLUME_PRIMARY_STORAGE_UUID) : NULL;
}

/* ---------------------------------------------------------------- candidates */

static bool is_candidate(const struct view *view, const struct object *vm, const struct object *image)
{
	return vm_is_running_or_stopped(vm) && is_usable_iso(image) &&
	       image_is_in_zone(view, object_uuid(image), object_text(vm, VM_ZONE_UUID)) &&
	       drive_of(view, object_uuid(vm), object_uuid(image)) < 0;
}

static int vm_iso_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
				 json_t **ret_result, struct error *e)
{
	const struct object *vm = request_object(view, req);
	_cleanup_json_ json_t *list = json_array();

	(void)pool;
	view_for_each (image, view, KIND_IMAGE) {
		int r = 0;

		if (is_candidate(view, vm, image))
			r = result_list_add(list, view, req, image, e);
		if (r < 0)
			return r;
	}
	return result_inventories(steal(&list), ret_result, e);
}

static int iso_vm_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
				 json_t **ret_result, struct error *e)
{
	const struct object *image = request_object(view, req);
	_cleanup_json_ json_t *list = json_array();

	(void)pool;
	view_for_each (vm, view, KIND_VM) {
		int r = 0;

		if (is_candidate(view, vm, image) && free_drive(view, object_uuid(vm)) >= 0)
			r = result_list_add(list, view, req, vm, e);
		if (r < 0)
			return r;
	}
	return result_inventories(steal(&list), ret_result, e);
}

/* -------------------------------------------------------------------- attach */

static int vm_attach_iso_allows(const struct view *view, const struct request *req, struct error *e)
{
	return free_drive(view, req->target) >= 0
		       ? 0
		       : error_set(e, EBUSY, "can only attach up to %d ISOs", VM_ISO_MAX);
}

static int vm_attach_iso_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const struct object *image = view_get(view, KIND_IMAGE, request_str(req, "isoUuid"));
	const char *ps = root_storage(view, vm);

	if (!image_is_iso(image))
		return error_set(e, EINVAL, "image[uuid:%s] is not ISO, it's %s", object_uuid(image),
				 object_text(image, IMAGE_MEDIA_TYPE));
	if (!object_str_is(image, IMAGE_STATE, STATE_ENABLED))
		return error_set(e, EBUSY, "image[uuid:%s] is not Enabled, it's %s", object_uuid(image),
				 object_text(image, IMAGE_STATE));
	if (!object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "image[uuid:%s] is not Ready, it's %s", object_uuid(image),
				 object_text(image, IMAGE_STATUS));
	if (drive_of(view, req->target, object_uuid(image)) >= 0)
		return error_set(e, EBUSY, "VM[uuid:%s] already has an ISO[uuid:%s] attached", req->target,
				 object_uuid(image));
	if (!image_is_in_zone(view, object_uuid(image), object_text(vm, VM_ZONE_UUID)))
		return error_set(
			e, EBUSY,
			"the ISO[uuid:%s] is on backup storage that is not compatible of the primary storage[uuid:%s] "
			"where the VM[name:%s, uuid:%s] is on",
			object_uuid(image), ps ? ps : "", object_name(vm), req->target);
	return 0;
}

static int reserve_drive_fn(struct txn *t, void *arg, struct error *e)
{
	const struct job *job = arg;
	const char *vm = job->req->target;
	char tag[64];

	snprintf(tag, sizeof(tag), "iso::%s::%d", request_str(job->req, "isoUuid"),
		 free_drive(txn_view(t), vm));
	return object_add_system_tag(t, KIND_VM, vm, tag, true, e);
}

struct ejection {
	const char *vm, *image;
};

static int release_drive_fn(struct txn *t, void *arg, struct error *e)
{
	const struct ejection *out = arg;
	const struct object *row;
	char tag[64];

	snprintf(tag, sizeof(tag), "iso::%s::%d", out->image, drive_of(txn_view(t), out->vm, out->image));
	row = object_find_tag(txn_view(t), KIND_SYSTEM_TAG, out->vm, tag);
	return row ? txn_remove(t, row, e) : 0;
}

/* Inserts the medium of the job into the drive that its tag names, if the VM is active. Can be repeated. */
static int insert(void *arg, struct error *e)
{
	struct job *job = arg;
	const char *image = request_str(job->req, "isoUuid");
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? vm_active_host(vm) : NULL;
	const char *ps = vm ? root_storage(view, vm) : NULL;
	_cleanup_free_ char *path = NULL, *format = NULL;
	int r;

	if (!host || !ps)
		return 0; /* inserted at the next start */
	r = image_cache_get(job, image, ps, host, &path, &format, e);
	return r < 0 ? r
		     : hv_cdrom_change(pool_hypervisor(job->pool), host, job->req->target,
				       drive_of(view, job->req->target, image), path, e);
}

static int insert_or_release(struct job *job, json_t **ret_result, struct error *e)
{
	struct ejection out = {job->req->target, request_str(job->req, "isoUuid")};
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, out.vm);
	int r = host_ask_again(job, vm ? object_str(vm, VM_HOST_UUID) : NULL, insert, job, e);

	if (r < 0) {
		(void)store_run(pool_store(job->pool), release_drive_fn, &out, NULL);
		return r;
	}
	return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

static int vm_attach_iso_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = store_run(pool_store(job->pool), reserve_drive_fn, job, e);

	kill_point("iso-tagged");
	return r < 0 ? r : insert_or_release(job, ret_result, e);
}

/* With the tag in place the attach is finished; without it the job had not begun. */
static int vm_attach_iso_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;

	if (!vm || drive_of(view, job->req->target, request_str(job->req, "isoUuid")) < 0)
		return error_undone(e, "the daemon ended before the ISO was attached");
	if (host)
		(void)host_wait_connected(job, host);
	return insert_or_release(job, ret_result, e);
}

/* -------------------------------------------------------------------- detach */

/* The ISO to detach: the given one, or the only one. *ret_count: ISOs of the VM; NULL when there are none. */
static const char *iso_to_detach(const struct view *view, const struct request *req,
				 char ret_image[UUID_SIZE], int *ret_count)
{
	const char *given = request_str(req, "isoUuid");
	char image[UUID_SIZE];

	*ret_count = 0;
	for (int i = 0; i < VM_ISO_MAX; i++)
		if (vm_iso_in_drive(view, req->target, i, image) && (*ret_count)++ == 0)
			snprintf(ret_image, UUID_SIZE, "%s", image);
	if (given)
		snprintf(ret_image, UUID_SIZE, "%s", given);
	return *ret_count ? ret_image : NULL;
}

static int vm_detach_iso_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *given = request_str(req, "isoUuid");
	char image[UUID_SIZE];
	int count;

	if (!iso_to_detach(view, req, image, &count))
		return 0;
	if (!given && count > 1)
		return error_set(e, EBUSY,
				 "VM[uuid:%s] has multiple ISOs attached, specify the isoUuid when detaching",
				 req->target);
	if (given && drive_of(view, req->target, given) < 0)
		return error_set(e, EBUSY, "ISO[uuid:%s] is not attached to VM[uuid:%s]", given, req->target);
	return 0;
}

struct tray {
	struct hypervisor *hv;
	const char *host, *vm;
	int drive;
};

/* Can be repeated. */
static int eject(void *arg, struct error *e)
{
	const struct tray *tray = arg;

	return hv_cdrom_change(tray->hv, tray->host, tray->vm, tray->drive, NULL, e);
}

static int vm_detach_iso_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	struct tray tray = {.hv = pool_hypervisor(job->pool), .host = vm ? vm_active_host(vm) : NULL};
	char image[UUID_SIZE];
	struct ejection out = {job->req->target, NULL};
	int count, r;

	out.image = iso_to_detach(view, job->req, image, &count);
	if (!out.image)
		return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
	tray.vm = out.vm;
	tray.drive = drive_of(view, out.vm, out.image);
	r = tray.host ? host_ask_again(job, tray.host, eject, &tray, e) : 0;
	if (r < 0)
		return r;
	kill_point("iso-ejected");
	r = store_run(pool_store(job->pool), release_drive_fn, &out, e);
	return r < 0 ? r : job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

/* Detaching can be repeated; when the tag is gone, it had been finished. */
static int vm_detach_iso_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;

	if (host)
		(void)host_wait_connected(job, host);
	return vm_detach_iso_run(job, ret_result, e);
}

static const struct operation get_candidate_iso_for_attaching_vm = {
	.section = "4.1.16",
	.name = "GetCandidateIsoForAttachingVm",
	.message = "org.zstack.header.vm.APIGetCandidateIsoForAttachingVmMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/iso-candidates", NULL},
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM), {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "ImageInventory",
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.where = "iso-candidates",
	.flags = OP_SYNC,
	.help = "ISO images that can be attached to the VM",
	.get = vm_iso_candidates_get,
};

static const struct operation get_candidate_vm_for_attaching_iso = {
	.section = "4.1.17",
	.name = "GetCandidateVmForAttachingIso",
	.message = "org.zstack.header.vm.APIGetCandidateVmForAttachingIsoMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/images/iso/{isoUuid}/vm-candidates", NULL},
	.params = (const struct param[]){P_PATH("isoUuid", KIND_IMAGE), {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "VmInstanceInventory",
	.form = FORM_GET,
	.kind = KIND_IMAGE,
	.target = "isoUuid",
	.where = "vm-candidates",
	.flags = OP_SYNC,
	.help = "VMs to which the ISO can be attached",
	.get = iso_vm_candidates_get,
};

static const struct operation attach_iso_to_vm_instance = {
	.section = "4.1.18",
	.name = "AttachIsoToVmInstance",
	.message = "org.zstack.header.vm.APIAttachIsoToVmInstanceMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/iso/{isoUuid}", NULL},
	.key = "params",
	.params =
		(const struct param[]){P_PATH("vmInstanceUuid", KIND_VM), P_PATH("isoUuid", KIND_IMAGE), {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "attach-iso",
	.states = S_RUNNING | S_STOPPED | S_PAUSED,
	.help = "attaches an ISO to a CD-ROM drive of the VM",
	.allows = vm_attach_iso_allows,
	.check = vm_attach_iso_check,
	.run = vm_attach_iso_run,
	.recover = vm_attach_iso_recover,
};

static const struct operation detach_iso_from_vm_instance = {
	.section = "4.1.19",
	.name = "DetachIsoFromVmInstance",
	.message = "org.zstack.header.vm.APIDetachIsoFromVmInstanceMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/iso", NULL},
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM),
					 {.name = "isoUuid",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE | PARAM_ADDRESS,
					  .resource = KIND_IMAGE},
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "detach-iso",
	.states = S_RUNNING | S_STOPPED | S_PAUSED,
	.help = "detaches an ISO from the VM",
	.check = vm_detach_iso_check,
	.run = vm_detach_iso_run,
	.recover = vm_detach_iso_recover,
};

const struct operation *const operations_vm_iso[] = {
	&get_candidate_iso_for_attaching_vm,
	&get_candidate_vm_for_attaching_iso,
	&attach_iso_to_vm_instance,
	&detach_iso_from_vm_instance,
	NULL,
};
