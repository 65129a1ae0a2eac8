/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DHCP leases of a VM's NICs: on each host, a managed network assigns the
 * address in the NIC's row to its MAC address, together with the VM's host name.
 * What a network hands out on a host is derived from the rows in one place,
 * l3_network_apply_on_host(); these functions call it for the networks of one VM.
 */
#ifndef POOLFS_VM_LEASE_H
#define POOLFS_VM_LEASE_H

#include "actions/engine/pool.h"

/**
 * Makes the networks of the VM's NICs (as they are in @view) hand out on a host what the rows say now, and opens
 * them there if needed. Stops at the first failure. Blocking. Errors of libvirt.
 */
int vm_apply_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host,
		    struct error *e);
/**
 * The same after rows of the VM have gone, or its place has changed: @view is from before. A host that does
 * not answer is not a failure: its networks are compared again when it connects. Blocking.
 */
void vm_forget_leases(struct pool *pool, const struct view *view, const char *uuid, const char *host);

#endif
