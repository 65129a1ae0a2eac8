/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that goes on for another one makes of the handles that were kept (handle.h). */
#ifndef POOLFS_FS_TREE_HANDLE_LOAD_H
#define POOLFS_FS_TREE_HANDLE_LOAD_H

struct fs;

/**
 * Opens again what is kept of the process before this one, in the present view. -ENOMEM: this process cannot go on, and
 * leaves all to the next (keep_end()).
 */
int handles_load(const struct fs *fs);

#endif
