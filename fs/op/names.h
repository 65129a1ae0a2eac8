/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: creating, linking, removing and renaming them. See ops.h.
 *
 * The names of the tree belong to the pool and cannot be changed. The node table
 * says where users can create others.
 */
#ifndef POOLFS_FS_OP_NAMES_H
#define POOLFS_FS_OP_NAMES_H

#include <fuse_lowlevel.h>

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *to_name,
	       unsigned flags);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);

#endif
