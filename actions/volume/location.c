/* SPDX-License-Identifier: Apache-2.0 */
/* Where volumes are and where new ones go. See place.h. */
#include "actions/volume/location.h"

#include <string.h>

#include "actions/engine/request.h"
#include "actions/host/capacity.h"
#include "actions/host/topology.h"
#include "actions/storage/primary_storage.h"
#include "model/states.h"

void volume_file_name(const struct object *volume, char ret[64])
{
	const char *format = object_text(volume, VOLUME_FORMAT);

	snprintf(ret, 64, "%s.%s", object_uuid(volume), *format ? format : "qcow2");
}

static bool is_connected(const struct object *host)
{
	return host && object_str_is(host, HOST_STATUS, STATUS_CONNECTED);
}

const struct object *volume_any_host(const struct view *view, const struct object *volume)
{
	const char *local = object_str(volume, VOLUME_HOST_UUID);
	const struct object *host = local ? view_get(view, KIND_HOST, local) : NULL;

	if (local)
		return is_connected(host) ? host : NULL;
	return primary_storage_next_host(view, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), 0);
}

int volume_locate(const struct view *view, const char *uuid, struct volume_location *ret, struct error *e)
{
	const struct object *volume = view_get(view, KIND_VOLUME, uuid), *host;
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (!volume || !object_str(volume, VOLUME_INSTALL_PATH))
		return error_set(e, ENOENT, "volume '%s' has no file", uuid);
	*ret = (struct volume_location){
		.volume = volume, .vm = vm, .ps = object_text(volume, VOLUME_PRIMARY_STORAGE_UUID)};
	if (vm) {
		const char *state = object_text(vm, VM_STATE);

		ret->active = strcmp(state, "Running") == 0 || strcmp(state, "Paused") == 0;
		if (!ret->active && strcmp(state, "Stopped") != 0 && strcmp(state, "Destroyed") != 0)
			return error_set(e, EBUSY, "vm[uuid:%s] is not Running or Stopped, current state[%s]",
					 object_uuid(vm), state);
	}
	host = ret->active ? view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID))
			   : volume_any_host(view, volume);
	if (!is_connected(host))
		return error_set_code(e, ENOTCONN, "PS.1003", "no host of primary storage '%s' is connected",
				      ret->ps);
	ret->host = object_uuid(host);
	return 0;
}

/* ------------------------------------------------------------------- queues */

const char *volume_vm_in_queue(const struct view *view, const char *volume)
{
	const struct object *o = view_get(view, KIND_VOLUME, volume);
	const char *vm = o ? object_str(o, VOLUME_VM_UUID) : NULL;

	/* a job that waits before this one may attach it, so wait where that one does */
	view_for_each_where (job, view, KIND_JOB, JOB_QUEUE, volume)
		if (object_str_is(job, JOB_OPERATION, "AttachDataVolumeToVm") && object_str(job, JOB_QUEUE2))
			vm = object_str(job, JOB_QUEUE2);
	/* so does a VM's spec that names it */
	view_for_each_where (ref, view, KIND_QUEUE_REF, QUEUE_REF_OBJECT_UUID, volume) {
		const struct object *job = view_get(view, KIND_JOB, object_str(ref, QUEUE_REF_JOB_UUID));

		vm = job ? object_str(job, JOB_RESOURCE_UUID) : vm;
	}
	return vm;
}

const char *volume_queue_vm(const struct view *view, const struct request *req)
{
	return volume_vm_in_queue(view, req->target);
}

/* ------------------------------------------------------------------ new places */

static bool has_room(const struct view *view, const struct object *ps, int64_t size)
{
	return object_str_is(ps, PRIMARY_STORAGE_STATE, STATE_ENABLED) &&
	       object_str_is(ps, PRIMARY_STORAGE_STATUS, STATUS_CONNECTED) &&
	       capacity_storage_room(view, ps) >= size;
}

/* The host on whose local folders a VM's volumes lie or shall lie; NULL = any. */
static const char *host_of_vm(const struct view *view, const struct object *vm)
{
	const struct object *root = vm_root_volume(view, vm);

	if (root && object_str(root, VOLUME_HOST_UUID))
		return object_str(root, VOLUME_HOST_UUID);
	return object_str(vm, VM_HOST_UUID) ? object_str(vm, VM_HOST_UUID)
					    : object_str(vm, VM_LAST_HOST_UUID);
}

/* A usable host of the storage that suits. */
static const struct object *host_for(const struct view *view, const struct object *vm,
				     const struct object *ps, const char *wanted)
{
	const char *near = wanted ? wanted : vm ? host_of_vm(view, vm) : NULL;
	bool must = wanted || (near && primary_storage_is_local(ps));
	const struct object *first = NULL;

	for (const struct object *host = host_of_primary_storage(view, object_uuid(ps), 0); host;
	     host = host_of_primary_storage(view, object_uuid(ps), host->id)) {
		if (near && strcmp(near, object_uuid(host)) == 0)
			return host;
		if (!first &&
		    (!vm || object_str_is(host, HOST_CLUSTER_UUID, object_text(vm, VM_CLUSTER_UUID))))
			first = host;
	}
	return must ? NULL : first;
}

int volume_choose_storage(const struct view *view, const struct object *vm, const char *wanted_ps,
			  const char *wanted_host, int64_t size, const struct object **ret_ps,
			  const struct object **ret_host, struct error *e)
{
	const struct object *root = vm ? vm_root_volume(view, vm) : NULL;

	*ret_ps = *ret_host = NULL;
	view_for_each (ps, view, KIND_PRIMARY_STORAGE) {
		const struct object *host;

		if (wanted_ps && strcmp(wanted_ps, object_uuid(ps)) != 0)
			continue;
		if (vm &&
		    !cluster_has_primary_storage(view, object_text(vm, VM_CLUSTER_UUID), object_uuid(ps)))
			continue;
		host = has_room(view, ps, size) ? host_for(view, vm, ps, wanted_host) : NULL;
		/* the storage of the root volume is the best one */
		if (host && (!*ret_ps ||
			     (root && object_str_is(root, VOLUME_PRIMARY_STORAGE_UUID, object_uuid(ps))))) {
			*ret_ps = ps;
			*ret_host = host;
		}
	}
	if (*ret_ps)
		return 0;
	return error_set_code(
		e, ENOSPC, "PS.1000",
		"cannot find available primary storage[state: Enabled, status: Connected, available "
		"capacity %lld bytes]. Check the state/status of primary storage and make sure they have "
		"been attached to clusters",
		(long long)size);
}

/* ------------------------------------------------------------------ properties */

int64_t volume_snapshots_size(const struct view *view, const char *volume)
{
	int64_t sum = 0;

	view_for_each_where (snapshot, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, volume)
		sum += object_int(snapshot, SNAPSHOT_SIZE);
	return sum;
}

int volume_check_alive(const struct object *volume, struct error *e)
{
	if (!object_str_is(volume, VOLUME_STATUS, STATUS_DELETED))
		return 0;
	return error_set(e, EBUSY, "the volume[uuid:%s] is in status of deleted, cannot do the operation",
			 object_uuid(volume));
}

struct number {
	const char *uuid;
	int field;
	int64_t value;
};

static int number_fn(struct txn *t, void *arg, struct error *e)
{
	const struct number *n = arg;
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, n->uuid);
	struct object *volume = before ? object_copy(before) : NULL;

	if (!before)
		return error_gone(e, KIND_VOLUME, n->uuid);
	if (!volume)
		return error_oom(e);
	object_set_int(volume, n->field, n->value);
	return txn_put(t, volume, NULL, e);
}

int volume_set_number(struct pool *pool, const char *uuid, int field, int64_t value, struct error *e)
{
	struct number n = {uuid, field, value};

	return store_run(pool_store(pool), number_fn, &n, e);
}

bool snapshots_are_kept_by_storage(const struct view *view, const struct object *volume)
{
	return volume &&
	       primary_storage_keeps_snapshots(
		       view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID)));
}

/* ------------------------------------------------------------------- looking */

const struct object *vm_root_volume(const struct view *view, const struct object *vm)
{
	return view_get(view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));
}

bool volume_vm_is_active(const struct object *vm)
{
	return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)) ||
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_PAUSED));
}
