/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destroy and expunge VMs, and roll back incomplete ones (behaviour.md
 * 4.1.2-4.1.4, 3.10).
 *
 * Order of a removal: domain, then files, then rows. Each step succeeds when its
 * object is gone already, so that a removal that was killed at any moment is
 * finished by running it again.
 */
#ifndef POOLFS_VM_REMOVE_H
#define POOLFS_VM_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes what a first start made: domain, leases, volumes, NICs. The VM's row stays, in @state. Success
 * when the VM is gone. Blocking. Errors of the host and of the storage, which are not needed as long as the disks are being made.
 */
int vm_tear_down(struct pool *pool, const char *uuid, enum vm_state state, struct error *e);
/** vm_tear_down(), then removes the VM's console log and rows. Success when the VM is gone. Blocking. */
int vm_remove(struct job *job, const char *uuid, struct error *e);
/**
 * Removes an incomplete VM. When that fails, because its host does not answer, the VM becomes Expunging: the timer that
 * expunges VMs tries again. True when nothing is left of it. Blocking.
 */
bool vm_roll_back(struct job *job, const char *uuid);
/**
 * vm_remove() of a VM that is Destroyed. When that fails and the VM cannot be recovered, because it was not complete or has
 * lost its root volume, it is Expunging, and is tried again (vm_expunge_left_behind()). Blocking.
 */
int vm_expunge(struct job *job, const char *uuid, struct error *e);

/**
 * Destroys and removes every VM whose indexed @field is @uuid, for the removal of a zone or a host. Stops
 * at the first failure. Blocking.
 */
int vm_remove_all_where(struct job *job, int field, const char *uuid, struct error *e);
/**
 * Submits the expunge of VMs that could not be removed, when their creation or removal failed, if the host of each is
 * connected: a host is back. Blocking.
 */
void vm_expunge_left_behind(struct pool *pool);
/**
 * Submits the expunge of VMs that have been Destroyed for longer than vm.expungePeriod. All are
 * tried; one of the failures is returned. Blocking.
 */
int vm_expunge_due(struct pool *pool, struct error *e);

/**
 * Ends the VM's domain and writes Destroyed. Firmware variables and the state of a TPM stay until it is removed. @enforcing: errors of the host are ignored; else the VM is
 * Unknown on its host after one (Stopped without a host), and the error is in HOST.1008. Blocking.
 */
int vm_destroy(struct job *job, const struct object *vm, bool enforcing, struct error *e);

/**
 * Removes the rows of a VM, its volumes and its NICs, and nothing on hosts and storages: it is somebody else's from then
 * on. Success when it is gone. For change functions.
 */
int vm_put_forgotten(struct txn *t, const char *uuid, struct error *e);

#endif
