/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hosts that both run the guest of one VM.
 *
 * That happens when a host answers again that was taken for dead by mistake, or
 * when somebody starts a definition that was left there. The guest of the pool is
 * that on the VM's own host; the other one is destroyed before anything else is
 * done for it on its host. QEMU's lock on the images keeps the later one from
 * writing as far as the storage carries locks between hosts.
 *
 * What others have made is never touched: a domain that has the uuid of a VM, but was adopted on no host, or on another
 * one, is not there for the calls that are made here (hypervisor/states.h). Nor is one that others have put in the place of
 * the VM's own on a host that it has left: that is found out first (adopted.h).
 */
#ifndef POOLFS_VM_SECOND_COPY_H
#define POOLFS_VM_SECOND_COPY_H

#include "actions/engine/job.h"

/**
 * True when a domain that is active on @host is a second one: the VM's row says that it runs, or is just being
 * started, on another host. During a migration neither is.
 */
bool vm_is_second_copy(const struct view *view, const char *vm, const char *host);
/**
 * For such a domain: asks both hosts, in an order in which a migration never shows two guests that run. Destroys
 * that on @host if both do, or if it waits for a migration that has failed: libvirt does not end it when the network
 * between the hosts was cut. Else writes where the VM is. Blocking.
 */
void vm_settle_second_copy(struct pool *pool, const char *host, const char *vm);
/** True when an inactive definition on @host is of no use: the VM is, or was last, on another one. */
bool vm_is_leftover(const struct view *view, const char *vm, const char *host);
/** Removes such a definition from @host, unless the VM has been started there by now. Blocking. */
void vm_remove_leftover(struct pool *pool, const char *host, const char *vm);

#endif
