/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of a text by which indexes find it (view.h).
 *
 * SipHash with a random key per process, so that clients cannot choose texts that collide. Texts that are equal by
 * text_compare() have the same hash, so that queries can use an index; a hash is of no use to another process.
 */
#ifndef POOLFS_TEXT_HASH_H
#define POOLFS_TEXT_HASH_H

#include <stdint.h>

/** The hash of @text, of which a long one counts with its beginning. */
uint64_t text_hash(const char *text);

#endif
