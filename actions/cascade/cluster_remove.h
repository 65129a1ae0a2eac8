/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a cluster with what is in it. */
#ifndef POOLFS_CASCADE_CLUSTER_REMOVE_H
#define POOLFS_CASCADE_CLUSTER_REMOVE_H

#include "actions/engine/job.h"

/** Removes a cluster with its hosts (host_remove()) and links. Success when it is gone. Blocking: for
 * workers. */
int cluster_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
