/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checksum of bytes that are copied elsewhere at the same time, computed by a thread of its own.
 *
 * A checksum takes longer than the copy; so the copy does not wait for it, but for a place among the bytes that are
 * to be summed, of which there are DIGEST_BUFFER. Not for several threads at a time.
 */
#ifndef POOLFS_IMAGE_DIGEST_H
#define POOLFS_IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of memory, at most. So much is summed while the copy waits for the disk. */
#define DIGEST_BUFFER (4 << 20)
/* The digits of the longest one, SHA-512, and a NUL. */
#define DIGEST_STRLEN 129

struct digest;

/** That of no bytes, by libcrypto's name of the algorithm: "md5". NULL without memory, or such an algorithm. */
struct digest *digest_new(const char *name);
/** Accepts NULL. */
void digest_free(struct digest *d);

/** Adds bytes, which may change afterwards. Waits for room. */
void digest_add(struct digest *d, const void *bytes, size_t len);
/**
 * Where the next bytes can be put, up to *ret_len of them, so that they need not be copied there; they are added by
 * digest_fill(). Waits for room. NULL without memory: then no sum will be known.
 */
void *digest_room(struct digest *d, size_t *ret_len);
/** Adds the @len bytes that are at digest_room() now. */
void digest_fill(struct digest *d, size_t len);
/** Adds @len zeros. */
void digest_add_zeros(struct digest *d, int64_t len);
/** Forgets all bytes. */
void digest_restart(struct digest *d);
/**
 * Writes the sum of the bytes so far, followed by @zeros zeros that are not added, in lower-case hex digits. Waits for it.
 * False: it failed.
 */
bool digest_get(struct digest *d, int64_t zeros, char ret_hex[static DIGEST_STRLEN]);

#endif
