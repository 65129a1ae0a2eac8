/* SPDX-License-Identifier: Apache-2.0 */
/* The listening socket: passed by systemd, or opened here. */
#ifndef POOLFS_REST_LISTEN_H
#define POOLFS_REST_LISTEN_H

#include "model/error.h"

/**
 * The socket passed by systemd's socket activation (sd_listen_fds(3): $LISTEN_PID, $LISTEN_FDS, starting at
 * descriptor 3); -1 when there is none, -EINVAL when there are several.
 */
int listen_activated(struct error *e);
/** Listens on "ADDRESS:PORT", "[ADDRESS]:PORT" or ":PORT" (all addresses). The descriptor, or a negative
 * errno. */
int listen_on(const char *address, struct error *e);

#endif
