/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the state of a VM follows what hosts report of its domain.
 */
#ifndef POOLFS_VM_OBSERVED_H
#define POOLFS_VM_OBSERVED_H

#include "actions/engine/job.h"
#include "actions/vm/state.h"
#include "hypervisor/hypervisor.h"

/**
 * Writes what a host reports of a VM's domain. Ignored while a job is changing the VM, for a VM that is
 * gone, and when another host than the VM's own reports no running domain. For change functions.
 */
int vm_set_observed(struct txn *t, const char *host_uuid, const char *vm_uuid, enum hv_domain_state state,
		    enum hv_domain_reason reason, struct error *e);
/**
 * Asks @host for the state of the domain and writes it: for handlers that have written a final state,
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
