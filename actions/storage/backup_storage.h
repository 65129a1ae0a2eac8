/* SPDX-License-Identifier: Apache-2.0 */
/* Backup storages: folders on the machine of the daemon, which reads and writes them itself. */
#ifndef POOLFS_STORAGE_BACKUP_STORAGE_H
#define POOLFS_STORAGE_BACKUP_STORAGE_H

#include "actions/engine/pool.h"
#include "hypervisor/storage/pool.h"

/** Bytes of the file system of a backup storage's folder, in all and free. Blocking. Negative errno. */
int backup_storage_capacity(const char *url, struct hv_capacity *ret, struct error *e);
/**
 * Looks whether the folder of a backup storage can be used, and writes its status and capacities.
 * Blocking. -ENOTCONN with code BS.1500 when it cannot be used (which is written too).
 */
int backup_storage_measure(struct pool *pool, const char *uuid, struct error *e);
/** True when images can be put there: Enabled and Connected. */
bool backup_storage_is_usable(const struct object *bs);

/** Makes an absolute path below a backup storage for an image's file; allocated. NULL without memory. */
char *backup_storage_image_path(const struct object *bs, const char *image_uuid, const char *format);

#endif
