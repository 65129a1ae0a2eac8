/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is to take over a mount (fs/upgrade.h): it asks for that, and says whether it could. */
#ifndef POOLFS_FS_UPGRADE_ASK_H
#define POOLFS_FS_UPGRADE_ASK_H

#include "model/error.h"

/** Asks the supervisor of the pool that is mounted on @mountpoint to become this program; blocks until it has. */
int upgrade_ask(const char *mountpoint, struct error *e);
/**
 * Says whether this program could go on with a mount. @keep_fd: what its workers keep. -EPROTO: the database or what
 * is kept is of a newer version.
 */
int upgrade_try(const char *state_dir, int keep_fd, struct error *e);

#endif
