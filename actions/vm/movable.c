/* SPDX-License-Identifier: Apache-2.0 */
/* See movable.h. */
#include "actions/vm/movable.h"

#include <string.h>

#include "actions/host/guest.h"
#include "model/states.h"

const struct object *vm_movable_root(const struct view *view, const struct object *vm)
{
	const struct object *root;

	if (!vm || !object_str(vm, VM_DOMAIN_NAME) ||
	    !vm_state_is_in(object_str(vm, VM_STATE), S_STARTING | S_RUNNING | S_STOPPING | S_STOPPED |
							      S_REBOOTING | S_PAUSING | S_PAUSED |
							      S_RESUMING | S_UNKNOWN))
		return NULL;
	root = view_get(view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));
	return root && !object_str(root, VOLUME_HOST_UUID) && object_str(root, VOLUME_INSTALL_PATH) ? root
												    : NULL;
}

bool vm_stop_is_unsure(const struct view *view, const char *uuid, const char *host,
		       enum hv_domain_state state)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);

	return vm && !hv_domain_is_up(state) && object_str_is(vm, VM_HOST_UUID, host) &&
	       vm_movable_root(view, vm) &&
	       vm_state_is_in(object_str(vm, VM_STATE), S_RUNNING | S_PAUSED | S_UNKNOWN);
}

bool vm_has_left(const struct view *view, const char *uuid, const char *host, enum hv_domain_state state)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *place = vm ? vm_place(vm) : NULL;

	return state == HV_DOMAIN_ABSENT && vm && vm_is_adopted_on(vm, host) && place &&
	       strcmp(place, host) != 0;
}
