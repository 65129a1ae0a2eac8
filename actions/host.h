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

#include "job.h"
#include "../hypervisor/hypervisor.h"

/**
 * The host is Connected and has what @info says; its capacities are computed anew. Waits for the commit:
 * not for the store's writer thread. -ENOENT when the host is gone.
 */
int host_set_connected(struct pool *pool, const char *uuid, const struct hv_host_info *info, struct error *e);
/** The host is Disconnected; @sentence (may be NULL) says why. As host_set_connected(). */
int host_set_disconnected(struct pool *pool, const char *uuid, const char *sentence, struct error *e);

/** The address in a libvirt URI ("qemu+ssh://root@10.0.0.1/system": "10.0.0.1"), allocated; NULL for a URI
 * without one (a connection to this machine) or without memory. */
char *host_address_of_uri(const char *uri);
/** "Simulator" for libvirt's test driver, else "KVM". */
const char *host_hypervisor_type_of_uri(const char *uri);

/**
 * Removes a host: stops and removes the VMs that run on it or whose volumes lie on its local storage, forgets
 * the connection, removes the row. For workers. -ENOENT when it is gone.
 */
int host_remove(struct job *job, const char *uuid, struct error *e);

#endif
