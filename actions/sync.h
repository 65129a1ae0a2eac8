/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the pool in line with what happens on the hosts: their connections, and
 * the states of domains that changed by themselves or by other programs.
 *
 * The callbacks come in the threads of their hosts, so a host that does not answer
 * holds up no other. What a host says of its domains is written as observed.h tells.
 */
#ifndef POOLFS_SYNC_H
#define POOLFS_SYNC_H

#include "actions/engine/pool.h"
#include "hypervisor/hypervisor.h"

/** The callbacks for hv_new(); their context is the pool. They run in threads of the hypervisor module. */
extern const struct hv_events pool_events;
/** Sets all hosts to Connecting: what the rows say is of the last run. Errors of the store. */
int pool_expect_hosts(struct pool *pool, struct error *e);
/** Adds all hosts to the hypervisor module, which then connects them. Errors of hv_host_add(). */
int pool_connect_hosts(struct pool *pool, struct error *e);
/** Blocks until no host is Connecting, at most @ms milliseconds, or until the pool is to be closed. */
void pool_wait_for_hosts(struct pool *pool, int ms);

#endif
