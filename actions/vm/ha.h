/* SPDX-License-Identifier: Apache-2.0 */
/*
 * High availability (behaviour.md 3.8): restarts VMs without a request from anyone.
 *
 * The level is the VM's system tag ha::<level>:
 *   NeverStop      whenever it is Stopped, unless a stop said stopHA
 *   OnHostFailure  when its host is dead (so is a NeverStop VM)
 *
 * There is no state besides the rows: the VM's state says what is to be done, the
 * jobs of the source "ha" say how often it was tried, so that a restart of the
 * daemon changes nothing. Each start is an ordinary job. The time between two
 * starts doubles up to a limit, for starts that fail as for guests that stop
 * soon after each start. A VM that was lost with its host is marked (haRestart)
 * until it runs again, so that its start is tried as often as is necessary.
 *
 * The VMs of a host that is silent are Unknown: their guests may run. When the host
 * has been Disconnected for host.ping.interval times host.ping.maxFailure seconds
 * and nothing answers at its address, its fence command is to cut its power, as the
 * job FenceHost. Only when that has proved that the power is off, or when an
 * administrator has confirmed it (ConfirmHostDead), are the VMs Stopped and started
 * elsewhere, if their storage is shared. ha_decision.h has the decision.
 *
 * A host that answers again says itself which guests run. Those that do are Running
 * again; those that are gone are Stopped, and started if they were lost.
 */
#ifndef POOLFS_VM_HA_H
#define POOLFS_VM_HA_H

#include "actions/engine/pool.h"

/* The key of the system tag that says at which level a VM is highly available. */
#define HA_TAG "ha"

/** Submits a start for each NeverStop VM that is Stopped and due. Blocking; database errors. */
int ha_start_stopped(struct pool *pool, struct error *e);
/** Whether there are VMs for ha_start_stopped(), now or later. */
bool ha_has_vms(const struct view *view);
/**
 * Does what is due about hosts that are silent: looks, in the background, whether something answers there,
 * submits the fence command, tells in fenceReason what an administrator can do, releases the VMs of a dead
 * host. -ENOMEM, database errors.
 */
int ha_check_hosts(struct pool *pool, struct error *e);
/**
 * The host is dead: its VMs on shared storage become Stopped, and those with an HA level are marked for
 * HA. VMs with a job stay as they are until it has ended. For change functions.
 */
int ha_release_host(struct txn *t, const char *host, struct error *e);

#endif
