/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders that survive a loss of power.
 *
 * Content is safe after an fsync of the file, a name after one of its folder, and that of the folder after one of the
 * folder above it. Before a row says that something is there, both have been done. All functions block; on failure they
 * return -errno with a sentence that names the path.
 */
#ifndef POOLFS_DURABLE_H
#define POOLFS_DURABLE_H

#include <sys/types.h>

#include "model/error.h"

/** Makes the folder @path, absolute, with what is missing above it, all with @mode, whatever the umask. Success when it is there. */
int durable_folder_make(const char *path, mode_t mode, struct error *e);
/** What was done to the names in the folder of @path is durable. */
int durable_name(const char *path, struct error *e);
/** The content of the open file @fd and its name @path are durable. */
int durable_file(int fd, const char *path, struct error *e);

#endif
