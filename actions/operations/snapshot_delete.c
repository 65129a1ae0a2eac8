/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting a snapshot and its descendants (behaviour.md 4.2.25, 3.5).
 *
 *   1. One change marks them Deleting.
 *   2. When the volume's head is based on one of them, everything down to the file
 *      of the first one's parent is merged into the head. A running guest notices
 *      nothing.
 *   3. One change removes their rows, makes their files orphans, and the parent, if
 *      any, the latest snapshot; with the last snapshot of a tree the tree goes, too.
 *   4. The files are removed.
 *
 * Step 2 can be interrupted at any moment: the head reads the same before, during
 * and after it. Recovery resumes it; when it cannot, the snapshots become Ready
 * again, since all their files are still there.
 */
#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/host/capacity.h"
#include "actions/operations/table.h"
#include "actions/storage/orphan_file.h"
#include "actions/vm/state.h"
#include "actions/volume/location.h"
#include "actions/volume/merge.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/snapshot_rows.h"
#include "actions/volume/snapshot_single.h"
#include "model/states.h"

/* The volume whose head must be merged first; NULL when it is not based on the snapshot. */
static const struct object *volume_above(const struct view *view, const struct object *snapshot)
{
	const char *volume = object_text(snapshot, SNAPSHOT_VOLUME_UUID);
	const struct object *latest = snapshot_latest(view, volume);

	return latest && snapshot_is_below(view, latest, snapshot) ? view_get(view, KIND_VOLUME, volume)
								   : NULL;
}

static int snapshot_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *snapshot = request_object(view, req);
	const struct object *volume = snapshot ? volume_above(view, snapshot) : NULL;
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (!vm || vm_is_running_or_stopped(vm))
		return 0;
	return error_set(
		e, EBUSY,
		"cannot do volume snapshot merge when vm[uuid:%s] is in state of %s. The operation is only allowed "
		"when vm is Running or Stopped",
		object_uuid(vm), object_text(vm, VM_STATE));
}

/* Calls @each for the descendants of the snapshot, the lowest first, and then for the snapshot itself. */
static int for_subtree(struct txn *t, const char *uuid,
		       int (*each)(struct txn *t, const struct object *snapshot, void *arg, struct error *e),
		       void *arg, struct error *e)
{
	int64_t after = 0;
	const struct object *child, *self;

	while ((child = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_PARENT_UUID, uuid, after))) {
		char child_uuid[UUID_SIZE];
		int r;

		after = child->id;
		snprintf(child_uuid, sizeof(child_uuid), "%s", object_uuid(child));
		r = for_subtree(t, child_uuid, each, arg, e);
		if (r < 0)
			return r;
	}
	self = view_get(txn_view(t), KIND_SNAPSHOT, uuid);
	return self ? each(t, self, arg, e) : 0;
}

static int mark_one(struct txn *t, const struct object *snapshot, void *arg, struct error *e)
{
	return snapshot_put_status(t, snapshot, arg, NULL, e);
}

struct mark {
	const char *uuid;
	const char *status;
	bool alone; /* without its descendants */
};

static int mark_fn(struct txn *t, void *arg, struct error *e)
{
	const struct mark *m = arg;
	const struct object *o = view_get(txn_view(t), KIND_SNAPSHOT, m->uuid);

	if (m->alone)
		return o ? mark_one(t, o, (void *)(uintptr_t)m->status, e) : 0;
	return for_subtree(t, m->uuid, mark_one, (void *)(uintptr_t)m->status, e);
}

/* ----------------------------------------------------------------- removing rows */

struct removal {
	const char *uuid;
	const char *host; /* that has the files, on local storage; else NULL */
};

static int remove_one(struct txn *t, const struct object *snapshot, void *arg, struct error *e)
{
	const struct removal *m = arg;
	int64_t id = snapshot->id;
	int r = orphan_file_put_path(t, object_text(snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID), m->host,
				     object_text(snapshot, SNAPSHOT_INSTALL_PATH), e);

	if (r < 0)
		return r;
	return object_remove(t, view_get_id(txn_view(t), KIND_SNAPSHOT, id), e);
}

/* Step 3. */
static int remove_fn(struct txn *t, void *arg, struct error *e)
{
	struct removal *m = arg;
	_cleanup_object_ const struct object *snapshot =
		object_ref(view_get(txn_view(t), KIND_SNAPSHOT, m->uuid));
	const char *parent = snapshot ? object_str(snapshot, SNAPSHOT_PARENT_UUID) : NULL;
	const char *volume = snapshot ? object_text(snapshot, SNAPSHOT_VOLUME_UUID) : "";
	_cleanup_object_ const struct object *owner = object_ref(view_get(txn_view(t), KIND_VOLUME, volume));
	int r;

	if (!snapshot)
		return 0;
	m->host = owner ? object_str(owner, VOLUME_HOST_UUID) : NULL;
	if (volume_above(txn_view(t), snapshot)) {
		r = snapshot_put_latest(t, volume, parent, e);
		if (r < 0)
			return r;
	}
	r = for_subtree(t, m->uuid, remove_one, m, e);
	if (r < 0)
		return r;
	if (!parent) {
		r = object_remove_where(t, KIND_SNAPSHOT_TREE, FIELD_UUID,
					object_text(snapshot, SNAPSHOT_TREE_UUID), e);
		if (r < 0)
			return r;
	}
	return capacity_update_primary_storage(t, object_text(snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID), e);
}

/* ------------------------------------------------------------------- operation */

/* Step 2. */
static int merge(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot = view_get(view, KIND_SNAPSHOT, uuid), *parent;
	const struct object *volume = snapshot ? volume_above(view, snapshot) : NULL;

	if (!volume || !object_str(volume, VOLUME_INSTALL_PATH))
		return 0;
	parent = view_get(view, KIND_SNAPSHOT, object_str(snapshot, SNAPSHOT_PARENT_UUID));
	return volume_merge(
		job, object_uuid(volume),
		parent ? object_str(parent, SNAPSHOT_INSTALL_PATH) : volume_base_path(view, volume), e);
}

/* True when only the snapshot is to be deleted and its descendants stay: volume/snapshot_single.c. */
static bool is_single(const struct request *req)
{
	return strcmp(request_str(req, "scope"), "single") == 0;
}

/* Enforcing: the files that no volume is based on are removed later, when a host can be asked again. */
static bool can_go_on(const struct job *job, const struct view *view, const struct object *snapshot)
{
	return request_is_enforcing(job->req) && !is_single(job->req) && !volume_above(view, snapshot);
}

/* Fails with the reason @why. Not even Enforcing goes on where the data of the volume would be lost. */
static int refuse(const struct job *job, struct error *why, struct error *e)
{
	if (!request_is_enforcing(job->req))
		return error_move(e, why);
	return error_set_code(
		e, why->errnum, why->code,
		"%s; deleteMode=Enforcing does not go on, since the volume is based on the snapshot",
		error_sentence(why));
}

static int snapshot_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	struct mark deleting = {uuid, STATUS_DELETING, false}, ready = {uuid, STATUS_READY, false};
	struct removal removal = {.uuid = uuid};
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot = view_get(view, KIND_SNAPSHOT, uuid);
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r;

	(void)ret_result;
	if (!snapshot)
		return 0;
	r = snapshot_reconcile(job->pool, object_text(snapshot, SNAPSHOT_VOLUME_UUID), &why);
	if (r < 0 && !can_go_on(job, view, snapshot))
		return refuse(job, &why, e);
	if (is_single(job->req))
		return snapshot_delete_single(job, e);
	r = store_run(pool_store(job->pool), mark_fn, &deleting, e);
	if (r < 0)
		return r;
	kill_point("delete-marked");
	error_done(&why);
	r = merge(job, uuid, &why);
	kill_point("delete-merged");
	if (r < 0) {
		(void)store_run(pool_store(job->pool), mark_fn, &ready, NULL);
		return refuse(job, &why, e);
	}
	r = store_run(pool_store(job->pool), remove_fn, &removal, e);
	kill_point("delete-gone");
	orphan_files_remove(job->pool, NULL);
	return r;
}

static int snapshot_delete_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot = view_get(view, KIND_SNAPSHOT, job->req->target);
	struct mark ready = {job->req->target, STATUS_READY, is_single(job->req)};
	int r;

	if (!snapshot) {
		orphan_files_remove(job->pool, NULL);
		return 0;
	}
	r = snapshot_recover_volume(job, object_text(snapshot, SNAPSHOT_VOLUME_UUID), e);
	if (r == 0)
		r = snapshot_delete_run(job, ret_result, e);
	if (r < 0)
		(void)store_run(pool_store(job->pool), mark_fn, &ready, NULL);
	return r;
}

static const struct operation delete_volume_snapshot = {
	.section = "4.2.25",
	.name = "DeleteVolumeSnapshot",
	.message = "org.zstack.header.storage.snapshot.APIDeleteVolumeSnapshotMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/volume-snapshots/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_SNAPSHOT),
					 P_DELETE_MODE,
					 {.name = "scope",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .values = (const char *const[]){"chain", "single", NULL},
					  .default_value = "chain"},
					 {0}},
	.form = FORM_VERB,
	.kind = KIND_SNAPSHOT,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the snapshot and its descendants, or with scope=single only the snapshot itself",
	.check = snapshot_delete_check,
	.queue = snapshot_queue_volume,
	.queue2 = snapshot_queue_vm,
	.run = snapshot_delete_run,
	.recover = snapshot_delete_recover,
	.deadline_s = 86400,
};

const struct operation *const operations_snapshot_delete[] = {
	&delete_volume_snapshot,
	NULL,
};
