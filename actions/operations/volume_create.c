/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating data volumes from an offering, a template or a snapshot (behaviour.md
 * 4.2.1, 4.2.6, 4.2.7).
 *
 *   1. One change writes the row as Creating, on its storage, with its space reserved.
 *   2. The file is created, under a name that follows from the row.
 *   3. One change makes the row Ready, with the path of the file.
 *
 * A kill between them leaves a row that is Creating; the recovery removes the row and
 * the file of that name, and the job begins anew. A volume without a storage is only a
 * row: it gets its file when it is first attached.
 */
#include <inttypes.h>
#include <string.h>

#include "actions/account/quota.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/storage/primary_storage.h"
#include "actions/volume/file.h"
#include "actions/volume/location.h"
#include "actions/volume/remove.h"
#include "actions/volume/size.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/volume.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

/* `shareable`, and as the manual's user interface writes it, `ephemeral::shareable`. */
static bool wants_shareable(const struct request *req)
{
	const char *ephemeral = request_tag(req, "ephemeral");

	return request_tag(req, "shareable") || (ephemeral && strcmp(ephemeral, "shareable") == 0);
}

/* ------------------------------------------------------------------ the row */

/* What a new volume is created from. */
struct source {
	const char *offering, *image; /* uuids or NULL */
	int64_t size;		      /* bytes */
};

static struct object *new_row(const struct view *view, const struct request *req, const struct source *from,
			      struct error *e)
{
	bool shareable = wants_shareable(req);
	struct object *volume;

	if (object_from_request(view, KIND_VOLUME, req, &volume, e) < 0)
		return NULL;
	object_set_null(volume, VOLUME_PRIMARY_STORAGE_UUID);
	object_set_null(volume, VOLUME_HOST_UUID);
	object_set_str(volume, VOLUME_DISK_OFFERING_UUID, from->offering);
	object_set_str(volume, VOLUME_ROOT_IMAGE_UUID, from->image);
	object_set_str(volume, VOLUME_TYPE, "Data");
	object_set_str(volume, VOLUME_FORMAT, primary_storage_format(NULL, shareable));
	object_set_int(volume, VOLUME_SIZE, from->size);
	object_set_int(volume, VOLUME_ACTUAL_SIZE, 0);
	object_set_str(volume, VOLUME_STATE, STATE_ENABLED);
	object_set_str(volume, VOLUME_STATUS, STATUS_NOT_INSTANTIATED);
	object_set_int(volume, VOLUME_IS_SHAREABLE, shareable);
	return volume;
}

static const char *new_volume(const struct request *req)
{
	return request_str(req, "resourceUuid");
}

/* The job would be refused as well, but later. */
static int check_quotas(const struct view *view, const struct request *req, int64_t size, struct error *e)
{
	const char *account = req->actor.account;
	int r = quota_check(view, account, account, "volume.data.num", 1, e);

	return r < 0 ? r : quota_check(view, account, account, "volume.capacity", size, e);
}

/* ------------------------------------------------------------ from an offering */

/* The size of a volume without a template: of its offering, or as a number. */
static int64_t asked_size(const struct view *view, const struct request *req)
{
	int64_t size = volume_round_size(request_int(req, "diskSize", 0));

	return size ? size : disk_offering_size(view, request_str(req, "diskOfferingUuid"));
}

static int volume_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *offering =
		view_get(view, KIND_DISK_OFFERING, request_str(req, "diskOfferingUuid"));
	const struct object *ps, *host;
	int64_t size = asked_size(view, req);
	int r;

	if (offering && size != disk_offering_size(view, object_uuid(offering)))
		return error_set(e, EINVAL,
				 "diskSize[%" PRId64
				 "] is not that of the disk offering: give either the offering or a number",
				 request_int(req, "diskSize", 0));
	if (offering && !object_str_is(offering, DISK_OFFERING_STATE, STATE_ENABLED))
		return error_set(e, EBUSY,
				 "disk offering[uuid:%s] is Disabled, can not create data volume from it",
				 object_uuid(offering));
	r = check_quotas(view, req, size, e);
	if (r < 0)
		return r;
	if (request_has(req, "primaryStorageUuid")) {
		const struct storage_wish wish = {
			.storage = request_str(req, "primaryStorageUuid"),
			.strategy = storage_strategy_of(view, request_str(req, "diskOfferingUuid")),
			.size = size,
		};

		r = volume_choose_storage(view, NULL, &wish, request_tag(req, LOCAL_HOST_TAG), &ps, &host, e);
		if (r < 0)
			return r;
	}
	return object_check_uuid(view, req, e);
}

static int volume_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *offering = request_str(req, "diskOfferingUuid");
	struct source from = {.offering = offering, .size = asked_size(txn_view(t), req)};
	struct object *volume;

	if (request_has(req, "primaryStorageUuid"))
		return OP_NEEDS_RUN;
	volume = new_row(txn_view(t), req, &from, e);
	return volume ? object_create(t, volume, req, ret_result, e) : -ENOMEM;
}

/* Writes a new row on its storage, with its tags. */
struct begin {
	const struct request *req;
	struct source from;
	const char *ps, *wanted_host;
	char host[UUID_SIZE]; /* out */
};

static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	struct begin *b = arg;
	const struct view *view = txn_view(t);
	const struct object *ps, *host;
	struct object *volume;
	const struct storage_wish wish = {.storage = b->ps,
					  .strategy = storage_strategy_of(view, b->from.offering),
					  .size = b->from.size};
	int r = volume_choose_storage(view, NULL, &wish, b->wanted_host, &ps, &host, e);

	if (r < 0)
		return r;
	snprintf(b->host, sizeof(b->host), "%s", object_uuid(host));
	volume = new_row(view, b->req, &b->from, e);
	if (!volume)
		return -ENOMEM;
	r = volume_put_placed(t, volume, ps, host, e);
	return r < 0 ? r : object_put_tags(t, b->req, KIND_VOLUME, new_volume(b->req), e);
}

/* Creates the row and, with volume_make_file_of(), the file; removes both on failure. */
static int create(struct job *job, struct begin *b, json_t **ret_result, struct error *e)
{
	const char *uuid = new_volume(job->req);
	int r = job_choose(job, begin_fn, b, e);

	if (r < 0)
		return r;
	kill_point("volume-placed");
	r = volume_make_file_of(job, uuid, b->host, e);
	if (r < 0) {
		(void)volume_drop(job->pool, uuid, NULL);
		return r;
	}
	return job_result_inventory(job, KIND_VOLUME, uuid, ret_result, e);
}

static int volume_create_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *offering = request_str(job->req, "diskOfferingUuid");
	struct begin b = {
		.req = job->req,
		.from = {.offering = offering, .size = asked_size(view, job->req)},
		.ps = request_str(job->req, "primaryStorageUuid"),
		.wanted_host = request_tag(job->req, LOCAL_HOST_TAG),
	};

	return create(job, &b, ret_result, e);
}

static int volume_create_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = new_volume(job->req);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r;

	if (volume && object_str_is(volume, VOLUME_STATUS, STATUS_READY))
		return job_result_inventory(job, KIND_VOLUME, uuid, ret_result, e);
	if (volume) /* the next file has the same name: this one is to be gone before */
		host_wait_for_storage(job, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID),
				      object_str(volume, VOLUME_HOST_UUID));
	r = volume_drop(job->pool, uuid, e);
	return r < 0 ? r
		     : error_undone(e, "the daemon ended while the volume was being created; it was removed");
}

/* ------------------------------------------------------------- from a template */

static int volume_from_template_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *image = request_object(view, req);
	const char *uuid = object_uuid(image);

	if (!object_str_is(image, IMAGE_MEDIA_TYPE, "DataVolumeTemplate"))
		return error_set(e, EINVAL, "image[uuid:%s] is not DataVolumeTemplate, it's %s", uuid,
				 object_text(image, IMAGE_MEDIA_TYPE));
	if (!object_str_is(image, IMAGE_STATE, STATE_ENABLED))
		return error_set_code(e, EBUSY, "SYS.1006", "image[uuid:%s] is not Enabled, it's %s", uuid,
				      object_text(image, IMAGE_STATE));
	if (!object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return error_set_code(e, EBUSY, "SYS.1006", "image[uuid:%s] is not Ready, it's %s", uuid,
				      object_text(image, IMAGE_STATUS));
	return 0;
}

static int volume_from_template_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = check_quotas(view, req, image_volume_size(request_object(view, req)), e);

	return r < 0 ? r : object_check_uuid(view, req, e);
}

static int volume_from_template_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *image_uuid = request_str(job->req, "imageUuid");
	struct begin b = {
		.req = job->req,
		.from = {.image = image_uuid,
			 .size = image_volume_size(view_get(view, KIND_IMAGE, image_uuid))},
		.ps = request_str(job->req, "primaryStorageUuid"),
		.wanted_host = request_str(job->req, "hostUuid"),
	};

	return create(job, &b, ret_result, e);
}

/* ------------------------------------------------------------- from a snapshot */

static int volume_from_snapshot_allows(const struct view *view, const struct request *req, struct error *e)
{
	return snapshot_check_readable(request_object(view, req), e);
}

static int volume_from_snapshot_check(const struct view *view, const struct request *req, struct error *e)
{
	int r = check_quotas(view, req, object_int(request_object(view, req), SNAPSHOT_VIRTUAL_SIZE), e);

	return r < 0 ? r : object_check_uuid(view, req, e);
}

static int copy_snapshot(struct job *job, const struct object *snapshot, const char *host, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *uuid = new_volume(job->req);
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	_cleanup_free_ char *path = NULL;
	char name[64];
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, uuid);
	volume_file_name(volume, name);
	r = hv_volume_copy(hv, host, object_text(snapshot, SNAPSHOT_INSTALL_PATH),
			   object_text(snapshot, SNAPSHOT_FORMAT),
			   object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), name,
			   object_text(volume, VOLUME_FORMAT), job_copy_progress, job, &path, e);
	if (r < 0)
		return r;
	kill_point("volume-copied");
	return volume_set_ready(job->pool, uuid, host, path, e);
}

static int volume_from_snapshot_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot = request_object(view, job->req);
	const struct object *from =
		snapshot ? view_get(view, KIND_VOLUME, object_str(snapshot, SNAPSHOT_VOLUME_UUID)) : NULL;
	const char *ps = request_str(job->req, "primaryStorageUuid");
	struct begin b = {.req = job->req};
	int r;

	if (!snapshot || !from)
		return error_gone(e, KIND_SNAPSHOT, job->req->target);
	r = snapshot_reconcile(job->pool, object_uuid(from), e);
	if (r < 0)
		return r;
	b.from.size = object_int(snapshot, SNAPSHOT_VIRTUAL_SIZE);
	b.ps = ps ? ps : object_text(snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID);
	/* the copy is written by a host that can read the snapshot */
	b.wanted_host = object_str(from, VOLUME_HOST_UUID);
	r = job_choose(job, begin_fn, &b, e);
	if (r < 0)
		return r;
	kill_point("volume-placed");
	r = copy_snapshot(job, snapshot, b.host, e);
	if (r < 0) {
		(void)volume_drop(job->pool, new_volume(job->req), NULL);
		return r;
	}
	return job_result_inventory(job, KIND_VOLUME, new_volume(job->req), ret_result, e);
}

static const struct operation create_data_volume = {
	.section = "4.2.1",
	.name = "CreateDataVolume",
	.message = "org.zstack.header.volume.APICreateDataVolumeMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/volumes/data", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_NAME,
			P_DESCRIPTION,
			{.name = "diskOfferingUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .unless = "diskSize",
			 .resource = KIND_DISK_OFFERING},
			{.name = "primaryStorageUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .resource = KIND_PRIMARY_STORAGE},
			P_RESOURCE_UUID,
			{.name = "diskSize", .type = PARAM_LONG, .in = IN_BODY, .max = INT64_MAX},
			{0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_VOLUME,
	.where = "volumes",
	.error_code = "SYS.1002",
	.help = "creates a data volume from a disk offering; with the system tags ephemeral::shareable and "
		"capability::virtio-scsi one that can be attached to several VMs",
	.check = volume_create_check,
	.apply = volume_create_apply,
	.run = volume_create_run,
	.recover = volume_create_recover,
};

static const struct operation create_data_volume_from_volume_template = {
	.section = "4.2.6",
	.name = "CreateDataVolumeFromVolumeTemplate",
	.message = "org.zstack.header.volume.APICreateDataVolumeFromVolumeTemplateMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/volumes/data/from/data-volume-templates/{imageUuid}", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("imageUuid", KIND_IMAGE),
			P_NAME,
			P_DESCRIPTION,
			{.name = "primaryStorageUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .resource = KIND_PRIMARY_STORAGE},
			{.name = "hostUuid", .type = PARAM_STRING, .in = IN_BODY, .resource = KIND_HOST},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_IMAGE,
	.target = "imageUuid",
	.verb = "create-data-volume",
	.error_code = "SYS.1002",
	.help = "creates a data volume from this template",
	.allows = volume_from_template_allows,
	.check = volume_from_template_check,
	.run = volume_from_template_run,
	.recover = volume_create_recover,
	.deadline_s = 86400,
};

static const struct operation create_data_volume_from_volume_snapshot = {
	.section = "4.2.7",
	.name = "CreateDataVolumeFromVolumeSnapshot",
	.message = "org.zstack.header.volume.APICreateDataVolumeFromVolumeSnapshotMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/volumes/data/from/volume-snapshots/{volumeSnapshotUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 P_PATH("volumeSnapshotUuid", KIND_SNAPSHOT),
					 {.name = "primaryStorageUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .resource = KIND_PRIMARY_STORAGE},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SNAPSHOT,
	.target = "volumeSnapshotUuid",
	.verb = "create-data-volume",
	.error_code = "SYS.1002",
	.help = "creates a data volume from this snapshot",
	.allows = volume_from_snapshot_allows,
	.check = volume_from_snapshot_check,
	.queue = snapshot_queue_volume,
	.queue2 = snapshot_queue_vm,
	.run = volume_from_snapshot_run,
	.recover = volume_create_recover,
	.deadline_s = 86400,
};

static const struct operation query_volume = {
	.section = "4.2.8",
	.name = "QueryVolume",
	.message = "org.zstack.header.volume.APIQueryVolumeMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volumes", "/volumes/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_VOLUME,
	.flags = OP_SYNC,
	.help = "lists volumes",
};

const struct operation *const operations_volume_create[] = {
	&create_data_volume,
	&create_data_volume_from_volume_template,
	&create_data_volume_from_volume_snapshot,
	&query_volume,
	NULL,
};
