/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating images from volumes and snapshots (behaviour.md 4.3.9-4.3.12).
 *
 *   1. One change writes the image and its refs as Creating, and records that the
 *      copy of step 2 belongs to this job (storage/orphan_file.h).
 *   2. A standalone copy is made on the primary storage: of the disk at one point in
 *      time when a running or paused guest has it, else of the file.
 *   3. The copy is downloaded into the folder `staging` of the state folder. A file
 *      at rest on this machine is copied there at once, without step 2.
 *   4. It becomes a file on each backup storage, moved or copied, and the image
 *      becomes Ready (image/copies.h).
 *   5. What is left of both copies is removed.
 *
 * A kill before the end of step 4 leaves an image that is not Ready: recovery
 * removes it and all its files, and the job begins anew.
 */
#include <string.h>
#include <sys/stat.h>

#include "actions/account/quota.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "actions/image/copies.h"
#include "actions/image/image.h"
#include "actions/operations/table.h"
#include "actions/storage/backup_storage.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage/primary_storage.h"
#include "actions/vm/machine.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk_copy.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/json.h"
#include "model/render.h"
#include "model/states.h"

#define ROOT_TEMPLATE "RootVolumeTemplate"
#define DATA_TEMPLATE "DataVolumeTemplate"

/* The media type of the image that is made. */
static const char *media_type(const struct request *req)
{
	return req->op->data;
}

static bool is_data_template(const struct request *req)
{
	return strcmp(media_type(req), DATA_TEMPLATE) == 0;
}

static bool is_usable(const struct view *view, const struct object *bs, const char *zone)
{
	return backup_storage_is_usable(bs) && zone_has_backup_storage(view, zone, object_uuid(bs));
}

/*
 * The volume that becomes an image; *ret_snapshot is its snapshot when the request names one, else NULL.
 * NULL when the volume is gone.
 */
static const struct object *source_of(const struct view *view, const struct request *req,
				      const struct object **ret_snapshot)
{
	const struct object *o = request_object(view, req);

	*ret_snapshot = NULL;
	if (!o || o->kind->id == KIND_VOLUME)
		return o;
	*ret_snapshot = o;
	return view_get(view, KIND_VOLUME, object_str(o, SNAPSHOT_VOLUME_UUID));
}

/* The format of an image that is created from the volume. */
static const char *format_of(const struct view *view, const struct object *volume)
{
	return primary_storage_format(
		view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID)), false);
}

/* The zone of a volume's storage; "" for a volume without storage. */
static const char *zone_of(const struct view *view, const struct object *volume)
{
	const struct object *ps =
		view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID));

	return ps ? object_text(ps, PRIMARY_STORAGE_ZONE_UUID) : "";
}

/* --------------------------------------------------------------------- checks */

static int check_volume(const struct view *view, const struct request *req, const struct object *volume,
			struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID));
	const char *uuid = object_uuid(volume);

	if (!object_str_is(volume, VOLUME_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "volume[uuid:%s] is not Ready, it's %s", uuid,
				 object_text(volume, VOLUME_STATUS));
	if (!object_str_is(volume, VOLUME_STATE, STATE_ENABLED))
		return error_set(e, EBUSY, "volume[uuid:%s] is not Enabled, it's %s", uuid,
				 object_text(volume, VOLUME_STATE));
	if (!is_data_template(req) && !object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EINVAL, "volume[uuid:%s] is not root volume", uuid);
	if (vm && !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)) &&
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)) &&
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_PAUSED)))
		return error_set(e, EBUSY, "vm[uuid:%s] is not Running, Stopped or Paused, current state[%s]",
				 object_uuid(vm), object_text(vm, VM_STATE));
	return 0;
}

/* The backup storages of a request, or one that is chosen for it: a list of uuids, owned by the caller. */
static json_t *choose_backup_storages(const struct view *view, const struct request *req,
				      const struct object *volume)
{
	const json_t *given = request_list(req, "backupStorageUuids");
	const char *zone = zone_of(view, volume);

	if (json_array_size(given))
		return json_incref_const(given);
	view_for_each (bs, view, KIND_BACKUP_STORAGE)
		if (is_usable(view, bs, zone))
			return json_pack("[s]", object_uuid(bs));
	return json_array();
}

static int image_template_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *snapshot, *volume = source_of(view, req, &snapshot);

	if (!volume)
		return error_set(e, ENOENT, "the volume of snapshot[uuid:%s] is gone", req->target);
	return snapshot ? snapshot_check_readable(snapshot, e) : check_volume(view, req, volume, e);
}

static int image_template_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *snapshot, *volume = source_of(view, req, &snapshot);
	_cleanup_json_ json_t *list = NULL;
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	r = quota_check(view, req->actor.account, req->actor.account, "image.num", 1, e);
	if (r < 0)
		return r;
	list = choose_backup_storages(view, req, volume);
	return image_copies_check(view, list, e);
}

/* ----------------------------------------------------------------------- rows */

struct template
{
	struct job *job;
	const char *image;
	char name[64];	 /* of the copy on the primary storage */
	char path[4096]; /* of the copy in the state folder */
	char ps[UUID_SIZE];
	const char *format; /* of the copies; static, set in step 1 */
	int64_t bytes;	    /* that a copy takes at least, set in step 1 */
};

/* Tags that say what the system on the disk needs, so that VMs made of the image must have them, too. */
static const char *const guest_tags[] = {
	"qemuga", "bootMode", "secureBoot", "tpm", "windows::virtioVolume",
};

/* Describes the guest of the new image as the VM, or the image of the volume, does. */
static void describe_guest(struct txn *t, const struct object *volume, struct object *image)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, object_str(volume, VOLUME_VM_UUID));
	const struct object *former =
		view_get(txn_view(t), KIND_IMAGE, object_str(volume, VOLUME_ROOT_IMAGE_UUID));

	if (!object_str(image, IMAGE_PLATFORM))
		object_set_str(image, IMAGE_PLATFORM,
			       vm	? object_text(vm, VM_PLATFORM)
			       : former ? object_text(former, IMAGE_PLATFORM)
					: "Linux");
	if (!object_str(image, IMAGE_GUEST_OS_TYPE) && former)
		object_set_str(image, IMAGE_GUEST_OS_TYPE, object_str(former, IMAGE_GUEST_OS_TYPE));
}

/* The image gets these tags of the VM, or of the image of the volume, unless the request has others. */
static int put_guest_tags(struct txn *t, const struct template *m, const struct object *volume,
			  struct error *e)
{
	const struct view *view = txn_view(t);
	_cleanup_object_ const struct object *vm =
		object_ref(view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)));
	const char *from = vm ? object_uuid(vm) : object_str(volume, VOLUME_ROOT_IMAGE_UUID);

	if (is_data_template(m->job->req))
		return 0;
	for (size_t i = 0; from && i < ARRAY_SIZE(guest_tags); i++) {
		const char *value = tag_value(txn_view(t), from, guest_tags[i]);
		int r;

		if (!value || request_tag(m->job->req, guest_tags[i]))
			continue;
		r = object_set_system_tag(t, KIND_IMAGE, m->image, guest_tags[i], value, false, e);
		if (r < 0)
			return r;
	}
	/* the system has drivers for this machine; it may have none for that of today's new VMs */
	if (!vm || request_tag(m->job->req, "vmMachineType"))
		return 0;
	return object_set_system_tag(t, KIND_IMAGE, m->image, "vmMachineType",
				     vm_machine_type(txn_view(t), vm), false, e);
}

static int put_image(struct txn *t, const struct template *m, const struct object *volume, bool of_snapshot,
		     struct error *e)
{
	const struct request *req = m->job->req;
	struct object *image;
	char url[64];
	int r = object_from_request(txn_view(t), KIND_IMAGE, req, &image, e);

	if (r < 0)
		return r;
	snprintf(url, sizeof(url), "%s://%s", of_snapshot ? "volumeSnapshot" : "volume", req->target);
	object_set_str(image, IMAGE_URL, url);
	object_set_str(image, IMAGE_STATE, STATE_ENABLED);
	object_set_str(image, IMAGE_STATUS, STATUS_CREATING);
	object_set_str(image, IMAGE_FORMAT, format_of(txn_view(t), volume));
	object_set_str(image, IMAGE_MEDIA_TYPE, media_type(req));
	object_set_str(image, IMAGE_TYPE, "zstack");
	object_set_int(image, IMAGE_SIZE, 0);
	object_set_int(image, IMAGE_ACTUAL_SIZE, 0);
	object_set_int(image, IMAGE_SYSTEM, request_bool(req, "system", false));
	describe_guest(t, volume, image);
	r = txn_put(t, image, NULL, e);
	if (r < 0)
		return r;
	r = object_put_tags(t, req, KIND_IMAGE, m->image, e);
	return r < 0 ? r : put_guest_tags(t, m, volume, e);
}

/* Step 1. */
static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	struct template *m = arg;
	const struct object *snapshot, *volume = source_of(txn_view(t), m->job->req, &snapshot);
	_cleanup_object_ const struct object *held = object_ref(volume);
	_cleanup_json_ json_t *list = NULL;
	int r;

	if (!volume)
		return error_set(e, ENOENT, "the volume is gone");
	snprintf(m->ps, sizeof(m->ps), "%s", object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
	m->format = format_of(txn_view(t), volume);
	m->bytes = snapshot ? object_int(snapshot, SNAPSHOT_SIZE) : object_int(volume, VOLUME_ACTUAL_SIZE);
	/* the copy may become as large as the disk is now */
	r = capacity_reserve_storage(t, m->ps, object_int(volume, VOLUME_ACTUAL_SIZE), e);
	if (r < 0)
		return r;
	r = put_image(t, m, held, snapshot != NULL, e);
	if (r < 0)
		return r;
	list = choose_backup_storages(txn_view(t), m->job->req, held);
	r = image_copies_put_refs(t, m->image, list, STATUS_CREATING, e);
	if (r < 0)
		return r;
	return orphan_file_put(t, m->ps, object_str(held, VOLUME_HOST_UUID), m->name, m->job->uuid, e);
}

static int update_capacity_fn(struct txn *t, void *arg, struct error *e)
{
	return capacity_update_primary_storage(t, arg, e);
}

/* ---------------------------------------------------------------------- copies */

/* Steps 2 and 3 are the first half of the job's progress, the copies on backup storage the second. */
static int half_progress(void *ctx, int percent)
{
	return job_copy_progress(ctx, percent / 2);
}

/* What is copied: a file at rest, or the disk of a guest that has it open (@path is NULL). */
struct from {
	struct volume_location at;
	const char *path, *path_format, *format;
};

/* Step 2, and step 3 where the host is this machine: then *ret_path is NULL. */
static int copy(struct template *m, const struct from *from, char **ret_path, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(m->job->pool);
	bool here;
	int r;

	if (!from->path)
		return hv_disk_copy(hv, from->at.host, object_uuid(from->at.vm), object_uuid(from->at.volume),
				    from->at.ps, m->name, half_progress, m->job, ret_path, e);
	r = hv_volume_export(hv, from->at.host, from->path, from->path_format, m->path, from->format,
			     half_progress, m->job, &here, e);
	return r < 0 || here ? r
			     : hv_volume_copy(hv, from->at.host, from->path, from->path_format, from->at.ps,
					      m->name, from->format, half_progress, m->job, ret_path, e);
}

/* Steps 2 and 3. */
static int fetch(struct template *m, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(m->job->pool));
	const struct object *snapshot, *volume = source_of(view, m->job->req, &snapshot);
	_cleanup_free_ char *path = NULL;
	struct from from = {0};
	int r;

	if (!volume)
		return error_set(e, ENOENT, "the volume is gone");
	r = volume_locate(view, object_uuid(volume), &from.at, e);
	if (r < 0)
		return r;
	from.format = format_of(view, volume);
	if (snapshot) {
		from.path = object_text(snapshot, SNAPSHOT_INSTALL_PATH);
		from.path_format = object_text(snapshot, SNAPSHOT_FORMAT);
	} else if (!from.at.active) {
		from.path = object_text(volume, VOLUME_INSTALL_PATH);
		from.path_format = object_text(volume, VOLUME_FORMAT);
	}
	r = copy(m, &from, &path, e);
	kill_point("template-copied");
	if (r == 0 && path)
		r = hv_volume_download(pool_hypervisor(m->job->pool), from.at.host, path, m->path,
				       half_progress, m->job, e);
	kill_point("template-staged");
	return r;
}

static struct template template_of(struct job *job)
{
	struct template m = {.job = job, .image = request_str(job->req, "resourceUuid")};

	snprintf(m.name, sizeof(m.name), "template-%s", m.image);
	snprintf(m.path, sizeof(m.path), "%s/staging/%s", pool_state_dir(job->pool), job->uuid);
	return m;
}

/* Step 5. */
static void clean_up(struct template *m)
{
	(void)unlink(m->path);
	orphan_files_remove(m->job->pool, m->job->uuid);
	if (*m->ps)
		(void)store_run(pool_store(m->job->pool), update_capacity_fn, m->ps, NULL);
}

static int reconcile_source(struct job *job, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot, *volume = source_of(view, job->req, &snapshot);

	return volume ? snapshot_reconcile(job->pool, object_uuid(volume), e) : 0;
}

/* Fails with @cause (taken over), in the words of the manual's server unless the job was stopped. */
static int failed_everywhere(const struct template *m, struct error *cause, struct error *e)
{
	const struct request *req = m->job->req;
	char *text = NULL;
	int len;

	if (job_should_stop(m->job))
		return error_move(e, cause);
	if (is_data_template(req))
		len = asprintf(
			&text,
			"failed to create data volume template from volume[uuid:%s] on all backup storage. "
			"See cause for one of errors: %s",
			req->target, error_sentence(cause));
	else
		len = asprintf(
			&text,
			"failed to create image from %s[uuid:%s] on all backup storage, see cause for one "
			"of errors: %s",
			req->op->kind == KIND_SNAPSHOT ? "volume snapshot" : "root volume", req->target,
			error_sentence(cause));
	if (len < 0)
		return error_move(e, cause);
	error_wrap(cause, "SYS.1006");
	free(cause->details);
	cause->details = text;
	return error_move(e, cause);
}

/* Before step 2: fails when no backup storage has room for the present content of the disk. */
static int find_room(const struct template *m, struct error *e)
{
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	int r = image_copies_find_room(m->job, m->image, m->bytes, &cause);

	return r < 0 ? failed_everywhere(m, &cause, e) : 0;
}

/* Step 4. */
static int copy_to_all(const struct template *m, const struct image_claim *claim, json_t **ret_failures,
		       struct error *e)
{
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	int r = image_copies_make(m->job, m->image, m->path, NULL, claim, ret_failures, &cause);

	return r < 0 ? failed_everywhere(m, &cause, e) : 0;
}

static int image_template_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct image_claim claim = {.media_type = media_type(job->req),
				    .system = request_bool(job->req, "system", false)};
	struct template m = template_of(job);
	json_t *failures = NULL;
	int r = reconcile_source(job, e);

	if (r < 0)
		return r;
	r = store_run(pool_store(job->pool), begin_fn, &m, e);
	if (r < 0)
		return r;
	claim.format = m.format;
	claim.any_raw = strcmp(m.format, "raw") == 0; /* the pool knows that it is a disk */
	kill_point("template-begun");
	r = find_room(&m, e);
	if (r == 0)
		r = fetch(&m, e);
	if (r < 0)
		(void)image_remove_copies(job->pool, m.image, NULL, true, NULL); /* no files yet, only rows */
	else
		r = copy_to_all(&m, &claim, &failures, e);
	kill_point("template-made");
	clean_up(&m);
	return r < 0 ? r : image_copies_result(job, m.image, failures, ret_result, e);
}

/* Ends what a killed job has left under way: QEMU may still be copying the guest's disk. Fails if it may go on. */
static int end_copy(struct job *job, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot, *volume = source_of(view, job->req, &snapshot);
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;
	int r = 0;

	if (volume)
		(void)snapshot_recover_volume(job, object_uuid(volume), NULL);
	if (vm && !snapshot && object_str(vm, VM_HOST_UUID))
		r = hv_disk_copy_abort(pool_hypervisor(job->pool), object_text(vm, VM_HOST_UUID),
				       object_uuid(vm), object_uuid(volume), e);
	if (volume)
		(void)store_run(pool_store(job->pool), update_capacity_fn,
				(void *)(uintptr_t)object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), NULL);
	return r;
}

static int image_template_recover(struct job *job, json_t **ret_result, struct error *e)
{
	struct template m = template_of(job);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *image = view_get(view, KIND_IMAGE, m.image);
	_cleanup_(error_done) struct error copying = ERROR_INIT;
	int ended = end_copy(job, &copying), r;

	clean_up(&m);
	if (image && object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return job_result_inventory(job, KIND_IMAGE, m.image, ret_result, e);
	r = image_remove_copies(job->pool, m.image, NULL, false, e);
	if (r < 0)
		return r;
	return ended < 0
		       ? error_move(e, &copying)
		       : error_undone(
				 e,
				 "the daemon ended while the image was being created; nothing of it is kept");
}

/* ------------------------------------------------------------------- candidates */

/* The volume in question; NULL when neither it nor a snapshot of it is named. */
static const struct object *candidate_volume(const struct view *view, const struct request *req)
{
	const struct object *snapshot = view_get(view, KIND_SNAPSHOT, request_str(req, "volumeSnapshotUuid"));

	return view_get(view, KIND_VOLUME,
			snapshot ? object_str(snapshot, SNAPSHOT_VOLUME_UUID)
				 : request_str(req, "volumeUuid"));
}

static int image_candidates_check(const struct view *view, const struct request *req, struct error *e)
{
	return candidate_volume(view, req)
		       ? 0
		       : error_set(e, EINVAL, "either volumeUuid or volumeSnapshotUuid must be set");
}

static int image_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
				json_t **ret_result, struct error *e)
{
	const struct object *volume = candidate_volume(view, req);
	_cleanup_json_ json_t *list = json_array();

	(void)pool;
	view_for_each (bs, view, KIND_BACKUP_STORAGE) {
		int r = 0;

		if (is_usable(view, bs, zone_of(view, volume)))
			r = result_list_add(list, view, req, bs, e);
		if (r < 0)
			return r;
	}
	return result_inventories(steal(&list), ret_result, e);
}

static const struct operation get_candidate_backup_storage_for_creating_image = {
	.section = "4.3.9",
	.name = "GetCandidateBackupStorageForCreatingImage",
	.message = "org.zstack.header.image.APIGetCandidateBackupStorageForCreatingImageMsg",
	.method = METHOD_GET,
	.paths =
		(const char *const[]){
			"/images/volumes/{volumeUuid}/candidate-backup-storage",
			"/images/volume-snapshots/{volumeSnapshotUuid}/candidate-backup-storage", NULL},
	/* as later versions have it, with the uuid in the query string */
	.route_aliases = (const char *const[]){"GET /images/candidate-backup-storage", NULL},
	.params =
		(const struct param[]){
			{.name = "volumeUuid", .type = PARAM_STRING, .in = IN_PATH, .resource = KIND_VOLUME},
			{.name = "volumeSnapshotUuid",
			 .type = PARAM_STRING,
			 .in = IN_PATH,
			 .resource = KIND_SNAPSHOT},
			{0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "BackupStorageInventory",
	.form = FORM_COLLECTION_GET,
	.kind = KIND_IMAGE,
	.where = "images/candidate-backup-storage",
	.flags = OP_SYNC,
	.help = "backup storages on which an image of the volume or snapshot can be created",
	.check = image_candidates_check,
	.get = image_candidates_get,
};

static const struct operation create_root_volume_template_from_root_volume = {
	.section = "4.3.10",
	.name = "CreateRootVolumeTemplateFromRootVolume",
	.message = "org.zstack.header.image.APICreateRootVolumeTemplateFromRootVolumeMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/images/root-volume-templates/from/volumes/{rootVolumeUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "guestOsType", .type = PARAM_STRING, .in = IN_BODY},
					 {.name = "backupStorageUuids",
					  .type = PARAM_LIST,
					  .in = IN_BODY,
					  .flags = PARAM_NONEMPTY,
					  .resource = KIND_BACKUP_STORAGE},
					 P_PATH("rootVolumeUuid", KIND_VOLUME),
					 P_PLATFORM,
					 {.name = "system", .type = PARAM_BOOL, .in = IN_BODY},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:ImageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "rootVolumeUuid",
	.verb = "create-root-volume-template",
	.error_code = "IMG.1000",
	.help = "creates an image from this root volume",
	.data = ROOT_TEMPLATE,
	.allows = image_template_allows,
	.check = image_template_check,
	.queue2 = volume_queue_vm,
	.run = image_template_run,
	.recover = image_template_recover,
	.deadline_s = 86400,
};

static const struct operation create_root_volume_template_from_volume_snapshot = {
	.section = "4.3.11",
	.name = "CreateRootVolumeTemplateFromVolumeSnapshot",
	.message = "org.zstack.header.image.APICreateRootVolumeTemplateFromVolumeSnapshotMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/images/root-volume-templates/from/volume-snapshots/{snapshotUuid}",
				       NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("snapshotUuid", KIND_SNAPSHOT),
					 P_NAME,
					 P_DESCRIPTION,
					 {.name = "guestOsType", .type = PARAM_STRING, .in = IN_BODY},
					 {.name = "backupStorageUuids",
					  .type = PARAM_LIST,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_NONEMPTY,
					  .resource = KIND_BACKUP_STORAGE},
					 P_PLATFORM,
					 {.name = "system", .type = PARAM_BOOL, .in = IN_BODY},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:ImageInventory", "failures:List", NULL},
	.form = FORM_VERB,
	.kind = KIND_SNAPSHOT,
	.target = "snapshotUuid",
	.verb = "create-root-volume-template",
	.error_code = "IMG.1000",
	.help = "creates an image from this snapshot",
	.data = ROOT_TEMPLATE,
	.allows = image_template_allows,
	.check = image_template_check,
	.queue = snapshot_queue_volume,
	.queue2 = snapshot_queue_vm,
	.run = image_template_run,
	.recover = image_template_recover,
	.deadline_s = 86400,
};

static const struct operation create_data_volume_template_from_volume = {
	.section = "4.3.12",
	.name = "CreateDataVolumeTemplateFromVolume",
	.message = "org.zstack.header.image.APICreateDataVolumeTemplateFromVolumeMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/images/data-volume-templates/from/volumes/{volumeUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 P_PATH("volumeUuid", KIND_VOLUME),
					 {.name = "backupStorageUuids",
					  .type = PARAM_LIST,
					  .in = IN_BODY,
					  .flags = PARAM_NONEMPTY,
					  .resource = KIND_BACKUP_STORAGE},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:ImageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "volumeUuid",
	.verb = "create-data-volume-template",
	.error_code = "IMG.1000",
	.help = "creates a data volume template from this volume",
	.data = DATA_TEMPLATE,
	.allows = image_template_allows,
	.check = image_template_check,
	.queue2 = volume_queue_vm,
	.run = image_template_run,
	.recover = image_template_recover,
	.deadline_s = 86400,
};

const struct operation *const operations_image_template[] = {
	&get_candidate_backup_storage_for_creating_image,
	&create_root_volume_template_from_root_volume,
	&create_root_volume_template_from_volume_snapshot,
	&create_data_volume_template_from_volume,
	NULL,
};
