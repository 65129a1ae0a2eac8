/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the power of a host that is silent.
 *
 * A host is known to be dead only while its fence command has proved that its power
 * is off, or an administrator has confirmed it, and it has not answered since:
 * whoever hears from the host forgets both (host_set_connected()). Until then its
 * guests may run, whatever the pool sees.
 */
#ifndef POOLFS_HOST_FENCE_H
#define POOLFS_HOST_FENCE_H

#include "model/store.h"

/** True when the host is Disconnected and known to be dead. False for NULL. */
bool host_is_dead(const struct object *host);
/** The fence command of a host, its own or that of its cluster; NULL when there is none. Borrowed from @view. */
const char *host_fence_command(const struct view *view, const struct object *host);
/**
 * Sets fenceStatus and fenceReason (NULL: none), the latter on one line. For change functions. -ENOENT when the
 * host is gone.
 */
int host_put_fence(struct txn *t, const char *uuid, const char *status, const char *reason, struct error *e);
/**
 * -EBUSY when a guest may run on the host @uuid although it cannot be seen: the host is not Connected and not
 * known to be dead. @what: of what that keeps us, for the sentence. 0 for NULL and for a host that is gone.
 */
int host_check_guest_gone(const struct view *view, const char *uuid, const char *what, struct error *e);

#endif
