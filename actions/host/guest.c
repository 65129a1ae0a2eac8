/* SPDX-License-Identifier: Apache-2.0 */
/* See guest.h. */
#include "actions/host/guest.h"

#include <string.h>

enum vm_state vm_state_of_domain(enum hv_domain_state domain)
{
	switch (domain) {
	case HV_DOMAIN_RUNNING:
		return VM_STATE_RUNNING;
	case HV_DOMAIN_PAUSED:
		return VM_STATE_PAUSED;
	case HV_DOMAIN_OFF:
	case HV_DOMAIN_ABSENT:
		break;
	}
	return VM_STATE_STOPPED;
}

const char *vm_place(const struct object *vm)
{
	/* The host of one that was not started yet is a wish; a clone has things on the last one. */
	bool is_wish = object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_CREATED));
	const char *host = is_wish ? NULL : object_str(vm, VM_HOST_UUID);

	return host ? host : object_str(vm, VM_LAST_HOST_UUID);
}

bool domain_is_foreign(const struct view *view, const char *uuid, const char *host)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *place = vm ? vm_place(vm) : NULL;

	if (!vm)
		return true;
	return object_str(vm, VM_DOMAIN_NAME) && place && strcmp(place, host) != 0 &&
	       !object_str_is(vm, VM_MIGRATION_HOST_UUID, host);
}
