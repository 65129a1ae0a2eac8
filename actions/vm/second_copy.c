/* SPDX-License-Identifier: Apache-2.0 */
/* See second_copy.h. */
#include "actions/vm/second_copy.h"

#include <string.h>

#include "actions/host/guest.h"
#include "actions/vm/adopted.h"
#include "actions/vm/observed.h"
#include "actions/vm/state.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/migrate.h"
#include "model/log.h"

bool vm_is_second_copy(const struct view *view, const char *uuid, const char *host)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *own = vm ? object_str(vm, VM_HOST_UUID) : NULL;

	if (!own || strcmp(own, host) == 0)
		return false;
	return vm_state_is_in(object_str(vm, VM_STATE), S_STARTING | S_RUNNING | S_STOPPING | S_REBOOTING |
								S_PAUSING | S_PAUSED | S_RESUMING);
}

static bool runs(struct pool *pool, const char *host, const char *vm, bool *ret_active)
{
	enum hv_domain_state state = HV_DOMAIN_ABSENT;
	enum hv_domain_reason reason;

	*ret_active = false;
	if (hv_domain_state(pool_hypervisor(pool), host, vm, &state, &reason, NULL) < 0)
		return false;
	*ret_active = hv_domain_is_up(state);
	return state == HV_DOMAIN_RUNNING;
}

/*
 * True when the guest does not run on @host because it never arrived there: no migration from the VM's own host is
 * under way, and after that it runs there, so none has ended either.
 */
static bool never_came(struct pool *pool, const char *own, const char *vm)
{
	bool moving = true, active;

	return hv_domain_is_moving(pool_hypervisor(pool), own, vm, &moving, NULL) == 0 && !moving &&
	       runs(pool, own, vm, &active);
}

void vm_settle_second_copy(struct pool *pool, const char *host, const char *uuid)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	bool starting = vm && object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STARTING));
	bool here, there, here_runs, there_runs;

	if (!vm_is_second_copy(view, uuid, host)) {
		vm_observe(pool, host, uuid);
		return;
	}
	vm_settle_domain(pool, host, uuid);
	/*
	 * This host first: libvirt pauses the guest at its source before it runs at the destination, so when this
	 * one runs, and then the other, there is no migration.
	 */
	here_runs = runs(pool, host, uuid, &here);
	there_runs = runs(pool, object_str(vm, VM_HOST_UUID), uuid, &there);
	if (!here)
		return;
	if (!starting && !(here_runs && there_runs) &&
	    (here_runs || !never_came(pool, object_str(vm, VM_HOST_UUID), uuid))) {
		if (!there)
			vm_observe(pool, host, uuid);
		return;
	}
	log_warning("vm", uuid, "is on host %s: its second copy on host %s is destroyed",
		    object_text(vm, VM_HOST_UUID), host);
	if (hv_domain_destroy(pool_hypervisor(pool), host, uuid, &e) < 0 ||
	    hv_domain_undefine(pool_hypervisor(pool), host, uuid, &e) < 0)
		log_error("vm", uuid, "%s", error_sentence(&e));
	vm_settle_domain(pool, host, uuid);
}

bool vm_is_leftover(const struct view *view, const char *uuid, const char *host)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *own = vm ? vm_place(vm) : NULL;

	/* A job may be about to move the VM here. */
	return own && strcmp(own, host) != 0 && !job_is_pending_for(view, uuid);
}

void vm_remove_leftover(struct pool *pool, const char *host, const char *uuid)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	vm_settle_domain(pool, host, uuid);
	if (vm_is_leftover(view, uuid, host))
		(void)hv_domain_undefine(pool_hypervisor(pool), host, uuid, &ignored);
	vm_settle_domain(pool, host, uuid);
}
