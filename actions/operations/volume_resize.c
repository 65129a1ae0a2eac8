/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making volumes larger (behaviour.md 4.2.12, 4.2.13).
 *
 *   1. A snapshot keeps the former content. It is an ordinary snapshot and stays,
 *      whatever happens next. (Shareable volumes are raw and have no snapshots.) Its
 *      uuid follows from the job, so that one that begins anew does not take it twice.
 *   2. One change reserves the additional bytes, on the storage and of the quota.
 *   3. The disk grows: through QEMU when the guest is active, else the file itself.
 *   4. One change writes the new size.
 *
 * The size asked for is rounded up (volume/size.h). Growing loses no data, so recovery writes the present size of the file and
 * compares it with the requested one; if it is smaller, the job begins anew.
 */
#include <string.h>

#include "actions/account/quota.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/capacity.h"
#include "actions/operations/table.h"
#include "actions/vm/state.h"
#include "actions/volume/location.h"
#include "actions/volume/size.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_create.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

#define GROWTH_MIN (4 << 20) /* bytes */

static int64_t wanted_size(const struct request *req)
{
	return volume_round_size(request_int(req, "size", 0));
}

/* A volume that several VMs share can only grow while all of them are Stopped. */
static int check_shared(const struct view *view, const struct object *volume, struct error *e)
{
	view_for_each_where (ref, view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, object_uuid(volume)) {
		const struct object *vm = view_get(view, KIND_VM, object_str(ref, SHAREABLE_REF_VM_UUID));

		if (vm && !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
			return error_set(
				e, EBUSY,
				"shareable volume[uuid:%s] is attached to vm[uuid:%s], which is not Stopped, its "
				"state is %s",
				object_uuid(volume), object_uuid(vm), object_text(vm, VM_STATE));
	}
	return 0;
}

static int volume_resize_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);
	const struct object *vm = view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID));
	const char *type = req->op->data;

	if (!object_str_is(volume, VOLUME_TYPE, type))
		return error_set(e, EINVAL, "volume[uuid:%s] is not %s volume", req->target,
				 strcmp(type, "Root") == 0 ? "root" : "data");
	if (!object_str_is(volume, VOLUME_STATUS, STATUS_READY))
		return error_set(e, EBUSY,
				 "volume[uuid:%s] is not in status Ready, current is %s, can't resize it",
				 req->target, object_text(volume, VOLUME_STATUS));
	if (vm && !vm_is_running_or_stopped(vm))
		return error_set(e, EBUSY, "vm[uuid:%s] is not Running or Stopped, current state[%s]",
				 object_uuid(vm), object_text(vm, VM_STATE));
	return check_shared(view, volume, e);
}

static int volume_resize_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);
	const char *type = req->op->data;
	int64_t size = wanted_size(req), now = object_int(volume, VOLUME_SIZE);

	if (size < now)
		return error_set(e, EINVAL, "Cannot shrink [%s] volume[uuid:%s]'s size", type, req->target);
	if (size - now < GROWTH_MIN)
		return error_set(e, EINVAL, "Minimum increase size should be larger than 4MB");
	return quota_check(view, req->actor.account, object_str(volume, VOLUME_ACCOUNT_UUID),
			   "volume.capacity", size - now, e);
}

/* --------------------------------------------------------------------- steps */

/* The steps of a spec, which share a job, may make several volumes larger. */
static void snapshot_uuid(const struct job *job, char ret[UUID_SIZE])
{
	char of[2 * UUID_SIZE];

	snprintf(of, sizeof(of), "%s:%s", job->uuid, job->req->target);
	uuid_derive(of, 0, ret);
}

/* Takes the snapshot of step 1, unless that is done. */
static int take_snapshot(struct job *job, const struct object *volume, struct error *e)
{
	_cleanup_view_ struct view *view = NULL;
	double gib = (double)wanted_size(job->req) / (1 << 30);
	char uuid[UUID_SIZE], name[NAME_BYTES_MAX], description[512];
	const struct new_snapshot spec = {
		.volume = object_uuid(volume),
		.uuid = uuid,
		.name = name,
		.description = description,
	};
	int r;

	if (object_int(volume, VOLUME_IS_SHAREABLE))
		return 0;
	r = snapshot_reconcile(job->pool, spec.volume, e);
	if (r < 0)
		return r;
	view = store_view(pool_store(job->pool));
	snapshot_uuid(job, uuid);
	if (view_get(view, KIND_SNAPSHOT, uuid))
		return 0;
	object_name_after("before-resize-", volume, name);
	snprintf(description, sizeof(description),
		 "a snapshot recording the volume state before resize to %fG is created automatically", gib);
	return snapshot_take(job, &spec, e);
}

struct growth {
	const char *volume;
	int64_t size; /* the new one, bytes */
};

static int reserve_fn(struct txn *t, void *arg, struct error *e)
{
	const struct growth *g = arg;
	struct object *volume;
	const struct object *put;
	int r = txn_edit(t, KIND_VOLUME, g->volume, &volume, e);

	if (r < 0)
		return r;
	object_set_int(volume, VOLUME_NEXT_SIZE, g->size);
	r = txn_put(t, volume, &put, e);
	if (r < 0)
		return r;
	return capacity_reserve_storage(t, object_text(put, VOLUME_PRIMARY_STORAGE_UUID),
					g->size - object_int(put, VOLUME_SIZE), e);
}

static int grow(struct job *job, int64_t size, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *uuid = job->req->target;
	struct volume_location location;
	int r = volume_locate(view, uuid, &location, e);

	if (r < 0)
		return r;
	if (location.active)
		return hv_disk_resize(hv, location.host, object_uuid(location.vm), uuid, size, e);
	return hv_volume_resize(hv, location.host, object_text(location.volume, VOLUME_INSTALL_PATH), size,
				e);
}

static int volume_resize_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = request_object(view, job->req);
	int64_t size = wanted_size(job->req);
	struct growth g = {.volume = job->req->target, .size = size};
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, job->req->target);
	r = take_snapshot(job, volume, e);
	kill_point("resize-snapshot");
	if (r < 0)
		return r;
	r = store_run(pool_store(job->pool), reserve_fn, &g, e);
	if (r < 0)
		return r;
	r = grow(job, size, e);
	kill_point("resize-grown");
	if (r < 0) {
		(void)volume_sync_size(job->pool, g.volume, NULL);
		return r;
	}
	r = volume_sync_size(job->pool, g.volume, e);
	kill_point("resize-done");
	return r < 0 ? r : job_result_inventory(job, KIND_VOLUME, g.volume, ret_result, e);
}

static int volume_resize_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	int r = snapshot_recover_volume(job, uuid, e);
	struct view *view;
	bool done;

	if (r < 0)
		return r;
	r = volume_sync_size(job->pool, uuid, e);
	if (r < 0)
		return r;
	view = store_view(pool_store(job->pool));
	done = view_get(view, KIND_VOLUME, uuid) &&
	       object_int(view_get(view, KIND_VOLUME, uuid), VOLUME_SIZE) >= wanted_size(job->req);
	view_unref(view);
	return done ? job_result_inventory(job, KIND_VOLUME, uuid, ret_result, e)
		    : error_undone(e, "the daemon ended before the volume grew; its size has not changed");
}

static const struct operation resize_root_volume = {
	.section = "4.2.12",
	.name = "ResizeRootVolume",
	.message = "org.zstack.header.volume.APIResizeRootVolumeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/resize/{uuid}/actions", NULL},
	.key = "resizeRootVolume",
	.params =
		(const struct param[]){
			P_UUID(KIND_VOLUME),
			{.name = "size", .type = PARAM_LONG, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "resize-root",
	.help = "makes the root volume larger",
	.data = "Root",
	.allows = volume_resize_allows,
	.check = volume_resize_check,
	.queue2 = volume_queue_vm,
	.run = volume_resize_run,
	.recover = volume_resize_recover,
};

static const struct operation resize_data_volume = {
	.section = "4.2.13",
	.name = "ResizeDataVolume",
	.message = "org.zstack.header.volume.APIResizeDataVolumeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/data/resize/{uuid}/actions", NULL},
	.key = "resizeDataVolume",
	.params =
		(const struct param[]){
			P_UUID(KIND_VOLUME),
			{.name = "size", .type = PARAM_LONG, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "resize-data",
	.help = "makes the data volume larger",
	.data = "Data",
	.allows = volume_resize_allows,
	.check = volume_resize_check,
	.queue2 = volume_queue_vm,
	.run = volume_resize_run,
	.recover = volume_resize_recover,
};

const struct operation *const operations_volume_resize[] = {
	&resize_root_volume,
	&resize_data_volume,
	NULL,
};
