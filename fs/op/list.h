/* SPDX-License-Identifier: Apache-2.0 */
/* Listing of directories. See ops.h. */
#ifndef POOLFS_FS_OP_LIST_H
#define POOLFS_FS_OP_LIST_H

#include <fuse_lowlevel.h>

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);

#endif
