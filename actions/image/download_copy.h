/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads from a file of this machine. */
#ifndef POOLFS_IMAGE_DOWNLOAD_COPY_H
#define POOLFS_IMAGE_DOWNLOAD_COPY_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "actions/image/download_sink.h"

int download_from_file(struct download *d, int source_fd, const char *path);

#endif
