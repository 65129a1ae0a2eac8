/* SPDX-License-Identifier: Apache-2.0 */
/* See uri.h. */
#include "rest/uri.h"

#include <stdlib.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uri_decode(char *text, bool plus)
{
	char *out = text;

	for (; *text; text++) {
		int value = (unsigned char)*text;

		if (plus && *text == '+')
			value = ' ';
		if (*text == '%') {
			int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);

			if (low < 0 || !(value = high * 16 + low))
				return false;
			text += 2;
		}
		*out++ = (char)value;
	}
	*out = '\0';
	return true;
}

void uri_path_done(struct uri_path *path)
{
	free(path->text);
	*path = (struct uri_path){0};
}

size_t uri_path_length(const char *target, const char **ret_query)
{
	size_t len = strcspn(target, "?#");
	size_t end = len + strcspn(target + len, "#");

	*ret_query = target[len] == '?' && end > len ? target + len + 1 : "";
	return len;
}

bool uri_path_parse(const char *text, size_t len, struct uri_path *ret)
{
	char *copy = strndup(text, len), *rest, *segment;

	*ret = (struct uri_path){.text = copy};
	if (!copy || *copy != '/')
		return false;
	rest = copy + 1;
	while ((segment = strsep(&rest, "/"))) {
		if (!*segment && rest)
			continue;
		if (ret->count == URI_SEGMENTS || !uri_decode(segment, false))
			return false;
		ret->segments[ret->count++] = segment;
	}
	return true;
}
