/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: what the connection's events and the cascades of deletions need.
 *
 * A host's status follows its connection: Connecting when it was added or asked
 * to reconnect, Connected or Disconnected as the hypervisor reports. The two
 * setters below are called for these reports; they are the only writers of the
 * status besides Add and Reconnect.
 */
#ifndef POOLFS_HOST_HOST_H
#define POOLFS_HOST_HOST_H

#include "hypervisor/hypervisor.h"
#include "model/store.h"

/**
 * The host is Connected and has what @info says; its capacities are computed anew. For change functions.
 * -ENOENT when the host is gone.
 */
int host_set_connected(struct txn *t, const char *uuid, const struct hv_host_info *info, struct error *e);
/** The host is Connecting or Disconnected; @reason says why, in one sentence. For change functions. */
int host_set_status(struct txn *t, const char *uuid, const char *status, const char *reason, struct error *e);

/** A copy of the host's row to be changed and put. -ENOENT, -ENOMEM. For change functions. */
int host_edit(struct txn *t, const char *uuid, struct object **ret_copy, struct error *e);

#endif
