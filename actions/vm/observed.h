/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the state of a VM follows what hosts report of its domain.
 *
 * What a host says may be past when it is written: meanwhile a job has changed the domain and the row, and an event
 * may have waited behind the calls of that job. So an event only hints that something has changed. The host is asked,
 * and its answer is written if the VM's row is still the very one that was read before the host was asked; else it is
 * asked again. A VM whose state is one of a job's (Starting, Pausing, ...) is left to the job, which asks once more
 * after it has written the final state (vm_reconcile()), so that no change in between is lost.
 */
#ifndef POOLFS_VM_OBSERVED_H
#define POOLFS_VM_OBSERVED_H

#include "actions/engine/pool.h"
#include "actions/vm/state.h"
#include "hypervisor/hypervisor.h"

/** How often a host is asked at most: what changes faster is followed by its events and jobs. */
#define VM_ASK_ROUNDS 8

/**
 * Asks @host for the state of the domain and writes it. @view is the pool as of now, and @event, if not NULL, what has
 * been told: when that would change nothing, the host is not asked, and its reason counts where the host, in the same
 * state, knows less. Returns true if the host is to be asked again, with a newer view. Does nothing when the host does
 * not answer: its VMs become Unknown, and are compared when it connects again. Blocking.
 */
bool vm_ask_host(struct pool *pool, const struct view *view, const char *host, const char *uuid,
		 const struct hv_domain_status *event);
/** vm_ask_host() without an event, until the answer is what the row says. Blocking. */
void vm_observe(struct pool *pool, const char *host, const char *uuid);
/**
 * Writes what @host has told of a VM's domain since @then. If the VM has changed since, nothing is written and
 * *@ret_outdated becomes true: the host is to be asked again. Ignored while a job is changing the VM, for a VM that is
 * gone, and when another host than the VM's own reports no running domain. For change functions.
 */
int vm_set_observed(struct txn *t, const struct view *then, const char *host,
		    const struct hv_domain_status *told, bool *ret_outdated, struct error *e);

#endif
