/* SPDX-License-Identifier: Apache-2.0 */
/* Removing an L3 network and its IP ranges. */
#ifndef POOLFS_CASCADE_L3_NETWORK_REMOVE_H
#define POOLFS_CASCADE_L3_NETWORK_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes an L3 network without NICs: closes it on its hosts (@enforcing: their errors are ignored), and
 * removes the rows of the network, its IP ranges and its DNS servers. Success when it is gone. -ENOTEMPTY
 * when it has NICs. Blocking: for workers.
 */
int l3_network_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
