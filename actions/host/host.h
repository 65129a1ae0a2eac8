/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of hosts.
 *
 * It follows the connection: Connecting when the host is added or told to
 * reconnect, Connected or Disconnected as the hypervisor module reports. The first
 * two functions below write these reports; the only other writers of the status are
 * the operations that add, update or reconnect a host. The reason of a Connected
 * host is what could not be opened there (actions/network/host_prepare.h).
 */
#ifndef POOLFS_HOST_HOST_H
#define POOLFS_HOST_HOST_H

#include "hypervisor/hypervisor.h"
#include "model/store.h"

/**
 * Sets the status to Connected, stores the resources in @info, and computes the capacities anew. For change
 * functions. -ENOENT when the host is gone.
 */
int host_set_connected(struct txn *t, const char *uuid, const struct hv_host_info *info, struct error *e);
/** What is attached to its cluster has been opened there, or cannot be, since it has connected. For change functions. */
int host_set_prepared(struct txn *t, const char *uuid, struct error *e);
/**
 * Sets the status to @status, Connecting or Disconnected, and its reason to the sentence @reason. For change
 * functions. -ENOENT when the host is gone.
 */
int host_set_status(struct txn *t, const char *uuid, const char *status, const char *reason, struct error *e);
/**
 * Sets the reason of a host that is still Connected to the sentence @reason, NULL = nothing is wrong with it. For change
 * functions. Errors of txn_put().
 */
int host_set_trouble(struct txn *t, const char *uuid, const char *reason, struct error *e);

#endif
