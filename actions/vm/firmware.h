/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables of a VM's UEFI firmware. They are on the host on which the VM ran last, and follow it when it is
 * started on another one.
 */
#ifndef POOLFS_VM_FIRMWARE_H
#define POOLFS_VM_FIRMWARE_H

#include "actions/engine/pool.h"

/**
 * Gives the VM @uuid, on @host, the variables that @from has on @from_host, if it has any. Nothing happens for a
 * VM without UEFI, and when @from_host is gone or not connected: the guest then starts with new variables and
 * boots what is in the default place of its disk. Blocking.
 */
int vm_copy_firmware(struct pool *pool, const char *from_host, const char *from, const char *host,
		     const char *uuid, struct error *e);
/** Removes what the VM has left on a host that it is not on any more. Errors are ignored. Blocking. */
void vm_leave_host(struct pool *pool, const char *host, const char *uuid);

#endif
