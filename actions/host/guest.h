/* SPDX-License-Identifier: Apache-2.0 */
/* Where a VM is, and what the domains of hosts say of it. Pure functions of the rows. */
#ifndef POOLFS_HOST_GUEST_H
#define POOLFS_HOST_GUEST_H

#include "actions/engine/operation.h"
#include "hypervisor/hypervisor.h"

/** The state of a VM whose domain is in this state. */
enum vm_state vm_state_of_domain(enum hv_domain_state domain);
/** The host where the VM is, or was last; NULL for one that was nowhere yet. Its uuid, borrowed. */
const char *vm_place(const struct object *vm);
/**
 * True when the VM's domain on @host was, or may have been, made by others: it was adopted there, or has been moved there
 * since. The hypervisor's table (hypervisor/adopted.h) has the same hosts.
 */
bool vm_is_adopted_on(const struct object *vm, const char *host);
/**
 * True when the domain @uuid on @host is none of the pool: there is no such VM, or its name is not its uuid (@own), and it
 * was not adopted there. A VM that was adopted has kept the uuid that others have given it, and they may have given it to
 * a second domain as well.
 */
bool domain_is_foreign(const struct view *view, const char *uuid, const char *host, bool own);

#endif
