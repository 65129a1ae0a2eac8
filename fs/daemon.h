/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running in the background.
 *
 * The program forks before it starts any thread. The parent stays until the
 * child says that the mount answers, or why there is none, so that its exit
 * status is the truth and its caller reads the sentence.
 */
#ifndef POOLFS_DAEMON_H
#define POOLFS_DAEMON_H

#include "fs/session.h"

/** As session_run(), in a child. Returns in the parent, as soon as the mount answers; `ready` is used here.
 */
int daemon_run(const struct session_options *options, struct error *e);

#endif
