/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a cluster, for the cascade of a zone. */
#ifndef POOLFS_CLUSTER_H
#define POOLFS_CLUSTER_H

#include "actions/job.h"

/** Removes a cluster with its hosts (host_remove()) and links. Success when it is gone. Blocking: for
 * workers. */
int cluster_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
