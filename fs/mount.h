/* SPDX-License-Identifier: Apache-2.0 */
/* Making and removing the mount, by libfuse. */
#ifndef POOLFS_FS_MOUNT_H
#define POOLFS_FS_MOUNT_H

#include <stdbool.h>
#include <fuse_lowlevel.h>

#include "model/error.h"

struct fs;

/** A session that has read the options of the mount in @args, which stay as they are. NULL: -EINVAL. */
struct fuse_session *mount_session_new(const struct fuse_args *args, struct fs *fs, struct error *e);
/** Mounts; *ret_device is /dev/fuse, owned by the caller. Blocks. For processes with one thread. */
int mount_make(const struct fuse_args *args, const char *mountpoint, int *ret_device, struct error *e);
/** Does the mount of @device (-1: there is none) still exist? */
bool mount_is_there(int device);
/** Unmounts, unless that has happened, and closes @device (owned). Others' copies of it have to be closed, too. */
void mount_remove(const char *mountpoint, int device);

#endif
