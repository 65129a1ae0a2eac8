/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a host and all that is only on it. */
#ifndef POOLFS_CASCADE_HOST_REMOVE_H
#define POOLFS_CASCADE_HOST_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes a host: stops the VMs that run on it, and removes the VMs and volumes on its local storage. With
 * @enforcing nothing stops this but -EBUSY, when the host does not answer and guests may still run there; else also -ENOTEMPTY when a data volume
 * that no VM has is on it, or the error of the first thing that could not be stopped or removed. Success
 * when it is gone. Blocking: for workers.
 */
int host_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
