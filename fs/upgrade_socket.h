/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket at which the supervisor of a mount is asked to become another program (fs/upgrade.h). It is an abstract
 * one, named after the mount, so that no file is left of it. Anybody can connect to it, and take such a name: so each
 * end asks who the other is.
 */
#ifndef POOLFS_FS_UPGRADE_SOCKET_H
#define POOLFS_FS_UPGRADE_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

/** For the supervisor; does not block. -errno. */
int upgrade_socket_listen(dev_t mount);
/** For who asks. -errno. */
int upgrade_socket_connect(dev_t mount);
/** Is the other end of the connection root's, or of the same user? */
bool upgrade_socket_is_trusted(int end);

#endif
