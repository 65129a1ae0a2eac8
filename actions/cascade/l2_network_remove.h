/* SPDX-License-Identifier: Apache-2.0 */
/* Removing an L2 network and its L3 networks. */
#ifndef POOLFS_CASCADE_L2_NETWORK_REMOVE_H
#define POOLFS_CASCADE_L2_NETWORK_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes an L2 network, its L3 networks as l3_network_remove() does, and its attachments to clusters.
 * Success when it is gone. -ENOTEMPTY. Blocking: for workers.
 */
int l2_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
