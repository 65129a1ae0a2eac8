/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for hosts to be connected, for recover functions of operations, and for jobs that have lost a host. */
#ifndef POOLFS_HOST_WAIT_H
#define POOLFS_HOST_WAIT_H

#include "actions/engine/job.h"

/**
 * True when the job has to wait for a host that is coming: it is what the job works on, has its VM or volume, or would be
 * the first that reaches that; or it is any, while the job is of a zone, a cluster, a primary storage or a network.
 * @prepared: as host_is_coming().
 */
bool host_is_coming_for(const struct view *view, const struct object *job, bool prepared);
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
/**
 * For a job that has lost @host in the middle of a call, so that it does not know what that has done: runs @ask, which
 * asks the host or does it once more, again and again while that is -ENOTCONN, for 30 s at most. Returns what the last
 * one did, with its error. Ends early when the host is gone or known to be dead, or the job is cancelled.
 */
int host_ask_again(struct job *job, const char *host, int (*ask)(void *arg, struct error *e), void *arg,
		   struct error *e);

#endif
