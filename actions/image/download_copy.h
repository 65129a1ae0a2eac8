/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads from a file of this machine. */
#ifndef POOLFS_IMAGE_DOWNLOAD_COPY_H
#define POOLFS_IMAGE_DOWNLOAD_COPY_H

#include "actions/image/download_sink.h"

/**
 * Fills d->fd from the regular file @source_fd, sharing blocks where possible; the caller writes it to disk.
 * @path is for messages. Returns 0 or d->result.
 */
int download_from_file(struct download *d, int source_fd, const char *path);
/** Sums the file that d->fd is. Returns 0 or d->result. */
int download_sum_file(struct download *d, const char *path);

#endif
