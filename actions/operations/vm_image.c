/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a VM's root volume: ReimageVmInstance (behaviour.md 4.1.11),
 * ChangeVmImage (4.1.61) and the images that the latter accepts (4.1.62).
 *
 * Reimage keeps the volume and its history: the active file becomes a snapshot,
 * and the volume continues on a new overlay of the image. The new file is an
 * orphan (storage/orphan_file.h) until one change makes it the active file; its
 * name contains the job's uuid, so that a recovery sees whether that has happened.
 *
 * Change creates a second root volume, whose uuid is in the request; one change
 * puts it into the VM's row and removes the old one.
 */
#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "actions/host/wait.h"
#include "actions/image/cache.h"
#include "actions/image/image.h"
#include "actions/image/rules.h"
#include "actions/operations/table.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage/primary_storage.h"
#include "actions/vm/iso.h"
#include "actions/volume/file.h"
#include "actions/volume/location.h"
#include "actions/volume/remove.h"
#include "actions/volume/size.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/snapshot_rows.h"
#include "actions/volume/volume.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/json.h"
#include "model/states.h"

/* A connected host that reaches the volume: the VM's last host if possible; NULL when there is none. */
static const struct object *host_for(const struct view *view, const struct object *vm,
				     const struct object *root)
{
	const struct object *last = view_get(view, KIND_HOST, object_str(vm, VM_LAST_HOST_UUID));

	if (last && !object_str(root, VOLUME_HOST_UUID) &&
	    object_str_is(last, HOST_STATUS, STATUS_CONNECTED) &&
	    cluster_has_primary_storage(view, object_str(last, HOST_CLUSTER_UUID),
					object_str(root, VOLUME_PRIMARY_STORAGE_UUID)))
		return last;
	return volume_any_host(view, root);
}

static int no_host(const struct object *root, struct error *e)
{
	return error_set_code(e, ENOTCONN, "PS.1003", "no connected host can reach primary storage[uuid:%s]",
			      object_text(root, VOLUME_PRIMARY_STORAGE_UUID));
}

/* ----------------------------------------------------------------- reimage */

/* Whether an overlay can be created: from the image, or from its copy in the cache of the storage. */
static bool has_image(const struct view *view, const struct object *root, const char *image_uuid)
{
	const struct object *image = view_get(view, KIND_IMAGE, image_uuid);
	const char *host = object_str(root, VOLUME_HOST_UUID);

	if (image && object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return true;
	view_for_each_where (copy, view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID, image_uuid)
		if (object_str_is(copy, IMAGE_CACHE_STATUS, STATUS_READY) &&
		    object_str_is(copy, IMAGE_CACHE_PRIMARY_STORAGE_UUID,
				  object_text(root, VOLUME_PRIMARY_STORAGE_UUID)) &&
		    (!host || object_str_is(copy, IMAGE_CACHE_HOST_UUID, host)))
			return true;
	return false;
}

static int vm_reimage_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const struct object *root = vm_root_volume(view, vm);
	const char *image = root ? object_str(root, VOLUME_ROOT_IMAGE_UUID) : NULL;

	if (!object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return error_set_code(
			e, EBUSY, "VM.1014",
			"unable to reset volume[uuid:%s] to origin image[uuid:%s], the vm[uuid:%s] volume "
			"attached to is not in Stopped state, current state is %s",
			object_text(vm, VM_ROOT_VOLUME_UUID), object_text(vm, VM_IMAGE_UUID), req->target,
			object_text(vm, VM_STATE));
	if (image_is_iso(view_get(view, KIND_IMAGE, object_str(vm, VM_IMAGE_UUID))))
		return error_set_code(
			e, EBUSY, "VM.1015",
			"unable to reset volume[uuid:%s] to origin image[uuid:%s], for image type is ISO",
			object_text(vm, VM_ROOT_VOLUME_UUID), object_text(vm, VM_IMAGE_UUID));
	if (!image || !has_image(view, root, image))
		return error_set_code(
			e, EBUSY, "VM.1016",
			"unable to reset volume[uuid:%s] to origin image[uuid:%s], cannot find image cache.",
			object_text(vm, VM_ROOT_VOLUME_UUID), object_text(vm, VM_IMAGE_UUID));
	return 0;
}

struct reimage {
	const char *vm;
	const char *job;
	char name[2 * UUID_SIZE + sizeof(".qcow2")]; /* of the new file */
	const char *format;			     /* of it; static */
	char *path;				     /* owned */
	int64_t old_size;			     /* bytes of the former file on the storage */
	struct hv_volume_info info;		     /* of the new file */
};

static void reimage_init(struct reimage *r, const struct view *view, const struct object *vm,
			 const struct object *root, const char *job)
{
	const struct object *ps =
		view_get(view, KIND_PRIMARY_STORAGE, object_str(root, VOLUME_PRIMARY_STORAGE_UUID));

	*r = (struct reimage){.vm = object_uuid(vm), .job = job, .format = primary_storage_format(ps, false)};
	snprintf(r->name, sizeof(r->name), "%s-%s.%s", object_uuid(root), job, r->format);
}

static void reimage_done(struct reimage *r)
{
	free(r->path);
}

/* Records the new file as an orphan of the job, before it exists. */
static int claim_fn(struct txn *t, void *arg, struct error *e)
{
	struct reimage *re = arg;
	const struct object *vm = view_get(txn_view(t), KIND_VM, re->vm);
	const struct object *root = vm ? vm_root_volume(txn_view(t), vm) : NULL;

	if (!root)
		return error_gone(e, KIND_VM, re->vm);
	return orphan_file_put(t, object_text(root, VOLUME_PRIMARY_STORAGE_UUID),
			       object_str(root, VOLUME_HOST_UUID), re->name, re->job, e);
}

/* Makes the former file a snapshot and the new file the active one. */
static int reimage_fn(struct txn *t, void *arg, struct error *e)
{
	struct reimage *re = arg;
	const struct object *vm = view_get(txn_view(t), KIND_VM, re->vm);
	_cleanup_object_ const struct object *root = vm ? object_ref(vm_root_volume(txn_view(t), vm)) : NULL;
	char point[UUID_SIZE], description[128];
	struct new_snapshot spec = {.uuid = point, .name = "reimage-vm-point", .description = description};
	struct object *volume;
	int r;

	if (!root)
		return error_gone(e, KIND_VM, re->vm);
	uuid_make(point);
	snprintf(description, sizeof(description), "save snapshot for reimage vm [uuid:%s]", re->vm);
	spec.volume = object_uuid(root);
	r = snapshot_put_frozen(t, &spec, re->old_size, e);
	if (r < 0)
		return r;
	r = orphan_file_adopt(t, object_text(root, VOLUME_PRIMARY_STORAGE_UUID), re->path, e);
	if (r < 0)
		return r;
	volume = object_copy(root);
	object_set_str(volume, VOLUME_INSTALL_PATH, re->path);
	object_set_str(volume, VOLUME_FORMAT, re->format);
	object_set_int(volume, VOLUME_SIZE, re->info.size);
	object_set_int(volume, VOLUME_ACTUAL_SIZE, re->info.actual_size);
	r = txn_put(t, volume, NULL, e);
	return r < 0 ? r
		     : capacity_update_primary_storage(t, object_text(root, VOLUME_PRIMARY_STORAGE_UUID), e);
}

/* Creates the new file: an overlay of the image with the present size of the volume. */
static int create_overlay(struct job *job, const struct object *root, const char *host, struct reimage *re,
			  struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	const char *ps = object_text(root, VOLUME_PRIMARY_STORAGE_UUID);
	_cleanup_free_ char *backing = NULL, *format = NULL;
	struct hv_volume_info info = {0};
	int r = image_cache_get(job, object_text(root, VOLUME_ROOT_IMAGE_UUID), ps, host, &backing, &format,
				e);

	if (r < 0)
		return r;
	r = hv_volume_info(hv, host, object_text(root, VOLUME_INSTALL_PATH), &info, e);
	if (r < 0)
		return r;
	re->old_size = info.actual_size;
	r = hv_volume_create(hv, host, ps, re->name, re->format,
			     volume_round_size(object_int(root, VOLUME_SIZE)), backing, format, &re->path, e);
	if (r < 0)
		return r;
	return hv_volume_info(hv, host, re->path, &re->info, e);
}

static int no_root(const char *vm, struct error *e)
{
	return error_set(e, ENOENT, "VM '%s' has no root volume", vm);
}

static int vm_reimage_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = snapshot_reconcile_vm(job->pool, job->req->target, e);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const struct object *root = vm ? vm_root_volume(view, vm) : NULL;
	const struct object *host = root ? host_for(view, vm, root) : NULL;
	_cleanup_(reimage_done) struct reimage re = {0};

	if (r < 0)
		return r;
	if (!root)
		return no_root(job->req->target, e);
	if (!host)
		return no_host(root, e);
	reimage_init(&re, view, vm, root, job->uuid);
	r = store_run(pool_store(job->pool), claim_fn, &re, e);
	if (r == 0)
		r = create_overlay(job, root, object_uuid(host), &re, e);
	kill_point("reimage-made");
	if (r == 0)
		r = store_run(pool_store(job->pool), reimage_fn, &re, e);
	kill_point("reimage-done");
	if (r < 0) {
		orphan_files_remove(job->pool, job->uuid);
		return r;
	}
	return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

static int interrupted(const struct job *job, struct error *e)
{
	return error_undone(
		e,
		"the daemon ended while the root volume of VM '%s' was being replaced; the VM is unchanged",
		job->req->target);
}

static int vm_reimage_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const struct object *root = vm ? vm_root_volume(view, vm) : NULL;
	_cleanup_(reimage_done) struct reimage re = {0};

	if (root) {
		reimage_init(&re, view, vm, root, job->uuid);
		if (strcmp(path_file_name(object_text(root, VOLUME_INSTALL_PATH)), re.name) == 0)
			return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
		host_wait_for_storage(job, object_str(root, VOLUME_PRIMARY_STORAGE_UUID),
				      object_str(root, VOLUME_HOST_UUID));
	}
	orphan_files_remove(job->pool, job->uuid);
	return interrupted(job, e);
}

/* ------------------------------------------------------------------ change */

static int check_new_image(const struct view *view, const struct object *vm, const char *uuid,
			   struct error *e)
{
	const struct object *image = view_get(view, KIND_IMAGE, uuid);

	if (!image)
		return error_set_code(e, ENOENT, "SYS.1003",
				      "invalid field[imageUuid], resource[uuid:%s, type:ImageVO] not found",
				      uuid);
	if (object_str_is(vm, VM_IMAGE_UUID, uuid))
		return error_set(e, EBUSY, "the image of vm[uuid:%s] is image[uuid:%s] already",
				 object_uuid(vm), uuid);
	if (!object_str_is(image, IMAGE_STATE, STATE_ENABLED))
		return error_set(e, EBUSY, "image[uuid:%s] is not Enabled, it's %s", uuid,
				 object_text(image, IMAGE_STATE));
	if (!object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "image[uuid:%s] is not Ready, it's %s", uuid,
				 object_text(image, IMAGE_STATUS));
	if (!image_is_iso(image) && !object_str_is(image, IMAGE_MEDIA_TYPE, "RootVolumeTemplate"))
		return error_set(
			e, EINVAL,
			"image[uuid:%s] is of mediaType: %s, only RootVolumeTemplate and ISO can be used to change vm "
			"image",
			uuid, object_text(image, IMAGE_MEDIA_TYPE));
	if (object_int(image, IMAGE_SYSTEM))
		return error_set(e, EINVAL,
				 "image[uuid:%s] is system image, can't be used to change vm image", uuid);
	if (!image_is_in_zone(view, object_uuid(image), object_text(vm, VM_ZONE_UUID)))
		return error_set(
			e, EINVAL,
			"the image[uuid:%s] is not on any backup storage that has been attached to the zone[uuid:%s]",
			uuid, object_text(vm, VM_ZONE_UUID));
	return 0;
}

static int vm_change_image_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const struct object *root = vm_root_volume(view, vm);
	const struct object *ps =
		root ? view_get(view, KIND_PRIMARY_STORAGE, object_str(root, VOLUME_PRIMARY_STORAGE_UUID))
		     : NULL;
	const struct object *last = view_get(view, KIND_HOST, object_str(vm, VM_LAST_HOST_UUID));

	if (!object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return error_set(e, EBUSY, "do not change vm image when it's not stopped");
	if (!ps || !object_str_is(ps, PRIMARY_STORAGE_STATE, STATE_ENABLED) ||
	    !object_str_is(ps, PRIMARY_STORAGE_STATUS, STATUS_CONNECTED))
		return error_set(e, EBUSY,
				 "make sure the primary storage vm[uuid:%s] was on is Enabled and Connected",
				 req->target);
	if (last && !(object_str_is(last, HOST_STATE, STATE_ENABLED) && host_can_serve(last, req, e)))
		return error_set(e, EBUSY,
				 "make sure the last host vm[uuid:%s] was on is Enabled and Connected",
				 req->target);
	return 0;
}

static int vm_change_image_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = object_check_uuid(view, req, e);

	return r < 0 ? r : check_new_image(view, request_object(view, req), request_str(req, "imageUuid"), e);
}

struct image_change {
	const struct request *req;
	const char *host; /* on which the new file is created */
};

static int vm_or_image_gone(const char *vm, struct error *e)
{
	return error_set(e, ENOENT, "VM '%s' or its new image is gone", vm);
}

/* Writes the row of the new root volume. */
static int new_root_fn(struct txn *t, void *arg, struct error *e)
{
	struct image_change *c = arg;
	const struct object *vm = request_object(txn_view(t), c->req);
	const struct object *root = vm ? vm_root_volume(txn_view(t), vm) : NULL;
	const struct object *image = view_get(txn_view(t), KIND_IMAGE, request_str(c->req, "imageUuid"));
	char description[64], uuid[UUID_SIZE];
	struct new_volume disk = {
		.uuid = request_str(c->req, "resourceUuid"),
		.storage = root ? object_str(root, VOLUME_PRIMARY_STORAGE_UUID) : NULL,
		.host = c->host,
		.description = description,
	};

	if (!root || !image)
		return vm_or_image_gone(c->req->target, e);
	snprintf(description, sizeof(description), "Root volume for VM[uuid:%s]", object_uuid(vm));
	disk.image = object_uuid(image);
	/* An installation from an ISO starts on an empty disk of the size of the old one. */
	disk.size = image_is_iso(image) ? volume_round_size(object_int(root, VOLUME_SIZE))
					: image_volume_size(image);
	return volume_put_new(t, vm, &disk, uuid, e);
}

/* Ejects the ISO that the VM was installed from. */
static int eject_old_iso(struct txn *t, const char *vm, const char *image, struct error *e)
{
	const struct object *row;
	int64_t after = 0;
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "iso::%s::", image);
	while ((row = view_next_where(txn_view(t), KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, vm, after))) {
		int r;

		after = row->id;
		if (strncmp(object_text(row, SYSTEM_TAG_TAG), prefix, strlen(prefix)) != 0)
			continue;
		r = txn_remove(t, row, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Gives the VM its new root volume and image, and removes the old volume. */
static int switch_fn(struct txn *t, void *arg, struct error *e)
{
	const struct request *req = arg;
	const struct object *before = request_object(txn_view(t), req);
	const struct object *image = view_get(txn_view(t), KIND_IMAGE, request_str(req, "imageUuid"));
	char old_root[UUID_SIZE], old_image[UUID_SIZE];
	bool iso = image_is_iso(image);
	struct object *vm;
	int r;

	if (!before || !image)
		return vm_or_image_gone(req->target, e);
	snprintf(old_root, sizeof(old_root), "%s", object_text(before, VM_ROOT_VOLUME_UUID));
	snprintf(old_image, sizeof(old_image), "%s", object_text(before, VM_IMAGE_UUID));
	vm = object_copy(before);
	object_set_str(vm, VM_ROOT_VOLUME_UUID, request_str(req, "resourceUuid"));
	object_set_str(vm, VM_IMAGE_UUID, object_uuid(image));
	object_set_str(vm, VM_PLATFORM, object_str(image, IMAGE_PLATFORM));
	r = txn_put(t, vm, NULL, e);
	if (r < 0)
		return r;
	r = volume_put_gone(t, old_root, e);
	if (r < 0)
		return r;
	r = eject_old_iso(t, req->target, old_image, e);
	if (r < 0 || !iso)
		return r;
	return vm_put_iso(t, req->target, request_str(req, "imageUuid"), e);
}

static int remove_fn(struct txn *t, void *arg, struct error *e)
{
	return volume_put_gone(t, arg, e);
}

/* Removes the new root volume, complete or not. */
static void remove_new_root(struct job *job)
{
	const char *uuid = request_str(job->req, "resourceUuid");

	(void)store_run(pool_store(job->pool), remove_fn, (void *)(uintptr_t)uuid, NULL);
	orphan_files_remove(job->pool, NULL);
}

static int vm_change_image_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	_cleanup_view_ struct view *laid_out = NULL;
	const struct object *vm = request_object(view, job->req);
	const struct object *root = vm ? vm_root_volume(view, vm) : NULL;
	const struct object *host = root ? host_for(view, vm, root) : NULL;
	struct image_change c = {.req = job->req};
	int r;

	if (!root)
		return no_root(job->req->target, e);
	if (!host)
		return no_host(root, e);
	c.host = object_uuid(host);
	r = store_run(pool_store(job->pool), new_root_fn, &c, e);
	if (r < 0)
		return r;
	laid_out = store_view(pool_store(job->pool));
	r = volume_make_file(job, view_get(laid_out, KIND_VOLUME, request_str(job->req, "resourceUuid")),
			     c.host, e);
	kill_point("change-image-made");
	if (r == 0 && job_should_stop(job))
		r = job_stop_reason(job, e);
	if (r == 0)
		r = store_run(pool_store(job->pool), switch_fn, job->req, e);
	kill_point("change-image-done");
	if (r < 0) {
		remove_new_root(job);
		return r;
	}
	orphan_files_remove(job->pool, NULL);
	return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

static int vm_change_image_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = request_object(view, job->req);
	const struct object *volume = view_get(view, KIND_VOLUME, request_str(job->req, "resourceUuid"));
	/* an attempt before may have left a file without a row: it lies where the present root volume does */
	const struct object *file = volume || !vm ? volume : vm_root_volume(view, vm);

	/* so that the files can be removed now */
	if (file)
		host_wait_for_storage(job, object_str(file, VOLUME_PRIMARY_STORAGE_UUID),
				      object_str(file, VOLUME_HOST_UUID));
	if (vm && volume && object_str_is(vm, VM_ROOT_VOLUME_UUID, object_uuid(volume))) {
		orphan_files_remove(job->pool, NULL);
		return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
	}
	remove_new_root(job);
	return interrupted(job, e);
}

/* -------------------------------------------------------------- candidates */

static int vm_image_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
				   json_t **ret_result, struct error *e)
{
	const struct object *vm = request_object(view, req);
	_cleanup_json_ json_t *list = json_array();

	(void)pool;
	view_for_each (image, view, KIND_IMAGE) {
		int r;

		if (!object_str_is(image, IMAGE_STATE, STATE_ENABLED) ||
		    !object_str_is(image, IMAGE_STATUS, STATUS_READY) ||
		    !object_str_is(image, IMAGE_MEDIA_TYPE, "RootVolumeTemplate") ||
		    object_int(image, IMAGE_SYSTEM) || object_str_is(vm, VM_IMAGE_UUID, object_uuid(image)) ||
		    !image_is_in_zone(view, object_uuid(image), object_text(vm, VM_ZONE_UUID)))
			continue;
		r = result_list_add(list, view, req, image, e);
		if (r < 0)
			return r;
	}
	return result_inventories(steal(&list), ret_result, e);
}

static const struct operation reimage_vm_instance = {
	.section = "4.1.11",
	.name = "ReimageVmInstance",
	.message = "org.zstack.header.vm.APIReimageVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/actions", NULL},
	.key = "reimageVmInstance",
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM), {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "reimage",
	.help = "resets the root volume to its image",
	.check = vm_reimage_check,
	.run = vm_reimage_run,
	.recover = vm_reimage_recover,
};

static const struct operation change_vm_image = {
	.section = "4.1.61",
	.name = "ChangeVmImage",
	.message = "org.zstack.header.vm.APIChangeVmImageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/actions", NULL},
	.key = "changeVmImage",
	.key_aliases = (const char *const[]){"changeVmlImage", NULL},
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM),
					 {.name = "imageUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_MAYBE,
					  .resource = KIND_IMAGE},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "change-image",
	.help = "replaces the root volume with one from another image",
	.allows = vm_change_image_allows,
	.check = vm_change_image_check,
	.run = vm_change_image_run,
	.recover = vm_change_image_recover,
};

static const struct operation get_image_candidates_for_vm_to_change = {
	.section = "4.1.62",
	.name = "GetImageCandidatesForVmToChange",
	.message = "org.zstack.header.vm.APIGetImageCandidatesForVmToChangeMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/image-candidates", NULL},
	.params =
		(const struct param[]){
			{.name = "vmInstanceUuid", .type = PARAM_STRING, .in = IN_PATH, .resource = KIND_VM},
			{0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "ImageInventory",
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.where = "image-candidates",
	.flags = OP_SYNC,
	.help = "images that can replace the image of the VM",
	.get = vm_image_candidates_get,
};

const struct operation *const operations_vm_image[] = {
	&reimage_vm_instance,
	&change_vm_image,
	&get_image_candidates_for_vm_to_change,
	NULL,
};
