/* SPDX-License-Identifier: Apache-2.0 */
/* The NICs of a VM: their rows. What a host must know of a NIC is in describe.h and lease.h. */
#ifndef POOLFS_VM_NIC_H
#define POOLFS_VM_NIC_H

#include "actions/engine/operation.h"

/* A VM has at most so many NICs. */
#define VM_NICS_MAX 16

/**
 * For operations on a NIC: they wait in the queue of its VM. Borrowed from @view; NULL when the NIC is
 * gone.
 */
op_queue_fn nic_queue;

/**
 * Writes a NIC of the VM on an L3 network, with the MAC address @mac (NULL or "": a new one) and the IPv4
 * address @ip (NULL: the first free one). For change functions; the VM must exist. -EEXIST when another NIC
 * has the MAC address; errors of l3_network_allocate_ip(); -ENOMEM. @ret_uuid may be NULL.
 */
int vm_put_nic(struct txn *t, const char *vm_uuid, const char *l3, int device_id, const char *mac,
	       const char *ip, char ret_uuid[UUID_SIZE], struct error *e);
/** The beginning of the tag with the static address of a VM's NIC on the L3 network. */
void nic_static_ip_prefix(const char *l3, char ret_prefix[64]);
/** Makes the L3 network (NULL: none) the VM's default one. For change functions. */
int vm_put_default_l3(struct txn *t, const char *vm_uuid, const char *l3, struct error *e);
/**
 * Removes the row of a NIC that is not plugged in (any more), with the tag of its static address, and its lease
 * from the VM's host; @view is one in which the row is. If it was on the default network, that of the VM's first
 * remaining NIC becomes the default. A host that does not answer drops the lease when it connects. Blocking.
 */
int vm_remove_nic(struct pool *pool, const struct view *view, const struct object *nic, struct error *e);
/** -EEXIST: another NIC has the MAC address. */
int nic_refuse_mac(const char *mac, struct error *e);

#endif
