/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a primary storage and all that is on it. */
#ifndef POOLFS_CASCADE_PRIMARY_STORAGE_REMOVE_H
#define POOLFS_CASCADE_PRIMARY_STORAGE_REMOVE_H

#include "actions/engine/job.h"

/**
 * Removes a storage, its cached images, its libvirt pools and its attachments to clusters. With @enforcing
 * it also removes the volumes on it and their VMs, and ignores errors of hosts; else -ENOTEMPTY when it
 * holds volumes. Success when it is gone. Blocking: for workers.
 */
int primary_storage_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
