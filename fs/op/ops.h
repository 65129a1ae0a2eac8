/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FUSE requests. Each finds the node in the present view, looks up its row in
 * the node table, and answers; what takes long is parked. Locks, ioctl and the
 * like are left out on purpose: after an ENOSYS the kernel does not send them
 * again.
 */
#ifndef POOLFS_FS_OP_OPS_H
#define POOLFS_FS_OP_OPS_H

#include <fuse_lowlevel.h>

/** All of them, for fuse_session_new(); the session's user data is a struct fs. */
extern const struct fuse_lowlevel_ops fs_operations;

#endif
