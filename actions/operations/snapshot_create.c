/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, updating and querying snapshots and their trees. */
#include "actions/account/quota.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/operations/table.h"
#include "actions/schedule/scheduler.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_create.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/volume.h"
#include "model/states.h"

static int snapshot_create_allows(const struct view *view, const struct request *req, struct error *e)
{
	return snapshot_check_take(view, request_object(view, req), e);
}

static int snapshot_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	return quota_check(view, req->actor.account, object_str(volume, VOLUME_ACCOUNT_UUID),
			   "snapshot.volume.num", 1, e);
}

static int snapshot_create_run(struct job *job, json_t **ret_result, struct error *e)
{
	const struct new_snapshot new = {
		.volume = job->req->target,
		.uuid = request_str(job->req, "resourceUuid"),
		.name = request_str(job->req, "name"),
		.description = request_str(job->req, "description"),
		.request = job->req,
		.scheduler = *job->req->actor.scheduler ? job->req->actor.scheduler : NULL,
	};
	int r = snapshot_take(job, &new, e);

	kill_point("snapshot-scheduled");
	if (r < 0)
		return r;
	scheduler_drop_snapshots(job->pool, new.scheduler);
	return job_result_inventory(job, KIND_SNAPSHOT, new.uuid, ret_result, e);
}

static int snapshot_create_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = request_str(job->req, "resourceUuid");
	int r = snapshot_recover_volume(job, job->req->target, e);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *snapshot = view_get(view, KIND_SNAPSHOT, uuid);

	if (r < 0)
		return r;
	if (snapshot && object_str_is(snapshot, SNAPSHOT_STATUS, STATUS_READY)) {
		scheduler_drop_snapshots(job->pool, object_str(snapshot, SNAPSHOT_SCHEDULER_UUID));
		return job_result_inventory(job, KIND_SNAPSHOT, uuid, ret_result, e);
	}
	return error_undone(e, "the daemon ended before the snapshot was taken; there is no snapshot");
}

static const struct operation create_volume_snapshot = {
	.section = "4.2.21",
	.name = "CreateVolumeSnapshot",
	.message = "org.zstack.header.volume.APICreateVolumeSnapshotMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/volumes/{volumeUuid}/volume-snapshots", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_PATH("volumeUuid", KIND_VOLUME), P_NAME, P_DESCRIPTION, P_RESOURCE_UUID, {0}},
	.results = (const char *const[]){"inventory:VolumeSnapshotInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "volumeUuid",
	.verb = "create-snapshot",
	.help = "takes a snapshot of the volume",
	.allows = snapshot_create_allows,
	.check = snapshot_create_check,
	.queue2 = volume_queue_vm,
	.run = snapshot_create_run,
	.recover = snapshot_create_recover,
	.deadline_s = 86400,
};

static const struct operation query_volume_snapshot = {
	.section = "4.2.22",
	.name = "QueryVolumeSnapshot",
	.message = "org.zstack.header.storage.snapshot.APIQueryVolumeSnapshotMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volume-snapshots", "/volume-snapshots/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SNAPSHOT,
	.flags = OP_SYNC,
	.help = "lists snapshots",
};

static const struct operation query_volume_snapshot_tree = {
	.section = "4.2.23",
	.name = "QueryVolumeSnapshotTree",
	.message = "org.zstack.header.storage.snapshot.APIQueryVolumeSnapshotTreeMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volume-snapshots/trees", "/volume-snapshots/trees/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SNAPSHOT_TREE,
	.flags = OP_SYNC,
	.help = "lists snapshot trees",
};

static const struct operation update_volume_snapshot = {
	.section = "4.2.24",
	.name = "UpdateVolumeSnapshot",
	.message = "org.zstack.header.storage.snapshot.APIUpdateVolumeSnapshotMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volume-snapshots/{uuid}/actions", NULL},
	.key = "updateVolumeSnapshot",
	.params = (const struct param[]){P_UUID(KIND_SNAPSHOT), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:VolumeSnapshotInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SNAPSHOT,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the snapshot's name or description",
	.apply = object_update_apply,
};

const struct operation *const operations_snapshot_create[] = {
	&create_volume_snapshot,
	&query_volume_snapshot,
	&query_volume_snapshot_tree,
	&update_volume_snapshot,
	NULL,
};
