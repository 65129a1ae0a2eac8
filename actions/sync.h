/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the pool in line with what happens on the hosts: their connections, and
 * the states of domains that changed by themselves or by other programs.
 *
 * Each event becomes one change of the store, in the order in which the hypervisor
 * module delivers them. While a job works on a VM (a state like Starting), events do
 * not change its state; the job checks the domain once more after it has written the
 * final state (vm_reconcile()), so that no event in between is lost.
 */
#ifndef POOLFS_SYNC_H
#define POOLFS_SYNC_H

#include "actions/engine/pool.h"
#include "hypervisor/hypervisor.h"

/** The callbacks for hv_new(); their context is the pool. They run in threads of the hypervisor module. */
extern const struct hv_events pool_events;
/**
 * Sets all hosts to Connecting and adds them to the hypervisor module, which then connects them. Errors of
 * the store and of hv_host_add().
 */
int pool_connect_hosts(struct pool *pool, struct error *e);
/** Blocks until no host is Connecting, at most @ms milliseconds, or until the pool is to be closed. */
void pool_wait_for_hosts(struct pool *pool, int ms);

#endif
