/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is agreed on with the kernel at the start of a mount (FUSE_INIT), beyond what
 * libfuse 3.14 knows.
 *
 * Each open file shows its reader one rendering, so reads go past the page cache
 * (FOPEN_DIRECT_IO). Linux refuses shared mappings of such files unless the file
 * system allows them: FUSE_DIRECT_IO_ALLOW_MMAP, since Linux 6.6. libfuse has no name
 * for the flag, so it is added to its reply on the way. On an older kernel shared
 * mappings fail with ENODEV, private ones work.
 */
#ifndef POOLFS_FS_INIT_H
#define POOLFS_FS_INIT_H

#include <fuse_lowlevel.h>

/** Call between fuse_session_mount() and the loop. -ENOMEM. */
int init_start(struct fuse_session *session);

#endif
