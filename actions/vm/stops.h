/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping VMs that stand in the way of another operation. */
#ifndef POOLFS_VM_STOPS_H
#define POOLFS_VM_STOPS_H

#include "actions/engine/job.h"

/** Picks the VMs to stop, among those that are not Stopped, Created or Destroyed. */
typedef bool vm_pick_fn(const struct view *view, const struct object *vm, const void *arg);

/** True when some VM that is picked is up (or on its way up or down). */
bool vm_any_up(const struct view *view, vm_pick_fn *pick, const void *arg);
/**
 * Hands in a StopVmInstance for each picked VM that is up, as its owner would, so that each waits for what
 * the VM is doing and follows the VM's own rules; waits for all of them. The first failure is returned.
 * Blocking.
 */
int vm_stop_all(struct job *job, vm_pick_fn *pick, const void *arg, struct error *e);

/** The VMs that a host runs, for vm_stop_all(). */
bool vm_runs_on(const struct view *view, const struct object *vm, const void *host);

#endif
