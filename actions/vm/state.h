/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a VM: the one way in which it is written, and what its host says of it. */
#ifndef POOLFS_VM_STATE_H
#define POOLFS_VM_STATE_H

#include "actions/engine/job.h"
#include "hypervisor/hypervisor.h"

/** Brings one VM in line with what its host says of its domain. For change functions. */
int vm_set_observed(struct txn *t, const char *host_uuid, const char *vm_uuid, enum hv_domain_state state,
		    enum hv_domain_reason reason, struct error *e);

/**
 * Writes a changed VM (@vm is taken over, also on failure) in the place of @before (NULL: a new one), and the
 * capacities of its hosts with it. For change functions: the one way in which a VM's row is written.
 */
int vm_write(struct txn *t, const struct object *before, struct object *vm, struct error *e);
/** Writes a VM's state. For change functions. */
int vm_put_state(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** The same as a change of its own, from a worker. */
int vm_set_state(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);
/** True in the two states in which most changes of a VM are allowed. */
bool vm_is_running_or_stopped(const struct object *vm);
/** The host of a VM that is Running or Paused, so that it can be changed live; NULL for others. Borrowed. */
const char *vm_active_host(const struct object *vm);

/**
 * Writes what the VM's host says of its domain now: for handlers that have written a final state, to catch
 * an event that came before it, and for recovery. A host that is not connected leaves the VM as it is.
 */
void vm_reconcile(struct pool *pool, const char *host, const char *uuid);
/** Writes @state (Stopped or Destroyed) with the host left and its promise taken back. For change functions.
 */
int vm_put_stopped(struct txn *t, const char *uuid, enum vm_state state, struct error *e);
/** Writes Stopped likewise; @for_good: and HA leaves the VM alone until somebody starts it. For change
 * functions. */
int vm_put_off(struct txn *t, const char *uuid, bool for_good, struct error *e);
/** True when the request says that HA shall leave the VM alone when it has stopped. */
bool vm_stop_is_for_good(const struct request *req);
/**
 * After a restart: waits for the VM's host, writes what it says of the domain, and answers whether the VM is
 * in
 * @wanted. 0 = it is; -EINTR = it is not. Blocking, at most 30 s; without the host the VM becomes Unknown.
 */
int vm_recover_state(struct job *job, const char *uuid, enum vm_state wanted);

#endif
