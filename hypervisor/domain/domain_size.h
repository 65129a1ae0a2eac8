/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs and memory of a domain that is active.
 *
 * The calls may wait for the host and work on a domain that is active (running or
 * paused), -EBUSY when it is not. Doing what is done already is a success, so that
 * they can be repeated after a crash. Only the running domain is changed: its
 * definition is written anew at each start.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_DOMAIN_SIZE_H
#define POOLFS_HYPERVISOR_DOMAIN_DOMAIN_SIZE_H

#include "hypervisor/hypervisor.h"

/** Adds vCPUs up to @count. -EOPNOTSUPP when the domain was not started with room for them. Never removes
 * any. */
int hv_domain_set_cpus(struct hypervisor *hv, const char *host, const char *uuid, int count, struct error *e);
/** Adds memory up to @bytes, as one module; what is added is a multiple of 128 MiB. -EOPNOTSUPP as above.
 * Never removes any. */
int hv_domain_set_memory(struct hypervisor *hv, const char *host, const char *uuid, int64_t bytes,
			 struct error *e);

#endif
