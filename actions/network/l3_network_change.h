/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of an L3 network that its hosts are told of. */
#ifndef POOLFS_NETWORK_L3_NETWORK_CHANGE_H
#define POOLFS_NETWORK_L3_NETWORK_CHANGE_H

#include "actions/engine/job.h"

/**
 * Runs @apply as one store change, then refreshes the L3 network on the connected hosts of the clusters that
 * have it. A host that refuses is not a failure: it says why (statusReason), and is tried again (host_prepare.h). The
 * caller owns *@ret_result. Blocking: for workers.
 */
int l3_network_change(struct job *job, const char *l3_uuid, op_apply_fn *apply, json_t **ret_result,
		      struct error *e);

#endif
