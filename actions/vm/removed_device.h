/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that lets go of a device after the job that asked for it has given up:
 * the host has detached the volume or the NIC, or taken the memory, so the pool does, too.
 */
#ifndef POOLFS_VM_REMOVED_DEVICE_H
#define POOLFS_VM_REMOVED_DEVICE_H

#include "actions/engine/pool.h"

/**
 * The device with the alias @alias is gone from a running domain. Detaches the volume or NIC whose row still says that
 * it is attached, and gives the VM's row the memory that is left, unless a job works on it, which then decides; a disk
 * that no row says to be attached any more leaves the definition. Returns false while there is such a job: to be called
 * again. Asks the host, so that a late or repeated report does no harm. Blocking.
 */
bool vm_settle_removed_device(struct pool *pool, const char *host, const char *vm, const char *alias);

#endif
