/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting, recovering and expunging data volumes (behaviour.md 4.2.2-4.2.4,
 * 3.10).
 *
 * A volume is removed in one change: its row and those of its snapshots are
 * deleted, and their files are recorded as orphans (storage/orphan_file.h). Then
 * the files are removed. So no volume is ever half removed, and files that a kill
 * has left are removed with the next orphans.
 */
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/result.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/volume/attach.h"
#include "actions/volume/remove.h"
#include "actions/volume/volume.h"
#include "model/states.h"

/* --------------------------------------------------------------------- delete */

static int set_deleted(struct txn *t, const char *uuid, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, uuid);
	struct object *volume;

	if (!before)
		return 0;
	volume = object_copy(before);
	object_set_str(volume, VOLUME_STATUS, STATUS_DELETED);
	return txn_put(t, volume, NULL, e);
}

static int deleted_fn(struct txn *t, void *arg, struct error *e)
{
	return set_deleted(t, arg, e);
}

static bool is_direct(const struct view *view)
{
	return strcmp(config_str(view, "volume.deletionPolicy"), "Direct") == 0;
}

static int volume_delete_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (!volume)
		return 0;
	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EINVAL, "volume[uuid:%s] is Root volume, can't be deleted", req->target);
	if (object_str_is(volume, VOLUME_STATUS, STATUS_DELETED))
		return error_set(e, EBUSY, "volume[uuid:%s] is already in status of deleted", req->target);
	return 0;
}

/* A volume that is not attached needs no host when it is only marked as Deleted, or has no file. */
static int volume_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *volume = request_object(txn_view(t), req);

	(void)ret_result;
	if (!volume)
		return 0;
	if (volume_is_attached_anywhere(txn_view(t), volume))
		return OP_NEEDS_RUN;
	if (object_str_is(volume, VOLUME_STATUS, STATUS_NOT_INSTANTIATED))
		return volume_put_gone(t, req->target, e);
	return is_direct(txn_view(t)) ? OP_NEEDS_RUN : set_deleted(t, req->target, e);
}

/* Enforcing: the VM loses the volume in the rows even if the guest keeps the disk or cannot be asked. */
static int detach(struct job *job, const char *uuid, const char *vm, struct error *e)
{
	struct volume_claim c = {.volume = uuid, .vm = vm};
	int r = volume_detach(job, uuid, vm, request_is_enforcing(job->req) ? NULL : e);

	return r < 0 && request_is_enforcing(job->req)
		       ? store_run(pool_store(job->pool), volume_put_released, &c, e)
		       : r;
}

/* Detaches the volume from all VMs. */
static int detach_all(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r;

	if (volume && object_str(volume, VOLUME_VM_UUID)) {
		r = detach(job, uuid, object_str(volume, VOLUME_VM_UUID), e);
		if (r < 0)
			return r;
	}
	view_for_each_where (ref, view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, uuid) {
		r = detach(job, uuid, object_str(ref, SHAREABLE_REF_VM_UUID), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int volume_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *uuid = job->req->target;
	int r = detach_all(job, uuid, e);

	(void)ret_result;
	if (r < 0)
		return r;
	if (!is_direct(view))
		return store_run(pool_store(job->pool), deleted_fn, (void *)(uintptr_t)uuid, e);
	return request_is_enforcing(job->req) ? volume_drop(job->pool, uuid, e)
					      : volume_remove(job->pool, uuid, e);
}

/* Deleting and expunging can be repeated. */
static int volume_delete_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, job->req->target);
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (!volume)
		return 0;
	if (vm && object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	host_wait_for_storage(job, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID),
			      object_str(volume, VOLUME_HOST_UUID));
	return job->req->op->run(job, ret_result, e);
}

/* ----------------------------------------------------------- expunge, recover */

static int volume_expunge_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (!volume || object_str_is(volume, VOLUME_STATUS, STATUS_DELETED))
		return 0;
	return error_set(e, EBUSY, "the volume[uuid:%s, name:%s] is not deleted yet, can't expunge it",
			 req->target, object_name(volume));
}

static int volume_expunge_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return volume_remove(job->pool, job->req->target, e);
}

static int volume_recover_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "volume[uuid:%s] is Root volume, it is recovered with its VM",
				 req->target);
	if (object_str_is(volume, VOLUME_STATUS, STATUS_DELETED))
		return 0;
	return error_set(
		e, EBUSY,
		"the volume[uuid:%s] is not in status of deleted. This is operation is to recover a deleted "
		"data volume",
		req->target);
}

static int volume_recover_apply(struct txn *t, const struct request *req, json_t **ret_result,
				struct error *e)
{
	const struct object *before = request_object(txn_view(t), req);
	struct object *volume = object_copy(before);

	(void)ret_result;
	object_set_str(volume, VOLUME_STATUS,
		       object_str(before, VOLUME_INSTALL_PATH) ? STATUS_READY : STATUS_NOT_INSTANTIATED);
	return txn_put(t, volume, NULL, e);
}

static const struct operation delete_data_volume = {
	.section = "4.2.2",
	.name = "DeleteDataVolume",
	.message = "org.zstack.header.volume.APIDeleteDataVolumeMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/volumes/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_VOLUME), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the data volume; it can be recovered until it is expunged",
	.allows = volume_delete_allows,
	.queue2 = volume_queue_vm,
	.apply = volume_delete_apply,
	.run = volume_delete_run,
	.recover = volume_delete_recover,
};

static const struct operation expunge_data_volume = {
	.section = "4.2.3",
	.name = "ExpungeDataVolume",
	.message = "org.zstack.header.volume.APIExpungeDataVolumeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/{uuid}/actions", NULL},
	.key = "expungeDataVolume",
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_VOLUME), {0}},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "expunge",
	.flags = OP_DESTROYS,
	.help = "removes a deleted data volume for good",
	.check = volume_expunge_check,
	.run = volume_expunge_run,
	.recover = volume_delete_recover,
};

static const struct operation recover_data_volume = {
	.section = "4.2.4",
	.name = "RecoverDataVolume",
	.message = "org.zstack.header.volume.APIRecoverDataVolumeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/{uuid}/actions", NULL},
	.key = "recoverDataVolume",
	.params = (const struct param[]){P_UUID(KIND_VOLUME), {0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "recover",
	.help = "recovers a deleted data volume",
	.allows = volume_recover_allows,
	.apply = volume_recover_apply,
};

const struct operation *const operations_volume_delete[] = {
	&delete_data_volume,
	&expunge_data_volume,
	&recover_data_volume,
	NULL,
};
