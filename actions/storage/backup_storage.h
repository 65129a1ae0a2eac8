/* SPDX-License-Identifier: Apache-2.0 */
/* Backup storage: a folder on the machine of the daemon, which reads and writes it itself. */
#ifndef POOLFS_STORAGE_BACKUP_STORAGE_H
#define POOLFS_STORAGE_BACKUP_STORAGE_H

#include "actions/engine/pool.h"
#include "hypervisor/storage/pool.h"

/** Bytes of the file system that holds the folder @url, total and available. -errno. Blocking. */
int backup_storage_capacity(const char *url, struct hv_capacity *ret, struct error *e);
/** The error of an image that does not fit; sizes in bytes. Returns -ENOSPC (BS.1003). */
int backup_storage_refuse_image(const char *name, int64_t available, int64_t reserved, struct error *e);
/**
 * Checks whether the folder of a backup storage can be used, and writes its status and capacity. -ENOENT
 * without the storage, -ENOTCONN (BS.1500) if the folder cannot be used, after the status was written.
 * Blocking.
 */
int backup_storage_measure(struct pool *pool, const char *uuid, struct error *e);
/** True if images can be stored there: it is Enabled and Connected. */
bool backup_storage_is_usable(const struct object *bs);

/** The absolute path of an image's file, `<url>/<image>.<format>`; allocated. NULL without memory. */
char *backup_storage_image_path(const struct object *bs, const char *image_uuid, const char *format);

#endif
