/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DHCP leases of a VM's NICs: on each host, a managed network assigns the
 * address in the NIC's row to its MAC address, together with the VM's host name.
 */
#ifndef POOLFS_VM_LEASE_H
#define POOLFS_VM_LEASE_H

#include "actions/engine/pool.h"

/** Sets the lease of a NIC on a host, where it opens the network if needed. Blocking. Errors of libvirt. */
int vm_set_lease(struct pool *pool, const struct view *view, const struct object *nic, const char *host,
		 struct error *e);
/** Sets the leases of all NICs of a VM on a host, up to the first failure. Blocking. */
int vm_set_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host,
		  struct error *e);

#endif
