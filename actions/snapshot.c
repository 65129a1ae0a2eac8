/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of snapshots: what their rows say, and keeping them true. See snapshot.h. */
#include "actions/snapshot.h"

#include <string.h>

#include "actions/handlers.h"
#include "actions/loose_file.h"
#include "actions/object_ops.h"
#include "actions/volume.h"

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
	if (!object_str_is(snapshot, SNAPSHOT_STATUS, "Ready"))
		return error_set(e, EBUSY, "volume snapshot[uuid:%s] is not Ready, it's %s",
				 object_uuid(snapshot), object_text(snapshot, SNAPSHOT_STATUS));
	if (!object_str_is(snapshot, SNAPSHOT_STATE, "Enabled"))
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

/* -------------------------------------------------------------------- changing */

static int put_number(struct txn *t, const struct object *o, int field, int64_t value, struct error *e)
{
	struct object *copy;

	if (object_int(o, field) == value && !object_is_null(o, field))
		return 0;
	copy = object_copy(o);
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_int(copy, field, value);
	return txn_put(t, copy, NULL, e);
}

int snapshot_put_tree(struct txn *t, const char *volume, char ret_uuid[UUID_SIZE], struct error *e)
{
	struct object *tree = object_new(kind_get(KIND_SNAPSHOT_TREE));

	if (!tree)
		return error_set(e, ENOMEM, "out of memory");
	uuid_make(ret_uuid);
	object_set_str(tree, SNAPTREE_UUID, ret_uuid);
	object_set_str(tree, SNAPTREE_VOLUME_UUID, volume);
	object_set_int(tree, SNAPTREE_CURRENT, 0);
	return txn_put(t, tree, NULL, e);
}

int snapshot_put_latest(struct txn *t, const char *volume, const char *latest, struct error *e)
{
	const struct object *now = view_get(txn_view(t), KIND_SNAPSHOT, latest), *o;
	char current[UUID_SIZE];
	int64_t after = 0;
	int r = 0;

	snprintf(current, sizeof(current), "%s", now ? object_text(now, SNAPSHOT_TREE_UUID) : "");
	while (r == 0 &&
	       (o = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume, after))) {
		after = o->id;
		r = put_number(t, o, SNAPSHOT_LATEST, latest && strcmp(object_uuid(o), latest) == 0, e);
	}
	after = 0;
	while (r == 0 &&
	       (o = view_next_where(txn_view(t), KIND_SNAPSHOT_TREE, SNAPTREE_VOLUME_UUID, volume, after))) {
		after = o->id;
		r = put_number(t, o, SNAPTREE_CURRENT, strcmp(object_uuid(o), current) == 0, e);
	}
	return r;
}

int snapshot_put_status(struct txn *t, const struct object *snapshot, const char *status, const char *state,
			struct error *e)
{
	struct object *copy = object_copy(snapshot);

	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(copy, SNAPSHOT_STATUS, status);
	if (state)
		object_set_str(copy, SNAPSHOT_STATE, state);
	return txn_put(t, copy, NULL, e);
}

int snapshots_loosen_all(struct txn *t, const char *volume, struct error *e)
{
	const struct object *owner = view_get(txn_view(t), KIND_VOLUME, volume), *snapshot;
	const char *host = owner ? object_str(owner, VOLUME_HOST_UUID) : NULL;
	int r = 0;

	while (r == 0 &&
	       (snapshot = view_next_where(txn_view(t), KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume, 0))) {
		/* one that is being made names the volume's head, which is not its own yet */
		const char *path = object_str_is(snapshot, SNAPSHOT_STATUS, "Creating")
					   ? NULL
					   : object_str(snapshot, SNAPSHOT_INSTALL_PATH);
		int64_t id = snapshot->id;

		if (path)
			r = loose_file_put_path(t, object_text(snapshot, SNAPSHOT_PRIMARY_STORAGE_UUID), host,
						path, e);
		if (r == 0)
			r = object_remove(t, view_get_id(txn_view(t), KIND_SNAPSHOT, id), e);
	}
	return r < 0 ? r : object_remove_where(t, KIND_SNAPSHOT_TREE, SNAPTREE_VOLUME_UUID, volume, e);
}

/* ------------------------------------------------------------------- operations */

int volume_merge(struct job *job, const char *uuid, const char *base, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct volume_place place;
	int r = volume_find_place(view, uuid, &place, e);

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
