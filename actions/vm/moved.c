/* SPDX-License-Identifier: Apache-2.0 */
/* See moved.h. */
#include "actions/vm/moved.h"

#include <string.h>

#include "actions/engine/operation.h"
#include "actions/host/guest.h"
#include "actions/host/topology.h"
#include "actions/vm/adopted.h"
#include "actions/vm/movable.h"
#include "actions/vm/observed.h"
#include "actions/vm/second_copy.h"
#include "actions/vm/state.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/sighting.h"
#include "model/log.h"
#include "model/states.h"

struct arrival {
	const char *uuid, *host;
};

static int arrived_fn(struct txn *t, void *arg, struct error *e)
{
	const struct arrival *a = arg;

	return vm_movable_root(txn_view(t), view_get(txn_view(t), KIND_VM, a->uuid))
		       ? vm_put_adopted_on(t, a->uuid, a->host, e)
		       : 0;
}

enum found { NOTHING, ANOTHER_DOMAIN, THE_VM };

/* What @host has of the VM's uuid that is not the pool's. */
static enum found look(struct pool *pool, const struct view *view, const struct object *vm,
		       const struct object *host)
{
	const struct object *root = vm_movable_root(view, vm);
	bool reaches = root && cluster_has_primary_storage(view, object_text(host, HOST_CLUSTER_UUID),
							   object_text(root, VOLUME_PRIMARY_STORAGE_UUID));
	const char *const files[] = {reaches ? object_text(root, VOLUME_INSTALL_PATH) : NULL, NULL};
	struct hv_sighting s;

	if (hv_domain_sight(pool_hypervisor(pool), object_uuid(host), object_uuid(vm), files, &s, NULL) < 0 ||
	    !s.found || s.ours)
		return NOTHING;
	return hv_domain_is_up(s.state) && s.uses ? THE_VM : ANOTHER_DOMAIN;
}

static enum found seek(struct pool *pool, const struct view *view, const struct object *vm, const char *uuid)
{
	const struct object *host = view_get(view, KIND_HOST, uuid);
	struct arrival a = {object_uuid(vm), uuid};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	enum found found;

	if (!host || !object_str_is(host, HOST_STATUS, STATUS_CONNECTED) || !object_str(vm, VM_DOMAIN_NAME) ||
	    vm_is_adopted_on(vm, uuid))
		return NOTHING;
	found = look(pool, view, vm, host);
	if (found != THE_VM)
		return found;
	if (store_run(pool_store(pool), arrived_fn, &a, &e) < 0)
		log_error("vm", a.uuid, "%s", error_sentence(&e));
	(void)hv_domain_stop_autostart(pool_hypervisor(pool), uuid, a.uuid, NULL);
	vm_settle_second_copy(pool, uuid, a.uuid);
	return found;
}

/* Does the host say that it has no such guest? */
static bool is_off(struct pool *pool, const char *host, const char *uuid)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	enum hv_domain_reason reason;
	enum hv_domain_state state;

	return hv_domain_state(pool_hypervisor(pool), host, uuid, &state, &reason, &ignored) == 0 &&
	       !hv_domain_is_up(state);
}

void vm_seek_moved(struct pool *pool, const char *host, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);

	if (!vm_stop_is_unsure(view, uuid, host, HV_DOMAIN_OFF) || !is_off(pool, host, uuid))
		return;
	view_for_each (other, view, KIND_HOST) {
		if (strcmp(object_uuid(other), host) == 0)
			continue;
		/* found there before, or by another thread just now */
		if (vm_is_adopted_on(vm, object_uuid(other)))
			vm_settle_second_copy(pool, object_uuid(other), uuid);
		else
			(void)seek(pool, view, vm, object_uuid(other));
	}
}

void vm_seek_arrivals(struct pool *pool, const char *host)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (vm, view, KIND_VM)
		if (vm_movable_root(view, vm))
			(void)seek(pool, view, vm, host);
}

/* What @host may have been told, or may have lost, while it was silent. */
static void settle_own(struct pool *pool, const struct object *vm, const char *host)
{
	const char *uuid = object_uuid(vm);

	(void)hv_domain_stop_autostart(pool_hypervisor(pool), host, uuid, NULL);
	if (!object_str_is(vm, VM_HOST_UUID, host)) {
		vm_settle_domain(pool, host, uuid);
		return;
	}
	vm_seek_moved(pool, host, uuid);
	vm_observe(pool, host, uuid);
}

void vm_settle_adopted(struct pool *pool, const char *host)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (vm, view, KIND_VM) {
		if (vm_is_adopted_on(vm, host))
			settle_own(pool, vm, host);
		else if (seek(pool, view, vm, host) == ANOTHER_DOMAIN)
			log_warning("vm", object_uuid(vm),
				    "host %s has a domain of the same uuid, which is another one", host);
	}
}
