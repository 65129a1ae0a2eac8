/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of snapshots: what their rows say, and keeping them true. See snapshot.h. */
#include "actions/volume/snapshot.h"

#include "actions/volume/location.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

/* -------------------------------------------------------------------- looking */

const struct object *snapshot_current_tree(const struct view *view, const char *volume)
{
	view_for_each_where (tree, view, KIND_SNAPSHOT_TREE, SNAPTREE_VOLUME_UUID, volume)
		if (object_int(tree, SNAPTREE_CURRENT))
			return tree;
	return NULL;
}

const struct object *snapshot_latest(const struct view *view, const char *volume)
{
	view_for_each_where (snapshot, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume)
		if (object_int(snapshot, SNAPSHOT_LATEST))
			return snapshot;
	return NULL;
}

static const struct object *parent_of(const struct view *view, const struct object *snapshot)
{
	return view_get(view, KIND_SNAPSHOT, object_str(snapshot, SNAPSHOT_PARENT_UUID));
}

bool snapshot_is_below(const struct view *view, const struct object *snapshot, const struct object *ancestor)
{
	while (snapshot && snapshot->id != ancestor->id)
		snapshot = parent_of(view, snapshot);
	return snapshot != NULL;
}

int snapshot_depth(const struct view *view, const struct object *snapshot)
{
	int depth = 0;

	for (; snapshot; snapshot = parent_of(view, snapshot))
		depth++;
	return depth;
}

const char *volume_base_path(const struct view *view, const struct object *volume)
{
	const char *host = object_str(volume, VOLUME_HOST_UUID);

	view_for_each_where (cache, view, KIND_IMAGE_CACHE, IMAGE_CACHE_IMAGE_UUID,
			     object_text(volume, VOLUME_ROOT_IMAGE_UUID))
		if (object_str_is(cache, IMAGE_CACHE_PRIMARY_STORAGE_UUID,
				  object_text(volume, VOLUME_PRIMARY_STORAGE_UUID)) &&
		    (!host || object_str_is(cache, IMAGE_CACHE_HOST_UUID, host)))
			return object_str(cache, IMAGE_CACHE_INSTALL_PATH);
	return NULL;
}

int snapshot_check_readable(const struct object *snapshot, struct error *e)
{
	if (!object_str_is(snapshot, SNAPSHOT_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "volume snapshot[uuid:%s] is not Ready, it's %s",
				 object_uuid(snapshot), object_text(snapshot, SNAPSHOT_STATUS));
	if (!object_str_is(snapshot, SNAPSHOT_STATE, STATE_ENABLED))
		return error_set(
			e, EBUSY,
			"volume snapshot[uuid:%s] is not Enabled, it's %s: its deletion failed half way, delete it again",
			object_uuid(snapshot), object_text(snapshot, SNAPSHOT_STATE));
	return 0;
}

static const char *volume_of(const struct view *view, const struct request *req)
{
	const struct object *snapshot = request_object(view, req);

	return snapshot ? object_str(snapshot, SNAPSHOT_VOLUME_UUID) : NULL;
}

const char *snapshot_queue_volume(const struct view *view, const struct request *req)
{
	return volume_of(view, req);
}

const char *snapshot_queue_vm(const struct view *view, const struct request *req)
{
	const char *volume = volume_of(view, req);

	return volume ? volume_vm_in_queue(view, volume) : NULL;
}

/* ------------------------------------------------------------------- operations */

int volume_merge(struct job *job, const char *uuid, const char *base, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct volume_location place;
	int r = volume_locate(view, uuid, &place, e);

	if (r < 0)
		return r;
	for (;;) {
		const char *path = object_text(place.volume, VOLUME_INSTALL_PATH);

		r = place.active ? hv_disk_pull(hv, place.host, object_uuid(place.vm), uuid, base,
						job_copy_progress, job, &why)
				 : hv_volume_pull(hv, place.host, path, base, job_copy_progress, job, &why);
		if (r != -EINVAL || !base)
			return r < 0 ? error_move(e, &why) : 0;
		error_done(&why);
		base = NULL;
	}
}
