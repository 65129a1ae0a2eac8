/* SPDX-License-Identifier: Apache-2.0 */
/* See uuid.h. */
#include "model/uuid.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <uuid/uuid.h>

static void write_plain(const uuid_t raw, char ret_uuid[UUID_SIZE])
{
	char dashed[37];
	char *out = ret_uuid;

	uuid_unparse_lower(raw, dashed);
	for (const char *p = dashed; *p; p++)
		if (*p != '-')
			*out++ = *p;
	*out = '\0';
}

void uuid_make(char ret_uuid[UUID_SIZE])
{
	uuid_t raw;

	/* uuid_generate_random() mixes in so much else that it makes seven system calls */
	if (getrandom(raw, sizeof(raw), 0) == (ssize_t)sizeof(raw)) {
		raw[6] = (raw[6] & 0x0f) | 0x40; /* version 4, */
		raw[8] = (raw[8] & 0x3f) | 0x80; /* variant of RFC 4122 */
	} else {
		uuid_generate_random(raw);
	}
	write_plain(raw, ret_uuid);
}

void uuid_derive(const char *of, size_t n, char ret_uuid[UUID_SIZE])
{
	uuid_t raw, space = {0};
	char name[128];
	int len = snprintf(name, sizeof(name), "%s:%zu", of, n);

	uuid_generate_sha1(raw, space, name, (size_t)len);
	write_plain(raw, ret_uuid);
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
