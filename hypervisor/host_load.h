/* SPDX-License-Identifier: Apache-2.0 */
/* How busy a host is. */
#ifndef POOLFS_HYPERVISOR_HOST_LOAD_H
#define POOLFS_HYPERVISOR_HOST_LOAD_H

#include "hypervisor/hypervisor.h"

struct hv_host_load {
	uint64_t cpu_busy, cpu_all;	  /* ns of all CPUs since the host was started, busy ones and all */
	uint64_t memory_used, memory_all; /* bytes; buffers and caches are not in use */
};

/**
 * Reads the load. -EOPNOTSUPP where the hypervisor cannot tell (test driver), else as all calls on hosts.
 * Blocking.
 */
int hv_host_load(struct hypervisor *hv, const char *host, struct hv_host_load *ret, struct error *e);

#endif
