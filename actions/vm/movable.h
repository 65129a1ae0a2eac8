/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the guest of an adopted VM may have been moved to another host without the pool (moved.h). */
#ifndef POOLFS_VM_MOVABLE_H
#define POOLFS_VM_MOVABLE_H

#include "hypervisor/hypervisor.h"
#include "model/view.h"

/**
 * The root volume of the VM, by whose file the guest is known on another host; NULL: it cannot have been moved. @vm may
 * be NULL. Borrowed from @view.
 */
const struct object *vm_movable_root(const struct view *view, const struct object *vm);
/**
 * True when @host, where the VM is according to its row, reports that its domain does not run (@state), and it may have
 * been moved: the other hosts must be asked before the VM counts as stopped, which vm_reconcile() does.
 */
bool vm_stop_is_unsure(const struct view *view, const char *vm, const char *host, enum hv_domain_state state);
/** True when @host, a former one, reports that it has the VM's domain no more: vm_reconcile() writes that. */
bool vm_has_left(const struct view *view, const char *vm, const char *host, enum hv_domain_state state);

#endif
