/* SPDX-License-Identifier: Apache-2.0 */
/* See ops.h. */
#include "fs/op/ops.h"

#include "fs/op/list.h"
#include "fs/op/names.h"
#include "fs/op/read.h"
#include "fs/op/write.h"
#include "fs/op/xattr.h"
#include "fs/tell/caches.h"
#include "fs/tree/fs.h"

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	const struct fs *fs = userdata;

	/* Each write must arrive as it was made: its result is that of the request in it. */
	conn->want &= ~(unsigned)FUSE_CAP_WRITEBACK_CACHE;
	/*
	 * NFS servers keep file handles, whose inodes the kernel then asks for. Not with watchers: these are told through
	 * handles of the nodes that the kernel has, and only those (fs/tell/watchers.c).
	 */
	if (!fs->watchers)
		conn->want |= conn->capable & FUSE_CAP_EXPORT_SUPPORT;
	/* libfuse ends unless it is told here, too. */
	if (fs->max_read)
		conn->max_read = fs->max_read;
	/* Not before now would libfuse send anything. */
	caches_start(fs->caches);
	if (fs->ready)
		fs->ready(fs->ready_arg);
}

const struct fuse_lowlevel_ops fs_operations = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.lseek = op_lseek,
	.poll = op_poll,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_release,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.create = op_create,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
};
