/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated hosts: machines of the simulator (hypervisor/simulator/simulator.h), each described by a file. */
#ifndef POOLFS_HOST_SIMULATOR_H
#define POOLFS_HOST_SIMULATOR_H

#include "actions/engine/pool.h"

/* The limit is ours. */
#define HOST_SIMULATOR_CPUS_MAX 4096

/**
 * Writes a file below the state folder that describes the machine of a simulated host, with @cpus processors
 * and @memory bytes (0: a default). *ret_uri (owned by the caller) is the URI that opens it. Blocks. Errors
 * of the file system, -ENOMEM.
 */
int host_simulator_describe(struct pool *pool, const char *uuid, int64_t cpus, int64_t memory, char **ret_uri,
			    struct error *e);
/** Removes the file of host_simulator_describe(), if the host has one. Blocks. */
void host_simulator_forget(struct pool *pool, const char *uuid);

#endif
