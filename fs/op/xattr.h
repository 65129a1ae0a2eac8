/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: `user.NAME` of an object's directory is its user tag NAME
 * (see actions/engine/user_tag.h). There are no others: requests for them get
 * EOPNOTSUPP, never ENOSYS, after which the kernel would not send those for
 * `user.` either.
 */
#ifndef POOLFS_FS_OP_XATTR_H
#define POOLFS_FS_OP_XATTR_H

#include <fuse_lowlevel.h>

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
