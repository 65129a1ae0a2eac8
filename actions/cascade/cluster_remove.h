/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a cluster and all that is in it. */
#ifndef POOLFS_CASCADE_CLUSTER_REMOVE_H
#define POOLFS_CASCADE_CLUSTER_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes a cluster, its hosts as host_remove() does, and its attachments to networks and storage. Success
 * when it is gone. Blocking: for workers.
 */
int cluster_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
