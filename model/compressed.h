/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long texts that are rarely read (F_COMPRESSED), in memory: compressed with LZ4 and
 * a dictionary of what requests and inventories consist of. Only memory has this form,
 * so that it may change: the database has the text.
 */
#ifndef POOLFS_COMPRESSED_H
#define POOLFS_COMPRESSED_H

#include <stddef.h>

/** The most bytes that a text of @len bytes takes compressed. */
size_t compressed_bound(size_t len);
/** Compresses @text into @ret, which has compressed_bound() bytes. Returns the bytes that it takes there. */
size_t compressed_write(const char *text, size_t len, char *ret);
/** The text, owned by the caller; NULL when memory is short. */
char *compressed_read(const char *compressed);

#endif
