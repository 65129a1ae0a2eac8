/* SPDX-License-Identifier: Apache-2.0 */
/* Preparing a host that has just connected. */
#ifndef POOLFS_NETWORK_HOST_PREPARE_H
#define POOLFS_NETWORK_HOST_PREPARE_H

#include "actions/engine/pool.h"

/**
 * Opens on a host what is attached to its cluster: the libvirt pools of its primary storage and the libvirt
 * networks of its L3 networks. Continues after a failure and returns the first one, which becomes the host's statusReason
 * until all can be opened, or the host is connected again. Blocking: for workers.
 */
int host_prepare(struct pool *pool, const char *host_uuid, struct error *e);
/**
 * Waits until no preparation is under way that may have begun before the caller's last change of the pool:
 * what the caller closes on hosts afterwards is not opened again. Blocking.
 */
void host_prepare_wait(struct pool *pool);

#endif
