/* SPDX-License-Identifier: Apache-2.0 */
/* See primary_storage_remove.h. */
#include "actions/cascade/primary_storage_remove.h"

#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/image/cache.h"
#include "actions/network/host_prepare.h"
#include "actions/vm/remove.h"
#include "actions/volume/remove.h"
#include "hypervisor/storage/pool.h"
#include "model/states.h"

/* Removes the volumes and their VMs. Failures are ignored: a host may not answer. */
static int remove_users(struct job *job, const char *ps, struct error *e)
{
	for (int64_t after = 0;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *volume =
			view_next_where(view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, ps, after);
		const char *vm;

		if (!volume)
			return 0;
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		after = volume->id;
		vm = object_str(volume, VOLUME_VM_UUID);
		if (vm)
			(void)vm_remove_all_where(job, FIELD_UUID, vm, NULL);
		else
			(void)volume_remove(job->pool, object_uuid(volume), NULL);
	}
}

struct removal {
	const char *ps;
	bool enforcing;
};

static int check_volumes(const struct view *view, const struct removal *removal, struct error *e)
{
	if (removal->enforcing ||
	    !view_next_where(view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, removal->ps, 0))
		return 0;
	return error_set(e, ENOTEMPTY, "primary storage '%s' holds volumes", removal->ps);
}

/* Without these links a host that connects does not open the storage again. */
static int remove_links(struct txn *t, void *arg, struct error *e)
{
	const struct removal *removal = arg;
	int r = check_volumes(txn_view(t), removal, e);

	return r < 0 ? r
		     : object_remove_where(t, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID,
					   removal->ps, e);
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	const struct removal *removal = arg;
	struct object_key key = {KIND_PRIMARY_STORAGE, removal->ps};
	int r = remove_links(t, arg, e);

	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, key.uuid, e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_SNAPSHOT, SNAPSHOT_PRIMARY_STORAGE_UUID, key.uuid, e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_IMAGE_CACHE, IMAGE_CACHE_PRIMARY_STORAGE_UUID, key.uuid, e);
	return r < 0 ? r : object_remove_key(t, &key, e);
}

/* On all hosts: image_cache_drop() may have opened the storage on a host of any cluster. */
static void close_everywhere(struct job *job, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	host_prepare_wait(job->pool);
	view_for_each (host, view, KIND_HOST)
		if (object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
			(void)hv_storage_pool_close(pool_hypervisor(job->pool), object_uuid(host), uuid,
						    NULL);
}

int primary_storage_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	struct removal removal = {uuid, enforcing};
	int r = enforcing ? remove_users(job, uuid, e) : 0;

	kill_point("storage-users-gone");
	if (r == 0)
		r = image_cache_drop(job->pool, uuid, enforcing ? NULL : e);
	if (job_should_stop(job))
		return job_stop_reason(job, e);
	if (r < 0 && !enforcing)
		return r;
	r = store_run(pool_store(job->pool), remove_links, &removal, e);
	if (r < 0)
		return r;
	kill_point("storage-unlinked");
	close_everywhere(job, uuid);
	kill_point("storage-closed");
	r = store_run(pool_store(job->pool), remove_rows, &removal, e);
	kill_point("storage-gone");
	hosts_prepare_again(job->pool);
	return r;
}
