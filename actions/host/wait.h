/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for hosts, in recoveries. */
#ifndef POOLFS_HOST_WAIT_H
#define POOLFS_HOST_WAIT_H

#include "actions/engine/job.h"

/** Waits, for recoveries, until a host is connected; false when it does not come within 30 s. Blocking. */
bool host_wait_connected(struct job *job, const char *host);
/** Waits in the same way for @host, or when that is NULL for any host that reaches the primary storage @ps
 * (NULL: for nothing). */
void host_wait_for_storage(struct job *job, const char *ps, const char *host);
/** Waits in the same way for all hosts of a cluster (NULL: of the pool), for 30 s in all. */
void host_wait_for_cluster(struct job *job, const char *cluster);

#endif
