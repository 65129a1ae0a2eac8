/* SPDX-License-Identifier: Apache-2.0 */
/* See resize.h. */
#include "actions/vm/resize.h"

#include "actions/engine/config.h"

struct vm_size vm_size_of(const struct object *vm)
{
	return (struct vm_size){object_int(vm, VM_CPU_NUM), object_int(vm, VM_MEMORY_SIZE)};
}

bool vm_resizes_live(const struct view *view, const struct object *vm, int64_t cpus, int64_t memory)
{
	struct vm_size now = vm_size_of(vm);

	return config_bool(view, "vm.numa") && cpus >= now.cpus && memory >= now.memory &&
	       (memory - now.memory) % VM_MEMORY_STEP == 0;
}
