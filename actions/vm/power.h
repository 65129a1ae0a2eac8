/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and stopping a VM on a host: what Start, Reboot, Create and the rest
 * have in common.
 *
 * Up: one change chooses the host, reserves its capacity and gives the NICs
 * their addresses (state Starting); then the host is prepared and the domain
 * started; then one change writes Running. Whatever fails, one change rolls it
 * back. A kill in between leaves Starting, which recovery reconciles by asking
 * the host.
 */
#ifndef POOLFS_VM_POWER_H
#define POOLFS_VM_POWER_H

#include "actions/engine/job.h"
#include "actions/host/load.h"

/**
 * Starts a VM that has a root volume: chooses and reserves a host, gives NICs their addresses, opens
 * storage and networks there, starts the domain (@paused: with its CPUs stopped). On failure the VM has
 * no host and is in @failed_state. -EBUSY without a usable NIC; errors of placement; HOST.1005 around
 * those of the host. Blocking.
 */
int vm_bring_up(struct job *job, const char *uuid, enum vm_state failed_state, bool paused, struct error *e);
/** vm_bring_up() of a VM that is Stopped, and stays so on failure, on the host where it ran last, if that can have it. Blocking. */
int vm_bring_back(struct job *job, const char *uuid, struct error *e);
/**
 * The second half of vm_bring_up(), for a VM in state Starting or Rebooting whose @host is chosen and
 * reserved. @last_host: where it ran before, NULL or "" for nowhere. Blocking.
 */
int vm_power_on(struct job *job, const char *uuid, const char *host, const char *last_host,
		enum vm_state failed_state, bool paused, struct error *e);
/**
 * Ends a domain: the guest may shut down within @grace_ms milliseconds (0: it is not asked), then its
 * power is cut. Writes no state. HOST.1006 around the error of the host. Blocking.
 */
int vm_power_off(struct job *job, const char *uuid, const char *host, int grace_ms, struct error *e);
/**
 * Stops a VM: vm_power_off() on its host, if it has one, and state Stopped. On failure the VM gets its
 * former state back and is reconciled with its host. Blocking.
 */
int vm_bring_down(struct job *job, const char *uuid, int grace_ms, struct error *e);

/**
 * Measures the load of the hosts if the strategy of the VM goes by it, else *ret stays as it is. The caller calls
 * host_loads_done(). Blocking.
 */
void vm_measure_loads(struct pool *pool, const char *uuid, struct host_loads *ret);

#endif
