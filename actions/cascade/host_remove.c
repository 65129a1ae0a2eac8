/* SPDX-License-Identifier: Apache-2.0 */
/* See host_remove.h. */
#include "actions/cascade/host_remove.h"

#include "actions/engine/rows.h"
#include "actions/host/fence.h"
#include "actions/host/simulator.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "actions/vm/stops.h"
#include "actions/volume/remove.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/network.h"
#include "hypervisor/storage/pool.h"
#include "model/states.h"

/* Data volumes that are not attached keep the host from being removed, unless that is enforced. */
static int check_volumes(const struct view *view, const struct object *host, struct error *e)
{
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_HOST_UUID, object_uuid(host))
		if (object_is_null(volume, VOLUME_VM_UUID))
			return error_set(
				e, ENOTEMPTY,
				"host '%s' still holds data volume '%s', delete it first or use deleteMode=Enforcing",
				object_name(host), object_name(volume));
	return 0;
}

/* Removes the VMs and volumes whose files are on this host alone. @enforcing: goes on after an error. */
static int remove_local_volumes(struct job *job, const char *host, bool enforcing, struct error *e)
{
	for (int64_t after = 0;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *volume =
			view_next_where(view, KIND_VOLUME, VOLUME_HOST_UUID, host, after);
		const char *vm;
		int r;

		if (!volume)
			return 0;
		after = volume->id;
		vm = object_str(volume, VOLUME_VM_UUID);
		r = vm ? vm_remove_all_where(job, FIELD_UUID, vm, e)
		       : volume_remove(job->pool, object_uuid(volume), e);
		if (r < 0 && !enforcing)
			return r;
	}
}

/* Tears down what the pool has set up on the host, as far as the host answers. */
static void close_on_host(struct job *job, const struct view *view, const struct object *host)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	const char *cluster = object_str(host, HOST_CLUSTER_UUID);

	if (!object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
		return;
	view_for_each_where (link, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, cluster)
		view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID,
				     object_str(link, CLUSTER_L2_L2_NETWORK_UUID))
			(void)hv_network_close(hv, object_uuid(host), object_uuid(l3), NULL);
	view_for_each_where (link, view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, cluster)
		(void)hv_storage_pool_close(hv, object_uuid(host),
					    object_str(link, CLUSTER_PS_PRIMARY_STORAGE_UUID), NULL);
}

/* A VM that could not be stopped although its host is dead is Stopped; one that was to start there may start anywhere. */
static int release_vm(struct txn *t, const struct object *vm, struct error *e)
{
	struct object *copy = object_copy(vm);

	if (vm_host(vm) && !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED)))
		object_set_str(copy, VM_STATE, vm_state_name(VM_STATE_STOPPED));
	object_set_null(copy, VM_STATE_REASON);
	object_set_null(copy, VM_HOST_UUID);
	return txn_put(t, copy, NULL, e);
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	struct object_key *key = arg;
	const struct object *vm;
	int r = object_remove_where(t, KIND_IMAGE_CACHE, IMAGE_CACHE_HOST_UUID, key->uuid, e);

	if (r < 0)
		return r;
	while ((vm = view_next_where(txn_view(t), KIND_VM, VM_HOST_UUID, key->uuid, 0))) {
		r = release_vm(t, vm, e);
		if (r < 0)
			return r;
	}
	return object_remove_key(t, key, e);
}

/* Without the host nobody could find out whether a guest still runs there: no VM may become Stopped by that. */
static int check_guests(const struct view *view, const char *uuid, struct error *e)
{
	view_for_each_where (vm, view, KIND_VM, VM_HOST_UUID, uuid)
		if (vm_host(vm))
			return host_check_guest_gone(view, uuid, "delete the host", e);
	return 0;
}

int host_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *host = view_get(view, KIND_HOST, uuid);
	struct object_key key = {KIND_HOST, uuid};
	int r;

	if (!host)
		return 0;
	r = check_guests(view, uuid, e);
	if (r < 0)
		return r;
	r = enforcing ? 0 : check_volumes(view, host, e);
	if (r < 0)
		return r;
	r = vm_stop_all(job, vm_runs_on, uuid, enforcing ? NULL : e);
	if (r < 0 && !enforcing)
		return r;
	r = remove_local_volumes(job, uuid, enforcing, enforcing ? NULL : e);
	if (r < 0 && !enforcing)
		return r;
	close_on_host(job, view, host);
	hv_host_remove(pool_hypervisor(job->pool), uuid);
	r = store_run(pool_store(job->pool), remove_rows, &key, e);
	if (r < 0)
		return r;
	host_simulator_forget(job->pool, uuid);
	return 0;
}
