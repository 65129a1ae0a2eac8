/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a VM has its disks. As long as its first start makes them, no host has it. */
#ifndef POOLFS_VM_DISKS_H
#define POOLFS_VM_DISKS_H

#include "model/view.h"

/** Whether the VM has a root volume and none of its volumes is still to be made. */
bool vm_has_disks(const struct view *view, const char *uuid);
/** Whether the VM is laid out, and neither has all its disks nor ever ran: what a first start that was killed has left. */
bool vm_is_in_first_start(const struct view *view, const char *uuid);

#endif
