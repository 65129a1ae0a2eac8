/* SPDX-License-Identifier: Apache-2.0 */
/* VMs on a host that others have made, by virsh or virt-manager: domains without a VM in the pool. */
#ifndef POOLFS_HOST_FOREIGN_H
#define POOLFS_HOST_FOREIGN_H

#include "actions/engine/pool.h"

/**
 * Counts the CPUs and the memory of those that run, and writes them to the row of the host, whose capacity is less by
 * them. Nothing changes when the host does not answer. Blocking.
 */
void foreign_domains_count(struct pool *pool, const char *host);
/**
 * The same for one of many changes that come at once: if they are being counted already, they are once more, and the
 * caller does not wait for that.
 */
void foreign_domains_changed(struct pool *pool, const char *host);
/** A JSON list of them, owned by the caller: uuid, name, state, cpuNum, memorySize. Blocking. Errors of the host. */
int foreign_domains_list(struct pool *pool, const struct view *view, const char *host, json_t **ret,
			 struct error *e);

#endif
