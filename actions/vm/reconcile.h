/* SPDX-License-Identifier: Apache-2.0 */
/* Making the state of a VM agree with what its host has, for jobs and recovery. */
#ifndef POOLFS_VM_RECONCILE_H
#define POOLFS_VM_RECONCILE_H

#include "actions/engine/job.h"
#include "model/states.h"

/**
 * Asks @host for the state of the domain and writes it (observed.h), and the other hosts, too, when the guest is not there
 * and may have been moved (movable.h): for handlers that have written a final state,
 * since an event that came before was ignored, and for recovery. Does nothing when the host does not
 * answer. Blocking.
 */
void vm_reconcile(struct pool *pool, const char *host, const char *uuid);
/** Asks the hosts of all Unknown VMs that answer by now (vm_reconcile()). Blocking. */
void vm_reconcile_unknown(struct pool *pool);
/**
 * For recovery after a restart of the daemon: waits for the VM's host, writes the state of the domain,
 * and compares the VM's state with @wanted. 0 when it is that, -EINTR when not or when the VM is gone.
 * Without an answer of the host the VM becomes Unknown. Blocking, a minute at most.
 */
int vm_recover_state(struct job *job, const char *uuid, enum vm_state wanted);

#endif
