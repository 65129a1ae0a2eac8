/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a VM that are one system tag each, for the rows of operations that set, get or delete them. */
#ifndef POOLFS_VM_SETTING_H
#define POOLFS_VM_SETTING_H

#include "actions/engine/operation.h"

/* Settings of VMs that are tags: vm/setting.c; what they may be and where they are felt: vm_guest.c,
 * vm_console.c */
op_apply_fn vm_setting_apply;
op_run_fn vm_setting_run;
op_recover_fn vm_setting_recover;
op_get_fn vm_setting_get;

#endif
