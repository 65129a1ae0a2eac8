/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting, recovering and expunging data volumes (behaviour.md 4.2.2-4.2.4,
 * 3.10), and removing volumes for good.
 *
 * A volume goes in one change: its row and those of its snapshots go, and each of
 * their files gets a loose row (loose_file.h). Then the files are removed. So
 * there is never a volume of which only a part is left, and after a kill the
 * files are removed by whoever comes first.
 */
#include <string.h>

#include "actions/capacity.h"
#include "actions/config.h"
#include "actions/executor.h"
#include "actions/handlers.h"
#include "actions/kill_point.h"
#include "actions/loose_file.h"
#include "actions/object_ops.h"
#include "actions/snapshot.h"
#include "actions/storage.h"
#include "actions/topology.h"
#include "actions/vm.h"
#include "actions/volume.h"

#define NS_PER_S INT64_C(1000000000)

/* ------------------------------------------------------------------- removing */

/* A volume's own files: the present one, one that a broken job was making, or the one that it should get. */
static int loosen_files(struct txn *t, const struct object *volume, struct error *e)
{
	const char *ps = object_str(volume, VOLUME_PRIMARY_STORAGE_UUID);
	const char *host = object_str(volume, VOLUME_HOST_UUID);
	const char *path = object_str(volume, VOLUME_INSTALL_PATH),
		   *next = object_str(volume, VOLUME_NEXT_PATH);
	char name[64];
	int r = 0;

	if (!ps)
		return 0;
	volume_file_name(volume, name);
	r = loose_file_put(t, ps, host, path ? path_file_name(path) : name, NULL, e);
	return r < 0 || !next ? r : loose_file_put_path(t, ps, host, next, e);
}

int volume_put_gone(struct txn *t, const char *uuid, struct error *e)
{
	_cleanup_object_ const struct object *volume = object_ref(view_get(txn_view(t), KIND_VOLUME, uuid));
	int r;

	if (!volume)
		return 0;
	r = loosen_files(t, volume, e);
	if (r == 0)
		r = snapshots_loosen_all(t, uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_SCHEDULER, SCHEDULER_TARGET_UUID, uuid, e);
	if (r == 0)
		r = object_remove(t, view_get(txn_view(t), KIND_VOLUME, uuid), e);
	if (r < 0 || !object_str(volume, VOLUME_PRIMARY_STORAGE_UUID))
		return r;
	return capacity_update_primary_storage(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), e);
}

static int gone_fn(struct txn *t, void *arg, struct error *e)
{
	return volume_put_gone(t, arg, e);
}

int vm_remove_volume(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r;

	if (!volume)
		return 0;
	if (object_str(volume, VOLUME_PRIMARY_STORAGE_UUID) && !volume_any_host(view, volume))
		return error_set_code(e, ENOTCONN, "PS.1003", "no host of primary storage '%s' is connected",
				      object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
	r = store_run(pool_store(pool), gone_fn, (void *)(uintptr_t)uuid, e);
	if (r < 0)
		return r;
	kill_point("volume-gone");
	loose_files_remove(pool, NULL);
	/* the last volume of an image that is gone takes the cached copy along */
	if (object_str(volume, VOLUME_ROOT_IMAGE_UUID) &&
	    !view_get(view, KIND_IMAGE, object_str(volume, VOLUME_ROOT_IMAGE_UUID)))
		(void)image_cache_clean(pool, NULL);
	return 0;
}

/* --------------------------------------------------------------------- delete */

static int set_deleted(struct txn *t, const char *uuid, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, uuid);
	struct object *volume;

	if (!before)
		return 0;
	volume = object_copy(before);
	if (!volume)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(volume, VOLUME_STATUS, "Deleted");
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

int volume_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (!volume)
		return 0;
	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EINVAL, "volume[uuid:%s] is Root volume, can't be deleted", req->target);
	if (object_str_is(volume, VOLUME_STATUS, "Deleted"))
		return error_set(e, EBUSY, "volume[uuid:%s] is already in status of deleted", req->target);
	return 0;
}

/* What needs no host: one that no VM has and that is only marked, or that has no file. */
int volume_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *volume = request_object(txn_view(t), req);

	(void)ret_result;
	if (!volume)
		return 0;
	if (volume_is_attached_anywhere(txn_view(t), volume))
		return OP_NEEDS_RUN;
	if (object_str_is(volume, VOLUME_STATUS, "NotInstantiated"))
		return volume_put_gone(t, req->target, e);
	return is_direct(txn_view(t)) ? OP_NEEDS_RUN : set_deleted(t, req->target, e);
}

/* Takes the volume from all VMs that have it. */
static int detach_all(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r = 0;

	if (volume && object_str(volume, VOLUME_VM_UUID))
		r = volume_detach(job, uuid, object_str(volume, VOLUME_VM_UUID), e);
	view_for_each_where (ref, view, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, uuid)
		if (r == 0)
			r = volume_detach(job, uuid, object_str(ref, SHAREABLE_REF_VM_UUID), e);
	return r;
}

int volume_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *uuid = job->req->target;
	int r = detach_all(job, uuid, e);

	(void)ret_result;
	if (r < 0)
		return r;
	return is_direct(view) ? vm_remove_volume(job->pool, uuid, e)
			       : store_run(pool_store(job->pool), deleted_fn, (void *)(uintptr_t)uuid, e);
}

/* Going away is finished, however far it had come. */
int volume_delete_recover(struct job *job, json_t **ret_result, struct error *e)
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

int volume_expunge_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (!volume || object_str_is(volume, VOLUME_STATUS, "Deleted"))
		return 0;
	return error_set(e, EBUSY, "the volume[uuid:%s, name:%s] is not deleted yet, can't expunge it",
			 req->target, object_name(volume));
}

int volume_expunge_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return vm_remove_volume(job->pool, job->req->target, e);
}

int volume_recover_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "volume[uuid:%s] is Root volume, it comes back with its VM",
				 req->target);
	if (object_str_is(volume, VOLUME_STATUS, "Deleted"))
		return 0;
	return error_set(
		e, EBUSY,
		"the volume[uuid:%s] is not in status of deleted. This is operation is to recover a deleted "
		"data volume",
		req->target);
}

int volume_recover_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *before = request_object(txn_view(t), req);
	struct object *volume = object_copy(before);
	int r;

	if (!volume)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(volume, VOLUME_STATUS,
		       object_str(before, VOLUME_INSTALL_PATH) ? "Ready" : "NotInstantiated");
	r = txn_put(t, volume, NULL, e);
	return r < 0 ? r : result_inventory(txn_view(t), KIND_VOLUME, req->target, ret_result, e);
}

int volume_expunge_due(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int64_t due = store_now() - config_int(view, "volume.expungePeriod") * NS_PER_S;
	const struct actor actor = {.source = "scheduler"};
	int result = 0;

	if (strcmp(config_str(view, "volume.deletionPolicy"), "Never") == 0)
		return 0;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_STATUS, "Deleted") {
		struct request *req;
		int r;

		/* a root volume goes with its VM */
		if (object_str_is(volume, VOLUME_TYPE, "Root") ||
		    object_int(volume, VOLUME_LAST_OP_DATE) > due ||
		    job_is_pending_for(view, object_uuid(volume)))
			continue;
		r = request_new(operation_by_name("ExpungeDataVolume"), object_uuid(volume), NULL, &actor,
				&req, e);
		if (r == 0)
			r = pool_submit_wait(pool, req, NULL, e);
		if (r < 0)
			result = r;
	}
	return result;
}
