/* SPDX-License-Identifier: Apache-2.0 */
/* See observed.h. */
#include "actions/vm/observed.h"

#include <stdio.h>
#include <string.h>

#include "actions/host/guest.h"
#include "actions/vm/adopted.h"
#include "actions/vm/movable.h"
#include "hypervisor/domain/domain.h"
#include "model/states.h"

/* --------------------------------------------------- what the host reports */

/* The state that a VM gets from its domain's; -1 while only a job may change it. */
static int state_for(const struct object *vm, enum hv_domain_state observed)
{
	int now = vm_state_parse(object_str(vm, VM_STATE));

	switch ((enum vm_state)now) {
	case VM_STATE_RUNNING:
	case VM_STATE_STOPPED:
	case VM_STATE_PAUSED:
	case VM_STATE_UNKNOWN:
		break;
	case VM_STATE_CREATED:
	case VM_STATE_STARTING:
	case VM_STATE_STOPPING:
	case VM_STATE_REBOOTING:
	case VM_STATE_PAUSING:
	case VM_STATE_RESUMING:
	case VM_STATE_MIGRATING:
	case VM_STATE_VOLUME_MIGRATING:
	case VM_STATE_DESTROYING:
	case VM_STATE_DESTROYED:
	case VM_STATE_EXPUNGING:
	case VM_STATE_COUNT:
		return -1;
	}
	return vm_state_of_domain(observed);
}

/* NULL for a reason that is not worth showing. */
static const char *reason_name(enum hv_domain_reason reason)
{
	switch (reason) {
	case HV_REASON_OTHER:
	case HV_REASON_STARTING:
		return NULL;
	case HV_REASON_GUEST:
		return "guest";
	case HV_REASON_CRASHED:
		return "crashed";
	case HV_REASON_ENOSPC:
		return "enospc";
	case HV_REASON_IO_ERROR:
		return "io-error";
	case HV_REASON_WATCHDOG:
		return "watchdog";
	case HV_REASON_ASLEEP:
		return "asleep";
	case HV_REASON_SAVED:
		return "saved";
	}
	return NULL;
}

/* The row of a VM as a host's report changes it. False: it changes nothing. */
static bool is_news(const struct view *view, const char *host_uuid, const struct object *before,
		    const struct hv_domain_status *told, struct object **ret_vm)
{
	int state = before ? state_for(before, told->state) : -1;
	const char *host = before ? object_str(before, VM_HOST_UUID) : NULL;
	struct object *vm;

	if (state < 0)
		return false;
	/* A definition left on another host says nothing about where the VM is. */
	if (state == VM_STATE_STOPPED && (!host || strcmp(host, host_uuid) != 0))
		return false;
	if (state == VM_STATE_STOPPED && vm_may_be_at_target(view, before))
		return false;
	/* Nor does a guest that waits on another host for a migration, until the VM's own host has answered. */
	if (state == VM_STATE_PAUSED && host && strcmp(host, host_uuid) != 0 &&
	    vm_state_is_in(object_str(before, VM_STATE), S_UNKNOWN))
		return false;
	vm = object_copy(before);
	*ret_vm = vm;
	if (!vm)
		return true; /* memory is short, which the writing reports */
	object_set_str(vm, VM_STATE, vm_state_name((enum vm_state)state));
	if (vm_state_is_in(object_str(before, VM_STATE), S_UNKNOWN))
		object_set_null(vm, VM_MIGRATION_HOST_UUID);
	/* A VM that is Stopped already keeps the reason of its stop. */
	if (state != VM_STATE_STOPPED || !object_str_is(before, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		object_set_str(vm, VM_STATE_REASON, reason_name(told->reason));
	/* It died with its host, or while nobody could see it; one that was shut down or saved did not. */
	if (state == VM_STATE_STOPPED && vm_state_is_in(object_str(before, VM_STATE), S_UNKNOWN) &&
	    vm_was_up(before) && told->reason != HV_REASON_GUEST && told->reason != HV_REASON_SAVED)
		object_set_int(vm, VM_HA_RESTART, 1);
	object_set_null(vm, VM_UNKNOWN_FROM);
	if (state == VM_STATE_STOPPED) {
		object_set_str(vm, VM_LAST_HOST_UUID, host);
		object_set_null(vm, VM_HOST_UUID);
	} else {
		const struct object *h = view_get(view, KIND_HOST, host_uuid);

		object_set_str(vm, VM_HOST_UUID, host_uuid);
		object_set_null(vm, VM_STOPPED_BY_HA);
		if (h)
			object_set_str(vm, VM_CLUSTER_UUID, object_str(h, HOST_CLUSTER_UUID));
	}
	vm_settle(view, before, vm);
	if (!object_equal(before, vm))
		return true;
	object_unref(vm);
	*ret_vm = NULL;
	return false;
}

int vm_set_observed(struct txn *t, const struct view *then, const char *host,
		    const struct hv_domain_status *told, bool *ret_outdated, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VM, told->uuid);
	struct object *vm;

	if (!is_news(txn_view(t), host, before, told, &vm))
		return 0;
	if (before != view_get(then, KIND_VM, told->uuid)) {
		object_unref(vm);
		*ret_outdated = true;
		return 0;
	}
	return vm_write(t, before, vm, e);
}

/*
 * Of a domain that is gone only the event knows how it ended, and whether a shutdown was the guest's or the host's;
 * a disk that was full when the guest paused may have room by now.
 */
static enum hv_domain_reason better_reason(const struct hv_domain_status *answer,
					   const struct hv_domain_status *event)
{
	if (vm_state_of_domain(answer->state) != vm_state_of_domain(event->state))
		return answer->reason;
	if (answer->reason == HV_REASON_OTHER ||
	    (answer->reason == HV_REASON_GUEST && event->reason == HV_REASON_OTHER) ||
	    (answer->reason == HV_REASON_IO_ERROR && event->reason == HV_REASON_ENOSPC))
		return event->reason;
	return answer->reason;
}

/* What a host has answered, and the pool as it was before it was asked. */
struct answer {
	const char *host;
	const struct view *then;
	struct hv_domain_status status;
	bool outdated;
};

static int answer_fn(struct txn *t, void *arg, struct error *e)
{
	struct answer *answer = arg;

	txn_set_fact(t);
	answer->outdated = false;
	return vm_set_observed(t, answer->then, answer->host, &answer->status, &answer->outdated, e);
}

/* Whether it would change a VM's row in @view. */
static bool would_change(const struct view *view, const char *host, const struct hv_domain_status *told)
{
	_cleanup_object_ struct object *changed = NULL;

	return is_news(view, host, view_get(view, KIND_VM, told->uuid), told, &changed);
}

bool vm_ask_host(struct pool *pool, const struct view *view, const char *host, const char *uuid,
		 const struct hv_domain_status *event)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct answer answer = {.host = host, .then = view};

	if (!view_get(view, KIND_VM, uuid) || state_for(view_get(view, KIND_VM, uuid), HV_DOMAIN_OFF) < 0 ||
	    (event && !would_change(view, host, event)))
		return false;
	snprintf(answer.status.uuid, sizeof(answer.status.uuid), "%s", uuid);
	if (hv_domain_state(pool_hypervisor(pool), host, uuid, &answer.status.state, &answer.status.reason,
			    &e) < 0)
		return false;
	if (event && vm_stop_is_unsure(view, uuid, host, answer.status.state))
		return false; /* its own event is to come, and leads to vm_reconcile() */
	if (event)
		answer.status.reason = better_reason(&answer.status, event);
	/*
	 * What has been written is asked once more: between the answer and the row, the domain may have changed and
	 * its event been judged by the former row.
	 */
	return would_change(view, host, &answer.status) &&
	       store_run(pool_store(pool), answer_fn, &answer, &e) == 0;
}

void vm_observe(struct pool *pool, const char *host, const char *uuid)
{
	bool again = true;

	vm_settle_domain(pool, host, uuid);
	for (int round = 0; again && round < VM_ASK_ROUNDS; round++) {
		_cleanup_view_ struct view *view = store_view(pool_store(pool));

		again = vm_ask_host(pool, view, host, uuid, NULL);
	}
}
