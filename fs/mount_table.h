/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts, as the kernel lists them: asking the mount itself would wait for whoever serves it. */
#ifndef POOLFS_FS_MOUNT_TABLE_H
#define POOLFS_FS_MOUNT_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

/** The device number of the pool that is mounted on @path (absolute, resolved); false: there is none on top. */
bool mount_table_find_pool(const char *path, dev_t *ret);

#endif
