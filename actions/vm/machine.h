/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that a VM is: its type, its processor, its firmware. Reads a view only.
 *
 * A guest must not find another machine after an update of the pool, so the row of a VM says which one it has;
 * VMs that are older than the choice have "pc".
 */
#ifndef POOLFS_VM_MACHINE_H
#define POOLFS_VM_MACHINE_H

#include "hypervisor/domain/domain_xml.h"
#include "model/view.h"

/** The machine type of a VM from its next start on: "pc" or "q35". Borrowed from @view, or static. */
const char *vm_machine_type(const struct view *view, const struct object *vm);
/** Whether the VM has UEFI firmware, which keeps variables on its host. */
bool vm_has_uefi(const struct view *view, const struct object *vm);
/**
 * What the VM's machine needs of its host, in the words of the host's machineParts: NULL-terminated, static words.
 */
void vm_machine_needs(const struct view *view, const struct object *vm, const char *ret_words[4]);
/** Fills the machine of @ret in. It borrows from @view. */
void vm_describe_machine(const struct view *view, const struct object *vm, struct hv_domain_def *ret);

#endif
