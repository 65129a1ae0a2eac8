/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preparing a host that has just connected, and one that lacks something that it could have by now.
 *
 * What a Connected host lacks is its statusReason. It stays until all can be opened, or the host is connected again: whoever
 * repairs, detaches or removes a storage or a network calls hosts_prepare_again().
 */
#ifndef POOLFS_NETWORK_HOST_PREPARE_H
#define POOLFS_NETWORK_HOST_PREPARE_H

#include "actions/engine/pool.h"

/**
 * Opens on a host what is attached to its cluster: the libvirt pools of its primary storage and the libvirt
 * networks of its L3 networks. Continues after a failure and returns the first one, which becomes the host's statusReason, or
 * is in the log when that cannot be. Blocking: for workers.
 */
int host_prepare(struct pool *pool, const char *host_uuid, struct error *e);
/**
 * What could not be opened on the host (@failure) becomes the statusReason of a Connected host, without it there is none. What
 * cannot be written is in the log. Blocking.
 */
void host_note_failure(struct pool *pool, const char *host_uuid, const struct error *failure);
/** host_prepare() in the background for all hosts that lack something, now or as soon as a thread is free. */
void hosts_prepare_again(struct pool *pool);
/**
 * Waits until no preparation is under way that may have begun before the caller's last change of the pool:
 * what the caller closes on hosts afterwards is not opened again. Blocking.
 */
void host_prepare_wait(struct pool *pool);

#endif
