/* SPDX-License-Identifier: Apache-2.0 */
/*
 * High availability (behaviour.md 3.8): VMs that are started again by themselves.
 *
 * The level is the VM's system tag ha::<level>:
 *   NeverStop      whenever it is Stopped, unless a stop said stopHA
 *   OnHostFailure  when its host is dead
 *
 * Nothing is remembered but rows: what is to be done is seen from the VM's
 * state, and how often it was tried from the jobs of the source "ha", so that
 * a restart of the daemon changes nothing. Each start is an ordinary job; the
 * time between two of them doubles up to a limit, for starts that fail and for
 * guests that stop right after each start.
 *
 * A host is dead when it has been Disconnected for host.ping.interval times
 * host.ping.maxFailure seconds and nothing answers at its address: a host that
 * answers has only lost libvirt, and its VMs run. Only VMs on shared storage
 * can be started elsewhere. Should the host live after all, behind a broken
 * network, the locks that QEMU holds on its images keep the second copy from
 * starting.
 */
#ifndef POOLFS_VM_HA_H
#define POOLFS_VM_HA_H

#include "actions/engine/pool.h"

/* The key of the system tag that says at which level a VM is highly available. */
#define HA_TAG "ha"

/** Submits starts of NeverStop VMs that are down. */
int ha_start_stopped(struct pool *pool, struct error *e);
/** Looks at hosts that have been Disconnected for too long, in the background. */
int ha_look_at_hosts(struct pool *pool, struct error *e);

#endif
