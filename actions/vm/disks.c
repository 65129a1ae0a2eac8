/* SPDX-License-Identifier: Apache-2.0 */
/* See disks.h. */
#include "actions/vm/disks.h"

#include "model/states.h"

bool vm_has_disks(const struct view *view, const char *uuid)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, uuid)
		if (object_str_is(volume, VOLUME_STATUS, STATUS_CREATING))
			return false;
	return vm && view_get(view, KIND_VOLUME, object_str(vm, VM_ROOT_VOLUME_UUID));
}

bool vm_is_in_first_start(const struct view *view, const char *uuid)
{
	const struct object *vm = view_get(view, KIND_VM, uuid);

	return vm && object_str(vm, VM_ROOT_VOLUME_UUID) && !object_str(vm, VM_LAST_HOST_UUID) &&
	       !vm_has_disks(view, uuid);
}
