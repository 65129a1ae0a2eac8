/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How what happens on the hosts reaches the pool: connections, and states of
 * domains that somebody else changed.
 *
 * Each event becomes one store change, in the order in which the hypervisor
 * module delivers them. A VM whose job is under way (a state like Starting)
 * belongs to that job; the job looks at the domain once more when it has
 * written the final state (vm_reconcile()), so that an event that fell into that
 * gap is not lost.
 */
#ifndef POOLFS_SYNC_H
#define POOLFS_SYNC_H

#include <pthread.h>

#include "actions/engine/pool.h"
#include "hypervisor/hypervisor.h"

/** The callbacks for hv_new(); their context is the pool (sync.c). */
extern const struct hv_events pool_events;
/** Makes every host of the pool known to the hypervisor module, which then connects (sync.c). */
int pool_connect_hosts(struct pool *pool, struct error *e);
/** Waits until no host is Connecting any more, or @ms have passed (sync.c). */
void pool_wait_for_hosts(struct pool *pool, int ms);

#endif
