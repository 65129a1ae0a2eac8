/* SPDX-License-Identifier: Apache-2.0 */
/* See uuid.h. */
#include "uuid.h"

#include <string.h>
#include <uuid/uuid.h>

void uuid_make(char ret_uuid[UUID_SIZE])
{
	uuid_t raw;
	char dashed[37];
	char *out = ret_uuid;

	uuid_generate_random(raw);
	uuid_unparse_lower(raw, dashed);
	for (const char *p = dashed; *p; p++)
		if (*p != '-')
			*out++ = *p;
	*out = '\0';
}

bool uuid_is_hex(const char *text)
{
	return text && strspn(text, "0123456789abcdef") == UUID_LEN && text[UUID_LEN] == '\0';
}

bool uuid_is_resource(const char *text)
{
	return uuid_is_hex(text) && strchr("12345", text[12]) && strchr("89ab", text[16]);
}
