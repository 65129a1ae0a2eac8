/* SPDX-License-Identifier: Apache-2.0 */
/* See uuid.h. */
#include "model/uuid.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

const unsigned char uuid_digits[256] = {
	['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
	['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool uuid_pack(const char *text, unsigned char ret[UUID_BYTES])
{
	for (int i = 0; i < UUID_BYTES; i++) {
		unsigned high = uuid_digits[(unsigned char)text[2 * i]],
			 low = uuid_digits[(unsigned char)text[2 * i + 1]];

		if (!high || !low)
			return false;
		ret[i] = (unsigned char)((high - 1) << 4 | (low - 1));
	}
	return true;
}

void uuid_unpack(const unsigned char bytes[UUID_BYTES], char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < UUID_BYTES; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
}

static void write_text(const uuid_t raw, char ret_uuid[UUID_SIZE])
{
	uuid_unpack(raw, ret_uuid);
	ret_uuid[UUID_LEN] = '\0';
}

void uuid_make(char ret_uuid[UUID_SIZE])
{
	uuid_t raw;

	uuid_generate_random(raw);
	write_text(raw, ret_uuid);
}

void uuid_derive(const char *of, size_t n, char ret_uuid[UUID_SIZE])
{
	uuid_t raw, space = {0};
	char name[128];
	int len = snprintf(name, sizeof(name), "%s:%zu", of, n);

	uuid_generate_sha1(raw, space, name, (size_t)len);
	write_text(raw, ret_uuid);
}

bool uuid_is_hex(const char *text)
{
	return text && strspn(text, "0123456789abcdef") == UUID_LEN && text[UUID_LEN] == '\0';
}

bool uuid_read(const char *text, char ret_uuid[UUID_SIZE])
{
	size_t len = 0;

	for (; *text && len < UUID_SIZE; text++)
		if (*text != '-' && !isspace((unsigned char)*text))
			ret_uuid[len++] = (char)tolower((unsigned char)*text);
	ret_uuid[len < UUID_SIZE ? len : UUID_LEN] = '\0';
	return len == UUID_LEN && uuid_is_hex(ret_uuid);
}

bool uuid_is_resource(const char *text)
{
	return uuid_is_hex(text) && strchr("12345", text[12]) && strchr("89ab", text[16]);
}
