/* SPDX-License-Identifier: Apache-2.0 */
/* See state.h. */
#include "actions/vm/state.h"

#include <string.h>

#include "actions/host/capacity.h"
#include "actions/host/fence.h"
#include "actions/host/guest.h"
#include "actions/volume/volume.h"
#include "model/json.h"
#include "model/states.h"

/* ----------------------------------------------------------------- writing */

const struct object *vm_now(struct pool *pool, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	return object_ref(view_get(view, KIND_VM, uuid));
}

static bool is_in_state(const struct object *vm, enum vm_state state)
{
	return object_str_is(vm, VM_STATE, vm_state_name(state));
}

void vm_settle(const struct view *view, const struct object *before, struct object *vm)
{
	const struct object *host =
		object_str(vm, VM_HOST_UUID) ? view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID)) : NULL;

	if ((is_in_state(vm, VM_STATE_RUNNING) || is_in_state(vm, VM_STATE_PAUSED)) && host &&
	    object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED)) {
		object_set_str(vm, VM_UNKNOWN_FROM, object_str(vm, VM_STATE));
		object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN));
	}
	/* HA has done its work when the VM is up. */
	if (!is_in_state(vm, VM_STATE_STOPPED) && !is_in_state(vm, VM_STATE_STARTING))
		object_set_null(vm, VM_HA_RESTART);
	/* The reason belongs to the state: a new state without a new reason has none. */
	if (before && !object_str_is(vm, VM_STATE, object_text(before, VM_STATE)) &&
	    object_str_is(vm, VM_STATE_REASON, object_text(before, VM_STATE_REASON)))
		object_set_null(vm, VM_STATE_REASON);
}

int vm_write(struct txn *t, const struct object *before, struct object *vm, struct error *e)
{
	_cleanup_object_ const struct object *held = object_ref(before), *written = NULL;
	const struct object *now;
	int r;

	if (!vm)
		return error_oom(e);
	vm_settle(txn_view(t), before, vm);
	r = txn_put(t, vm, &now, e);
	if (r < 0)
		return r;
	/* Held, since writing the hosts' rows changes the view that both are borrowed from. */
	written = object_ref(now);
	return capacity_follow_vm(t, held, written, e);
}

int vm_put_new(struct txn *t, struct object *vm, struct error *e)
{
	/* that of the row that it gets */
	object_set_int(vm, VM_INTERNAL_ID, view_last_id(txn_view(t), KIND_VM) + 1);
	return vm_write(t, NULL, vm, e);
}

int vm_put_state(struct txn *t, const char *uuid, enum vm_state state, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VM, uuid);
	struct object *vm;

	if (!before)
		return error_gone(e, KIND_VM, uuid);
	vm = object_copy(before);
	object_set_str(vm, VM_STATE, vm_state_name(state));
	return vm_write(t, before, vm, e);
}

struct state_change {
	const char *uuid;
	enum vm_state state;
};

static int state_fn(struct txn *t, void *arg, struct error *e)
{
	struct state_change *c = arg;

	return vm_put_state(t, c->uuid, c->state, e);
}

int vm_set_state(struct pool *pool, const char *uuid, enum vm_state state, struct error *e)
{
	struct state_change c = {uuid, state};

	return store_run(pool_store(pool), state_fn, &c, e);
}

bool vm_was_up(const struct object *vm)
{
	return vm_state_is_in(object_str(vm, VM_UNKNOWN_FROM), S_STARTING | S_RUNNING | S_REBOOTING |
								       S_PAUSING | S_PAUSED | S_RESUMING |
								       S_MIGRATING | S_VOLUME_MIGRATING);
}

bool vm_may_be_at_target(const struct view *view, const struct object *vm)
{
	const char *target = object_str(vm, VM_MIGRATION_HOST_UUID);

	return target && is_in_state(vm, VM_STATE_UNKNOWN) &&
	       host_check_guest_gone(view, target, "", NULL) < 0;
}

bool vm_is_running_or_stopped(const struct object *vm)
{
	return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)) ||
	       object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED));
}

const char *vm_host(const struct object *vm)
{
	return is_in_state(vm, VM_STATE_CREATED) ? NULL : object_str(vm, VM_HOST_UUID);
}

void vm_set_wanted_place(const struct view *view, struct object *vm, const json_t *params)
{
	const char *host_uuid = json_string_value(json_object_get(params, "hostUuid"));
	const char *cluster_uuid = json_string_value(json_object_get(params, "clusterUuid"));
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	const struct object *cluster = view_get(view, KIND_CLUSTER, cluster_uuid);

	object_set_str(vm, VM_HOST_UUID, host ? object_uuid(host) : NULL);
	object_set_str(vm, VM_CLUSTER_UUID,
		       cluster ? object_uuid(cluster)
		       : host  ? object_str(host, HOST_CLUSTER_UUID)
			       : NULL);
}

const char *vm_active_host(const struct object *vm)
{
	return volume_vm_is_active(vm) ? object_str(vm, VM_HOST_UUID) : NULL;
}

int vm_put_stopped(struct txn *t, const char *uuid, enum vm_state state, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VM, uuid);
	struct object *vm;

	if (!before)
		return error_gone(e, KIND_VM, uuid);
	vm = object_copy(before);
	object_set_str(vm, VM_STATE, vm_state_name(state));
	if (vm_host(before))
		object_set_str(vm, VM_LAST_HOST_UUID, vm_host(before));
	object_set_null(vm, VM_HOST_UUID);
	if (is_in_state(before, VM_STATE_UNKNOWN))
		object_set_null(vm, VM_MIGRATION_HOST_UUID);
	object_set_null(vm, VM_UNKNOWN_FROM);
	return vm_write(t, before, vm, e);
}

int vm_put_off(struct txn *t, const char *uuid, bool for_good, struct error *e)
{
	int r = vm_put_stopped(t, uuid, VM_STATE_STOPPED, e);
	struct object *vm;

	if (r < 0)
		return r;
	r = txn_edit(t, KIND_VM, uuid, &vm, e);
	if (r < 0)
		return r;
	/* Somebody wants it to be Stopped, whatever it was lost with. */
	object_set_null(vm, VM_HA_RESTART);
	if (for_good)
		object_set_int(vm, VM_STOPPED_BY_HA, 1);
	return txn_put(t, vm, NULL, e);
}

bool vm_stop_is_for_good(const struct request *req)
{
	const char *stop_ha = request_str(req, "stopHA"), *strategy = request_str(req, "strategy");

	return (stop_ha && strcmp(stop_ha, "true") == 0) ||
	       (strategy && strcmp(strategy, "CreateStopped") == 0);
}
