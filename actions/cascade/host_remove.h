/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a host with what is on it. */
#ifndef POOLFS_CASCADE_HOST_REMOVE_H
#define POOLFS_CASCADE_HOST_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes a host and stops and removes the VMs that run on it or whose volumes lie on its local storage;
 * @enforcing: also when the host does not answer. Success when it is gone. Blocking: for workers.
 */
int host_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
