/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping VMs that prevent another operation, such as the maintenance of a host.
 * A VM is up unless it is Stopped, Created or Destroyed.
 */
#ifndef POOLFS_VM_STOPS_H
#define POOLFS_VM_STOPS_H

#include "actions/engine/job.h"

/** Picks the VMs to stop, among those that are up. */
typedef bool vm_pick_fn(const struct view *view, const struct object *vm, const void *arg);

/** True when a VM that is picked is up. */
bool vm_any_up(const struct view *view, vm_pick_fn *pick, const void *arg);
/**
 * Submits a StopVmInstance for each picked VM that is up and waits for them: as ordinary jobs they wait
 * for other jobs of the VM and follow its rules. Ends at the first failure, with its error. Blocking.
 */
int vm_stop_all(struct job *job, vm_pick_fn *pick, const void *arg, struct error *e);

/** Picks the VMs on the host whose uuid is @host. */
bool vm_runs_on(const struct view *view, const struct object *vm, const void *host);

#endif
