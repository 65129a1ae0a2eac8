/* SPDX-License-Identifier: Apache-2.0 */
/* The little of the qcow2 format that simulated hosts and files of this machine need; the rest is left to qemu-img. */
#ifndef POOLFS_HYPERVISOR_QCOW2_H
#define POOLFS_HYPERVISOR_QCOW2_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Makes the empty file @fd an empty qcow2 image of @size bytes, or an overlay of @backing when that
 * is not NULL. Such an image is a valid one, some 12 KiB on the disk. Negative errno.
 */
int qcow2_write(int fd, int64_t size, const char *backing, const char *backing_format);

/* The virtual size in the header of @fd; -EMEDIUMTYPE when it is not a qcow2 image, or has its data in another file. */
int qcow2_read_size(int fd, int64_t *ret_size);

/* Writes a larger virtual size into the header of an image that qcow2_write() made; -EMEDIUMTYPE when it is
 * no qcow2 image, -EFBIG when its L1 table has no room for it. */
int qcow2_set_size(int fd, int64_t size);

/* True for a qcow2 image without a backing file. */
bool qcow2_has_no_backing(int fd);

/* The name of the backing file, allocated, NULL when there is none; -EMEDIUMTYPE as above. */
int qcow2_read_backing(int fd, char **ret_backing);

/* The format of the backing file, allocated, NULL when the header does not say; -EMEDIUMTYPE as above. */
int qcow2_read_backing_format(int fd, char **ret_format);

#endif
