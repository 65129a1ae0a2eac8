/* SPDX-License-Identifier: Apache-2.0 */
/* The size of a VM, and which changes of it a running guest can take. Only reads. */
#ifndef POOLFS_VM_RESIZE_H
#define POOLFS_VM_RESIZE_H

#include "model/view.h"

/* Memory is added to a running guest in these steps, bytes. */
#define VM_MEMORY_STEP (INT64_C(128) << 20)

struct vm_size {
	int64_t cpus, memory; /* memory in bytes */
};

/** -EINVAL for less memory than a VM can have, in bytes. */
int vm_check_memory(int64_t memory, struct error *e);
/** The size of a VM, from its row. */
struct vm_size vm_size_of(const struct object *vm);
/** True when a running VM can get exactly this size (@memory in bytes) without being stopped. */
bool vm_resizes_live(const struct view *view, const struct object *vm, int64_t cpus, int64_t memory);

#endif
