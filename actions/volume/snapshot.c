/* SPDX-License-Identifier: Apache-2.0 */
/* See snapshot.h. */
#include "actions/volume/snapshot.h"

#include "actions/volume/volume.h"
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

const struct object *snapshot_creating(const struct view *view, const char *volume)
{
	view_for_each_where (o, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume)
		if (object_str_is(o, SNAPSHOT_STATUS, STATUS_CREATING))
			return o;
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

int snapshot_check_readable(const struct object *snapshot, struct error *e)
{
	if (!object_str_is(snapshot, SNAPSHOT_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "volume snapshot[uuid:%s] is not Ready, it's %s",
				 object_uuid(snapshot), object_text(snapshot, SNAPSHOT_STATUS));
	if (!object_str_is(snapshot, SNAPSHOT_STATE, STATE_ENABLED))
		return error_set(
			e, EBUSY,
			"volume snapshot[uuid:%s] is not Enabled, it's %s: its deletion failed halfway, delete it again",
			object_uuid(snapshot), object_text(snapshot, SNAPSHOT_STATE));
	return 0;
}

int snapshot_check_take(const struct view *view, const struct object *volume, struct error *e)
{
	const char *uuid = object_uuid(volume);
	const struct object *vm = view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID));

	if (!object_str_is(volume, VOLUME_STATUS, STATUS_READY))
		return error_set(
			e, EBUSY,
			"volume[uuid:%s] is not in status Ready, current is %s, can't create snapshot", uuid,
			object_text(volume, VOLUME_STATUS));
	if (volume_is_shareable(volume))
		return error_set(
			e, EOPNOTSUPP,
			"volume[uuid:%s] is shareable, several guests write to it, can't create snapshot",
			uuid);
	if (vm && !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)) &&
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)) &&
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_PAUSED)))
		return error_set(e, EBUSY, "vm[uuid:%s] is not Running or Stopped, current state[%s]",
				 object_uuid(vm), object_text(vm, VM_STATE));
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
