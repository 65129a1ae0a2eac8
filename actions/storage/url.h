/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of primary and backup storage that are folders. */
#ifndef POOLFS_STORAGE_URL_H
#define POOLFS_STORAGE_URL_H

#include "model/error.h"

/** Checks that @url can be a storage's folder: absolute, without "..", not in /dev, /proc or /sys. -EINVAL. */
int storage_check_folder(const char *url, struct error *e);

/** @url without trailing slashes, as libvirt writes folders too; allocated. NULL without memory. */
char *storage_plain_url(const char *url);

#endif
