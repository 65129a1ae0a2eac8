/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers to the kernel's requests. Each finds the node in the view of this
 * moment, asks the table what it is, and answers; what takes long is parked.
 * Locks, ioctl and the like are left out on purpose: the ENOSYS that the kernel
 * gets for them makes it not ask again.
 */
#ifndef POOLFS_FS_OP_OPS_H
#define POOLFS_FS_OP_OPS_H

#include "fs/tree/handle.h"
#include "fs/tree/place.h"

/** All of them, for fuse_session_new(); the session's user data is a struct fs. */
extern const struct fuse_lowlevel_ops fs_operations;

/* Reading: op/read.c and op/list.c. */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *kernel);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_statfs(fuse_req_t req, fuse_ino_t ino);

/* Writing: op/write.c. */
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	      struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		  struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);

/* Names, and scratch files: names.c. */
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *to_name,
	       unsigned flags);

/* Extended attributes: op/xattr.c. */
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
/* The answers to requests on an open scratch file, for the functions above. */
void op_scratch_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi);
void op_scratch_read(fuse_req_t req, int64_t number, size_t size, off_t offset);
void op_scratch_write(fuse_req_t req, const struct place *p, const char *data, size_t size, off_t offset,
		      int flags);
void op_scratch_setattr(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set);

/** The place of a request's node, in a view with a reference for the caller. 0 or a negative errno. */
int request_place(fuse_req_t req, fuse_ino_t ino, struct view **ret_view, struct place *ret);
/** What a lookup or readdirplus tells of an entry, with the times the kernel may keep it for. */
int entry_fill(const struct place *p, struct fuse_entry_param *ret);
/** Seconds for which the kernel may keep the attributes of @p. */
double attr_timeout(const struct place *p);

#endif
