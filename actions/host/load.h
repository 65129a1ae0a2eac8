/* SPDX-License-Identifier: Apache-2.0 */
/* The load of the hosts now, for the strategies of placement that go by it. */
#ifndef POOLFS_HOST_LOAD_H
#define POOLFS_HOST_LOAD_H

#include "actions/engine/pool.h"

struct host_load {
	char uuid[UUID_SIZE];
	int64_t cpu, memory; /* in use, millionths */
};

/** Zero it before use. */
struct host_loads {
	struct host_load *list; /* owned */
	size_t count;
};

/**
 * Measures all connected hosts, for a quarter of a second. Hosts that cannot tell are left out. Without memory
 * the list is empty. Blocking: for workers.
 */
void host_loads_measure(struct pool *pool, struct host_loads *ret);
/** The load of a host, borrowed; NULL when it was not measured. @loads may be NULL. */
const struct host_load *host_loads_find(const struct host_loads *loads, const char *host);
void host_loads_done(struct host_loads *loads);

#endif
