/* SPDX-License-Identifier: Apache-2.0 */
/* Making ready on a host what the pool needs there. */
#ifndef POOLFS_NETWORK_HOST_PREPARE_H
#define POOLFS_NETWORK_HOST_PREPARE_H

#include "actions/engine/pool.h"

/** Makes everything that a newly connected host needs there: pools and networks of its cluster. Blocking. */
int host_prepare(struct pool *pool, const char *host, struct error *e);
/**
 * Waits until no preparation is under way that may have begun before the caller's last change of the pool:
 * what the caller closes on hosts afterwards is not opened again. Blocking.
 */
void host_prepare_wait(struct pool *pool);

#endif
