/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers to the kernel's requests. Each finds the node in the view of this
 * moment, asks the table what it is, and answers; what takes long is parked.
 * Locks, ioctl and the like are left out on purpose: the ENOSYS that the kernel
 * gets for them makes it not ask again.
 */
#ifndef POOLFS_FS_OP_OPS_H
#define POOLFS_FS_OP_OPS_H

#include <fuse_lowlevel.h>

/** All of them, for fuse_session_new(); the session's user data is a struct fs. */
extern const struct fuse_lowlevel_ops fs_operations;

#endif
