/* SPDX-License-Identifier: Apache-2.0 */
/* The header and tables of qcow2 images. Pure; allocates no memory but the message of an error. */
#ifndef POOLFS_IMAGE_QCOW2_HEADER_H
#define POOLFS_IMAGE_QCOW2_HEADER_H

#include "actions/image/header.h"

/**
 * Reads the header of an image whose first @len bytes, at most IMAGE_HEAD_SIZE, are at @head and begin with the
 * magic of qcow2; checks the header, and that the file is as long as its tables require. -EOPNOTSUPP, -EINVAL,
 * -EIO.
 */
int qcow2_header_parse(const struct image_source *source, const uint8_t *head, size_t len,
		       struct image_info *ret, struct error *e);

#endif
