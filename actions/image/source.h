/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an image, for its parsers (header.h, qcow2_header.h). */
#ifndef POOLFS_IMAGE_SOURCE_H
#define POOLFS_IMAGE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/error.h"

/** The source of the bytes. Its size must not change during the parse: missing bytes are an error. */
struct image_source {
	/** Reads up to @len bytes at @offset, like pread(2): the number of bytes, 0 at the end, -errno. */
	ssize_t (*read)(void *ctx, void *buf, size_t len, int64_t offset);
	void *ctx;
	int64_t size;	     /* bytes of the file */
	int64_t actual_size; /* bytes that it occupies; copied to the result */
	bool partial;	     /* more bytes will follow, so what lies beyond the end is not missing */
	bool any_raw;	     /* what is neither qcow2 nor an ISO is raw, whatever it looks like */
};

/** Reads exactly @len bytes, which must lie within the size of the source. -EIO. */
int image_source_read(const struct image_source *source, void *buf, size_t len, int64_t offset,
		      struct error *e);
/** The big-endian numbers at @p, which need not be aligned. */
uint32_t image_get32(const uint8_t *p);
uint64_t image_get64(const uint8_t *p);

#endif
