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
 * soon after each start.
 *
 * A host is dead when it has been Disconnected for host.ping.interval times
 * host.ping.maxFailure seconds and nothing answers at its address: on a host that
 * answers only libvirt has failed, and its VMs run. Only VMs on shared storage
 * can be started elsewhere. If the host is alive behind a broken network, the
 * locks that QEMU holds on its images prevent a second copy from starting.
 */
#ifndef POOLFS_VM_HA_H
#define POOLFS_VM_HA_H

#include "actions/engine/pool.h"

/* The key of the system tag that says at which level a VM is highly available. */
#define HA_TAG "ha"

/** Submits a start for each NeverStop VM that is Stopped and due. Blocking; database errors. */
int ha_start_stopped(struct pool *pool, struct error *e);
/**
 * Probes, in the background, each host that has been Disconnected for too long and has VMs to restart; a
 * dead one loses them to other hosts. -ENOMEM.
 */
int ha_check_hosts(struct pool *pool, struct error *e);

#endif
