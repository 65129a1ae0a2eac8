/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: what the connection's events and the cascades of deletions need.
 *
 * A host's status follows its connection: Connecting when it was added or asked
 * to reconnect, Connected or Disconnected as the hypervisor reports. The two
 * setters below are called for these reports; they are the only writers of the
 * status besides Add and Reconnect.
 */
#ifndef POOLFS_HOST_H
#define POOLFS_HOST_H

#include "actions/job.h"
#include "hypervisor/hypervisor.h"

/**
 * The host is Connected and has what @info says; its capacities are computed anew. For change functions.
 * -ENOENT when the host is gone.
 */
int host_set_connected(struct txn *t, const char *uuid, const struct hv_host_info *info, struct error *e);
/** The host is Connecting or Disconnected; @reason says why, in one sentence. For change functions. */
int host_set_status(struct txn *t, const char *uuid, const char *status, const char *reason, struct error *e);

/** The address in a libvirt URI ("qemu+ssh://root@10.0.0.1/system": "10.0.0.1"), allocated; NULL for a URI
 * without one (a connection to this machine) or without memory. Pure. */
char *host_address_of_uri(const char *uri);
/** "Simulator" for libvirt's test driver, else "KVM". Pure. */
const char *host_hypervisor_type_of_uri(const char *uri);
/** True for a host name: labels of letters, digits and hyphens, the last of them not a number. Pure. */
bool host_name_is_valid(const char *name);

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

/**
 * Removes a host and stops and removes the VMs that run on it or whose volumes lie on its local storage;
 * @enforcing: also when the host does not answer. Success when it is gone. Blocking: for workers.
 */
int host_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

#endif
