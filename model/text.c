/* SPDX-License-Identifier: Apache-2.0 */
/* See text.h. */
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Are the next eight bytes characters of their own? */
static bool is_ascii(const unsigned char *p)
{
	uint64_t eight;

	memcpy(&eight, p, sizeof(eight));
	return !(eight & UINT64_C(0x8080808080808080));
}

bool text_is_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		uint32_t c, smallest;
		int more;

		if (end - p >= 8 && is_ascii(p)) {
			p += 8;
			continue;
		}
		c = *p++;
		if (c < 0x80)
			continue;
		if (c >= 0xC2 && c <= 0xDF)
			more = 1, smallest = 0x80, c &= 0x1F;
		else if (c >= 0xE0 && c <= 0xEF)
			more = 2, smallest = 0x800, c &= 0x0F;
		else if (c >= 0xF0 && c <= 0xF4)
			more = 3, smallest = 0x10000, c &= 0x07;
		else
			return false;
		if (end - p < more)
			return false;
		while (more-- > 0) {
			if ((*p & 0xC0) != 0x80)
				return false;
			c = c << 6 | (*p++ & 0x3F);
		}
		if (c < smallest || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
			return false;
	}
	return true;
}

uint32_t text_next(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	uint32_t c = *p++;
	int more = c < 0xC0 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;

	if (more)
		c &= 0x3FU >> more;
	while (more-- > 0 && (*p & 0xC0) == 0x80)
		c = c << 6 | (*p++ & 0x3F);
	*text = (const char *)p;
	return c;
}

/* C0, DEL and C1, which terminals obey. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

const char *text_find_control(const char *text, bool lines)
{
	while (*text) {
		const char *from = text;
		uint32_t c = text_next(&text);
		bool breaks = c == '\t' || c == '\n' || c == '\r';

		if ((is_control(c) && !(lines && breaks)) || c == 0xFFFE || c == 0xFFFF)
			return from;
	}
	return NULL;
}

/* Writes the character @c, of which @len bytes are at @from, to @to; returns the end. */
static char *put_printable(char *to, uint32_t c, const char *from, size_t len)
{
	static const char shorts[] = "\bb\ff\nn\rr\tt";

	if (!is_control(c)) {
		memcpy(to, from, len);
		return to + len;
	}
	for (const char *s = shorts; *s; s += 2)
		if ((uint32_t)*s == c) {
			*to++ = '\\';
			*to++ = s[1];
			return to;
		}
	(void)snprintf(to, sizeof("\\u0000"), "\\u%04x", (unsigned)c);
	return to + strlen("\\u0000");
}

char *text_printable(const char *text)
{
	size_t len = strlen(text);
	bool utf8 = text_is_utf8(text, len);
	char *copy = malloc(6 * len + 1), *to = copy; /* a control character is at most \uXXXX */

	if (!copy)
		return NULL;
	while (*text) {
		const char *from = text;
		uint32_t c = utf8 ? text_next(&text) : (unsigned char)*text++;

		if (!utf8 && c >= 0x80)
			*to++ = '?';
		else
			to = put_printable(to, c, from, (size_t)(text - from));
	}
	*to = '\0';
	return copy;
}

static uint32_t fold_ascii(uint32_t c)
{
	return c - 'A' < 26 ? c + 32 : c;
}

uint32_t text_fold(uint32_t c)
{
	if (c < 0x80)
		return fold_ascii(c);
	if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) ||
	    (c >= 0x410 && c <= 0x42F))
		return c + 32;
	if (c >= 0x400 && c <= 0x40F)
		return c + 80;
	/* Latin Extended-A and the rest of Cyrillic come in pairs, with the capital first. */
	if ((c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177) ||
	    (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E) || (c >= 0x4C1 && c <= 0x4CE))
		return c + (c & 1);
	if (c == 0x178)
		return 0xFF;
	if (c == 0x3C2) /* final sigma */
		return 0x3C3;
	return c;
}

size_t text_prefix(const char *text, size_t max)
{
	const char *end = text;

	while (*end && max-- > 0)
		(void)text_next(&end);
	return (size_t)(end - text);
}

int text_compare(const char *a, const char *b)
{
	while (*a && *b) {
		uint32_t x = text_fold(text_next(&a)), y = text_fold(text_next(&b));

		if (x != y)
			return x < y ? -1 : 1;
	}
	/* The shorter one counts as padded with spaces. */
	const char *rest = *a ? a : b;
	int sign = *a ? 1 : -1;

	rest += strspn(rest, " ");
	return *rest == '\0' ? 0 : (unsigned char)*rest < ' ' ? -sign : sign;
}

/* Writes @c, which is not ASCII, as UTF-8; returns the number of bytes. */
static size_t encode(uint32_t c, unsigned char ret[4])
{
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	size_t n = 0;

	ret[n++] = (unsigned char)(0xF0 << (3 - more) | c >> 6 * more);
	while (more-- > 0)
		ret[n++] = (unsigned char)(0x80 | (c >> 6 * more & 0x3F));
	return n;
}

#define EACH_BYTE (UINT64_MAX / 0xFF)

/* Folds eight bytes; false if they are not all ASCII. */
static bool fold_eight(const char *text, char *ret)
{
	uint64_t bytes, from_a, beyond_z;

	memcpy(&bytes, text, sizeof(bytes));
	if (bytes & 0x80 * EACH_BYTE)
		return false;
	/* the highest bit of each byte, which no sum carries into the next one */
	from_a = bytes + (0x80 - 'A') * EACH_BYTE;
	beyond_z = bytes + (0x7F - 'Z') * EACH_BYTE;
	bytes |= (from_a & ~beyond_z & 0x80 * EACH_BYTE) >> 2;
	memcpy(ret, &bytes, sizeof(bytes));
	return true;
}

size_t text_key(const char *text, char *ret_key, size_t size)
{
	const char *end = text + strnlen(text, size);
	size_t len = 0;

	/* what takes time: most texts are ASCII */
	while (end - text >= 8 && fold_eight(text, ret_key + len)) {
		text += 8;
		len += 8;
	}
	while (*text && len < size) {
		unsigned char bytes[4], first = (unsigned char)*text;
		size_t n;

		if (first < 0x80) {
			ret_key[len++] = (char)fold_ascii(first);
			text++;
			continue;
		}
		n = encode(text_fold(text_next(&text)), bytes);
		if (size - len < n)
			break;
		memcpy(ret_key + len, bytes, n);
		len += n;
	}
	while (len > 0 && ret_key[len - 1] == ' ')
		len--;
	return len;
}

int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
