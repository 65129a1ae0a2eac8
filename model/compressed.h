/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long texts that are rarely read (F_COMPRESSED), in memory and in the database: compressed with LZ4 and a dictionary of
 * what requests and inventories consist of. The form is that of databases, so it must not change without a step in schema.c.
 */
#ifndef POOLFS_COMPRESSED_H
#define POOLFS_COMPRESSED_H

#include <stdbool.h>
#include <stddef.h>

/** The most bytes that a text of @len bytes takes compressed. */
size_t compressed_bound(size_t len);
/** Compresses @text into @ret, which has compressed_bound() bytes. Returns the bytes that it takes there. */
size_t compressed_write(const char *text, size_t len, char *ret);
/** The bytes that a compressed text takes. */
size_t compressed_size(const char *compressed);
/** Whether these bytes can be a compressed text, so that compressed_size() and compressed_read() stay within them. */
bool compressed_is_whole(const char *bytes, size_t size);
/** The text, owned by the caller; NULL with errno ENOMEM, or EBADMSG when it is not what compressed_write() wrote. */
char *compressed_read(const char *compressed);

#endif
