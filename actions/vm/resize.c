/* SPDX-License-Identifier: Apache-2.0 */
/* See resize.h. */
#include "actions/vm/resize.h"

#include "actions/engine/config.h"

#define MEMORY_MIN (INT64_C(16) << 20) /* bytes */

int vm_check_memory(int64_t memory, struct error *e)
{
	if (memory >= MEMORY_MIN)
		return 0;
	return error_set(
		e, EINVAL,
		"memory size[%lld bytes] is less than 16M, no modern operating system is likely able to "
		"boot with such small memory size",
		(long long)memory);
}

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
