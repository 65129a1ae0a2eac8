/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a primary storage with what is on it. */
#ifndef POOLFS_CASCADE_PRIMARY_STORAGE_REMOVE_H
#define POOLFS_CASCADE_PRIMARY_STORAGE_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes a storage with its cached images, libvirt pools and links, and all that is on it: the volumes only
 * when
 * @enforcing, which also passes over what hosts refuse. Success when it is gone. Blocking: for workers.
 */
int primary_storage_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
