/* SPDX-License-Identifier: Apache-2.0 */
/* The socket on which clients come in: given by systemd, or opened here. */
#ifndef POOLFS_REST_LISTEN_H
#define POOLFS_REST_LISTEN_H

#include "model/error.h"

/**
 * The socket that systemd's socket activation gave us (sd_listen_fds(3): $LISTEN_PID, $LISTEN_FDS, from
 * descriptor 3 on); -1 when it gave none, -EINVAL when it gave several.
 */
int listen_activated(struct error *e);
/** Listens on "ADDRESS:PORT", "[ADDRESS]:PORT" or ":PORT" (all addresses). The descriptor, or a negative
 * errno. */
int listen_on(const char *address, struct error *e);

#endif
