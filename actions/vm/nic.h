/* SPDX-License-Identifier: Apache-2.0 */
/* NICs of a VM. */
#ifndef POOLFS_VM_NIC_H
#define POOLFS_VM_NIC_H

#include "actions/engine/operation.h"

/* Most NICs of a VM. */
#define VM_NICS_MAX 16

op_queue_fn nic_queue;

/**
 * Writes a NIC on an L3 network: @mac (NULL or "": a new one), @ip (NULL or "": the first free). For change
 * functions.
 */
int vm_put_nic(struct txn *t, const char *vm_uuid, const char *l3, int device_id, const char *mac,
	       const char *ip, char ret_uuid[UUID_SIZE], struct error *e);

#endif
