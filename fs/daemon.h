/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running in the background.
 *
 * The program forks before it starts any thread. The parent waits until the child
 * reports that the mount can be used, or the error, so that its exit status is
 * right and the caller sees the message.
 */
#ifndef POOLFS_DAEMON_H
#define POOLFS_DAEMON_H

#include "fs/session.h"

/** As supervisor_run(), in a child. Returns in the parent, as soon as the mount can be used; overrides `ready`.
 */
int daemon_run(const struct session_options *options, struct error *e);

#endif
