/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of as many bytes as they need: seven bits a byte, the lowest first, the sign in the lowest of all. */
#ifndef POOLFS_VARINT_H
#define POOLFS_VARINT_H

#include <stdint.h>

/* The most bytes of a number. */
#define VARINT_SIZE 10

/** Writes @number at @to, which has VARINT_SIZE bytes. Returns the end. */
static inline uint8_t *varint_write(uint8_t *to, int64_t number)
{
	uint64_t bits = (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);

	for (; bits > 0x7f; bits >>= 7)
		*to++ = (uint8_t)(bits | 0x80);
	*to++ = (uint8_t)bits;
	return to;
}

/** The number at *@from, which is then behind it. */
static inline int64_t varint_read(const uint8_t **from)
{
	const uint8_t *at = *from;
	uint64_t bits = 0;
	unsigned shift = 0;

	for (; *at & 0x80; shift += 7)
		bits |= (uint64_t)(*at++ & 0x7f) << shift;
	bits |= (uint64_t)*at++ << shift;
	*from = at;
	return (int64_t)(bits >> 1 ^ (bits & 1 ? UINT64_MAX : 0));
}

#endif
