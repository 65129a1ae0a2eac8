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

bool vm_is_adopted_on(const struct object *vm, const char *host)
{
	return strstr(object_text(vm, VM_DOMAIN_HOSTS), host); /* all uuids are of one length */
}

bool domain_is_foreign(const struct view *view, const char *uuid, const char *host, bool own)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);

	return !vm || (!own && !vm_is_adopted_on(vm, host));
}
