/* SPDX-License-Identifier: Apache-2.0 */
/* See user_data.h. */
#include "actions/vm/user_data.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\n"

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
	       c == '/';
}

/* Says why @base64 could not be decoded. */
static int refuse(const char *base64, struct error *e)
{
	size_t letters = 0, padding = 0;

	for (const char *p = base64; *p; p++) {
		if (strchr(BLANKS, *p))
			continue;
		if (*p == '-' || *p == '_')
			return error_set(e, EINVAL,
					 "user data is base64url, it must be base64 with '+' and '/'");
		if (*p == '=')
			padding++;
		else if (!is_letter(*p) || padding)
			return error_set(e, EINVAL, "user data is not base64: byte %zu has no place there",
					 (size_t)(p - base64));
		else
			letters++;
	}
	if ((letters + padding) % 4 != 0)
		return error_set(
			e, EINVAL,
			"user data is not complete base64: its length without blanks, %zu, is no multiple of 4; "
			"it must be padded with '='",
			letters + padding);
	return error_set(e, EINVAL, "user data is not base64: its end is not what an encoder writes");
}

int user_data_decode(const char *base64, unsigned char **ret_bytes, size_t *ret_len, struct error *e)
{
	size_t length = strlen(base64), room = length / 4 * 3 + 3, len = 0;
	_cleanup_free_ unsigned char *bytes = malloc(room);

	if (!bytes)
		return error_oom(e);
	if (sodium_base642bin(bytes, room, base64, length, BLANKS, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) < 0)
		return refuse(base64, e);
	if (len > USER_DATA_MAX)
		return error_set(e, EFBIG, "user data has %zu bytes, at most %d are allowed", len,
				 USER_DATA_MAX);
	*ret_bytes = steal(&bytes);
	*ret_len = len;
	return 0;
}
