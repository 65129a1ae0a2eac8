/* SPDX-License-Identifier: Apache-2.0 */
/* Taking VMs away: destroying, tearing down, expunging. */
#ifndef POOLFS_VM_REMOVE_H
#define POOLFS_VM_REMOVE_H

#include "actions/engine/job.h"

/** Takes away what a first start made: domain, leases, volumes, NICs; the VM's row stays, in @state.
 * Blocking. */
int vm_tear_down(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);
/** vm_tear_down(), and the VM's own rows. Success when it is gone. Blocking. */
int vm_remove(struct job *job, const char *uuid, struct error *e);

/** Stops, destroys and expunges every VM whose indexed @field is @uuid: what a vanishing zone or host does.
 * Blocking. */
int vm_remove_all_where(struct job *job, int field, const char *uuid, struct error *e);
/** Submits the expunge of VMs that have been Destroyed for longer than vm.expungePeriod. */
int vm_expunge_due(struct pool *pool, struct error *e);

/** The VM as it is now, with a reference for the caller; NULL when it is gone. */
const struct object *vm_now(struct pool *pool, const char *uuid);

/** Ends the VM's domain and makes the VM Destroyed; @enforcing passes over what the host refuses. Blocking. */
int vm_destroy(struct job *job, const struct object *vm, bool enforcing, struct error *e);

#endif
