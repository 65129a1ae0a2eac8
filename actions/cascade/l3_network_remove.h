/* SPDX-License-Identifier: Apache-2.0 */
/* Removing an L3 network with its ranges. */
#ifndef POOLFS_CASCADE_L3_NETWORK_REMOVE_H
#define POOLFS_CASCADE_L3_NETWORK_REMOVE_H

#include <net/if.h>

#include "actions/engine/job.h"

/**
 * Removes an L3 network that no NIC is in: closes it on its hosts (@enforcing: whatever they say), removes
 * ranges, DNS servers and row. Success when it is gone. -ENOTEMPTY. Blocking: for workers.
 */
int l3_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
