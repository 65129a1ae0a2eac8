/* SPDX-License-Identifier: Apache-2.0 */
/* The little of the qcow2 format that a simulated host needs; real hosts leave it to qemu-img. */
#ifndef POOLFS_HYPERVISOR_QCOW2_H
#define POOLFS_HYPERVISOR_QCOW2_H

#include <stdint.h>

/*
 * Makes the empty file @fd an empty qcow2 image of @size bytes, or an overlay of @backing when that
 * is not NULL. Such an image is a valid one, some 12 KiB on the disk. Negative errno.
 */
int qcow2_write(int fd, int64_t size, const char *backing, const char *backing_format);

/* The virtual size in the header of @fd; -EMEDIUMTYPE when it is no qcow2 image. */
int qcow2_read_size(int fd, int64_t *ret_size);

#endif
