/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for hosts to be connected, for recover functions of operations. */
#ifndef POOLFS_HOST_WAIT_H
#define POOLFS_HOST_WAIT_H

#include "actions/engine/job.h"

/** Blocks until the host is connected; false when it is not within 30 s, is gone, or the job is cancelled. */
bool host_wait_connected(struct job *job, const char *host);
/**
 * Waits likewise for @host, or if it is NULL for any host of the primary storage @ps; does not wait if both
 * are NULL.
 */
void host_wait_for_storage(struct job *job, const char *ps, const char *host);
/**
 * Waits in the same way for all hosts of a cluster (NULL: of the pool), for 30 s in all. False when the job was
 * cancelled before that, as at the end of the daemon.
 */
bool host_wait_for_cluster(struct job *job, const char *cluster);

#endif
