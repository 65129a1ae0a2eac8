/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reverting a volume to a snapshot (behaviour.md 4.2.27, 3.5). No guest has the
 * volume open meanwhile.
 *
 *   1. One change records that the new head belongs to this job (storage/orphan_file.h).
 *   2. The new head is created: an empty overlay on the snapshot's file.
 *   3. One change makes it the head of the volume, the snapshot the latest one, and
 *      the old head an orphan.
 *   4. The old head is removed.
 *
 * Before step 3 the volume is unchanged, and an interrupted job begins anew; after it the volume is reverted. Later
 * snapshots stay, with their own files. Where the storage itself keeps snapshots,
 * they are part of the old head, which is removed with the last of them.
 */
#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/host/capacity.h"
#include "actions/operations/table.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage/primary_storage.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/snapshot_rows.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

static int snapshot_revert_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *snapshot = request_object(view, req);
	const struct object *volume = view_get(view, KIND_VOLUME, object_str(snapshot, SNAPSHOT_VOLUME_UUID));
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (!object_str_is(snapshot, SNAPSHOT_STATE, STATE_ENABLED))
		return error_set(e, EBUSY,
				 "volume snapshot[uuid:%s] is in state %s, cannot revert volume to it",
				 req->target, object_text(snapshot, SNAPSHOT_STATE));
	if (!object_str_is(snapshot, SNAPSHOT_STATUS, STATUS_READY))
		return error_set(e, EBUSY,
				 "volume snapshot[uuid:%s] is in status %s, cannot revert volume to it",
				 req->target, object_text(snapshot, SNAPSHOT_STATUS));
	if (!volume || !object_str_is(volume, VOLUME_STATUS, STATUS_READY))
		return error_set(
			e, EBUSY,
			"original volume for snapshot[uuid:%s] has been deleted, cannot revert volume to it",
			req->target);
	if (vm && !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return error_set(
			e, EBUSY,
			"unable to reset volume[uuid:%s] to snapshot[uuid:%s], the vm[uuid:%s] volume attached to "
			"is not in Stopped state, current state is %s",
			object_uuid(volume), req->target, object_uuid(vm), object_text(vm, VM_STATE));
	return 0;
}

struct revert {
	struct job *job;
	const struct object *snapshot; /* borrowed from the handler's view */
	const char *volume;
	char name[96];	    /* of the new head */
	const char *format; /* of the new head; static */
	const char *path;   /* of the new head, from step 2 on; borrowed */
	int64_t size;	    /* ditto; bytes */
};

/* Step 1. */
static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	const struct revert *v = arg;
	const struct object *volume = view_get(txn_view(t), KIND_VOLUME, v->volume);
	int64_t growth;
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, v->volume);
	/* the volume may have been larger when the snapshot was taken */
	growth = object_int(v->snapshot, SNAPSHOT_VIRTUAL_SIZE) - object_int(volume, VOLUME_SIZE);
	if (growth > 0) {
		r = capacity_reserve_storage(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), growth, e);
		if (r < 0)
			return r;
	}
	return orphan_file_put(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID),
			       object_str(volume, VOLUME_HOST_UUID), v->name, v->job->uuid, e);
}

/* Step 3. */
static int finish_fn(struct txn *t, void *arg, struct error *e)
{
	const struct revert *v = arg;
	_cleanup_object_ const struct object *before =
		object_ref(view_get(txn_view(t), KIND_VOLUME, v->volume));
	struct object *volume;
	const char *ps;
	int r;

	if (!before)
		return error_gone(e, KIND_VOLUME, v->volume);
	ps = object_text(before, VOLUME_PRIMARY_STORAGE_UUID);
	volume = object_copy(before);
	object_set_str(volume, VOLUME_INSTALL_PATH, v->path);
	object_set_int(volume, VOLUME_SIZE, v->size);
	r = txn_put(t, volume, NULL, e);
	if (r < 0)
		return r;
	r = orphan_file_put_path(t, ps, object_str(before, VOLUME_HOST_UUID),
				 object_text(before, VOLUME_INSTALL_PATH), e);
	if (r < 0)
		return r;
	r = orphan_file_adopt(t, ps, v->path, e);
	if (r < 0)
		return r;
	r = snapshot_put_latest(t, v->volume, object_uuid(v->snapshot), e);
	if (r < 0)
		return r;
	return capacity_update_primary_storage(t, ps, e);
}

static int update_capacity_fn(struct txn *t, void *arg, struct error *e)
{
	return capacity_update_primary_storage(t, arg, e);
}

/* Steps 2 and 3. */
static int make_head(struct revert *v, struct error *e)
{
	struct pool *pool = v->job->pool;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	_cleanup_free_ char *path = NULL;
	struct volume_location at;
	struct hv_volume_info info;
	int r = volume_locate(view, v->volume, &at, e);

	if (r < 0)
		return r;
	if (at.active)
		return error_set(e, EBUSY, "vm[uuid:%s] is not in Stopped state", object_uuid(at.vm));
	r = hv_volume_create(pool_hypervisor(pool), at.host, at.ps, v->name, v->format,
			     object_int(v->snapshot, SNAPSHOT_VIRTUAL_SIZE),
			     object_text(v->snapshot, SNAPSHOT_INSTALL_PATH),
			     object_text(v->snapshot, SNAPSHOT_FORMAT), &path, e);
	if (r < 0)
		return r;
	kill_point("revert-overlay");
	r = hv_volume_info(pool_hypervisor(pool), at.host, path, &info, e);
	if (r < 0)
		return r;
	v->path = path;
	v->size = info.size;
	return store_run(pool_store(pool), finish_fn, v, e);
}

static int snapshot_revert_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct revert v = {.job = job, .snapshot = request_object(view, job->req)};
	int r;

	(void)ret_result;
	if (!v.snapshot)
		return error_gone(e, KIND_SNAPSHOT, job->req->target);
	v.volume = object_text(v.snapshot, SNAPSHOT_VOLUME_UUID);
	v.format = primary_storage_format(
		view_get(view, KIND_PRIMARY_STORAGE, object_str(v.snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID)),
		false);
	snprintf(v.name, sizeof(v.name), "%s-%s.%s", v.volume, job->uuid, v.format);
	r = snapshot_reconcile(job->pool, v.volume, e);
	if (r < 0)
		return r;
	r = store_run(pool_store(job->pool), begin_fn, &v, e);
	if (r < 0)
		return r;
	kill_point("revert-begun");
	r = make_head(&v, e);
	kill_point("revert-done");
	if (r < 0)
		(void)store_run(pool_store(job->pool), update_capacity_fn,
				(void *)(uintptr_t)object_text(v.snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID),
				NULL);
	orphan_files_remove(job->pool, job->uuid);
	return r;
}

static int snapshot_revert_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot = request_object(view, job->req);
	const struct object *volume =
		snapshot ? view_get(view, KIND_VOLUME, object_str(snapshot, SNAPSHOT_VOLUME_UUID)) : NULL;
	int r = volume ? snapshot_recover_volume(job, object_uuid(volume), e) : 0;

	(void)ret_result;
	if (r < 0)
		return r;
	if (volume && strstr(object_text(volume, VOLUME_INSTALL_PATH), job->uuid))
		return 0;
	if (snapshot)
		(void)store_run(pool_store(job->pool), update_capacity_fn,
				(void *)(uintptr_t)object_text(snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID),
				NULL);
	return error_undone(e, "the daemon ended before the volume was reverted; it is unchanged");
}

static const struct operation revert_volume_from_snapshot = {
	.section = "4.2.27",
	.name = "RevertVolumeFromSnapshot",
	.message = "org.zstack.header.storage.snapshot.APIRevertVolumeFromSnapshotMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volume-snapshots/{uuid}/actions", NULL},
	.key = "revertVolumeFromSnapshot",
	.params = (const struct param[]){P_UUID(KIND_SNAPSHOT), {0}},
	.form = FORM_VERB,
	.kind = KIND_SNAPSHOT,
	.target = "uuid",
	.verb = "revert-volume",
	.help = "reverts the volume to this snapshot",
	.check = snapshot_revert_check,
	.queue = snapshot_queue_volume,
	.queue2 = snapshot_queue_vm,
	.run = snapshot_revert_run,
	.recover = snapshot_revert_recover,
};

const struct operation *const operations_snapshot_revert[] = {
	&revert_volume_from_snapshot,
	NULL,
};
