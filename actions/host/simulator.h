/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated hosts: machines that libvirt's test driver describes. */
#ifndef POOLFS_HOST_SIMULATOR_H
#define POOLFS_HOST_SIMULATOR_H

#include "actions/engine/pool.h"

/* libvirt's test driver keeps a map of all CPUs. */
#define HOST_SIMULATOR_CPUS_MAX 4096
/**
 * Describes the machine of a simulated host in a file below the state folder, so that each such host has
 * @cpus processors and @memory bytes (0: a default) of its own; @ret_uri (allocated) is the URI that opens
 * it. Blocking. Errors of the file system.
 */
int host_simulator_describe(struct pool *pool, const char *uuid, int64_t cpus, int64_t memory, char **ret_uri,
			    struct error *e);
/** Removes that file; nothing happens for other hosts. Blocking. */
void host_simulator_forget(struct pool *pool, const char *uuid);

#endif
