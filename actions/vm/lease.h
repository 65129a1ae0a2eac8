/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed DHCP leases of NICs, with the host name of their VM. */
#ifndef POOLFS_VM_LEASE_H
#define POOLFS_VM_LEASE_H

#include "actions/engine/pool.h"

/** The fixed DHCP lease of a NIC, with its VM's host name, on a host. Opens the network when needed.
 * Blocking. */
int vm_set_lease(struct pool *pool, const struct view *view, const struct object *nic, const char *host,
		 struct error *e);
/** The leases of all NICs of a VM. Blocking. */
int vm_set_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host,
		  struct error *e);

#endif
