/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How what happens on the hosts reaches the pool: connections, and states of
 * domains that somebody else changed.
 *
 * Each event becomes one store change, in the order in which the hypervisor
 * module delivers them. A VM whose job is under way (a state like Starting)
 * belongs to that job; the job looks at the domain once more when it has
 * written the final state (vm_settle()), so that an event that fell into that
 * gap is not lost.
 */
#ifndef POOLFS_SYNC_H
#define POOLFS_SYNC_H

#include "hypervisor/hypervisor.h"
#include "model/store.h"

/** Brings one VM in line with what its host says of its domain. For change functions. */
int vm_set_observed(struct txn *t, const char *host_uuid, const char *vm_uuid, enum hv_domain_state state,
		    enum hv_domain_reason reason, struct error *e);

#endif
