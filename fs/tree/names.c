/* SPDX-License-Identifier: Apache-2.0 */
/* See names.h. */
#include "fs/tree/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/uuid.h"

/* Longest `~N`: an encoded name with its number must not exceed NAME_LENGTH. */
#define RANK_LENGTH 11
#define TEXT_LENGTH (NAME_LENGTH - RANK_LENGTH)
/* Length to which a name is truncated. */
#define CUT_LENGTH (NAME_LENGTH - 1 - UUID_LEN)

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* A `~` that could be mistaken for the mark of a number or a uuid. */
static bool is_mark(const char *text)
{
	size_t n;

	if (*text++ != '~')
		return false;
	for (n = 0; is_hex(text[n]); n++)
		;
	return n && !text[n];
}

static bool needs_escape(const char *text, bool first)
{
	unsigned char c = (unsigned char)*text;

	/* C1 control characters are c2 80 .. c2 9f in UTF-8. */
	return c < 0x20 || c == 0x7f || c == '/' || c == '%' || (first && c == '.') || is_mark(text) ||
	       (c == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0);
}

/* Length of the UTF-8 character at @text. */
static size_t character_length(const char *text)
{
	size_t n = 1;

	while (((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Encodes as many whole characters as fit into @limit bytes; returns the rest of @text. */
static const char *encode(const char *text, size_t limit, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = 0;

	for (bool first = true; *text; first = false) {
		size_t n = character_length(text);
		bool escape = needs_escape(text, first);

		if (len + (escape ? 3 * n : n) > limit)
			break;
		for (size_t i = 0; i < n; i++) {
			if (!escape) {
				out[len++] = text[i];
				continue;
			}
			out[len++] = '%';
			out[len++] = digits[(unsigned char)text[i] >> 4];
			out[len++] = digits[(unsigned char)text[i] & 15];
		}
		text += n;
	}
	out[len] = '\0';
	return text;
}

bool name_encode_rank(const char *text, const char *uuid, unsigned rank, char ret_name[NAME_SIZE])
{
	size_t len;

	if (!text || !*text)
		return false;
	if (*encode(text, TEXT_LENGTH, ret_name)) {
		(void)encode(text, CUT_LENGTH, ret_name);
		len = strlen(ret_name);
		snprintf(ret_name + len, NAME_SIZE - len, "~%s", uuid);
	} else if (rank > 1) {
		len = strlen(ret_name);
		snprintf(ret_name + len, NAME_SIZE - len, "~%u", rank);
	}
	return true;
}

bool name_encode(const char *text, const char *uuid, char ret_name[NAME_SIZE])
{
	return name_encode_rank(text, uuid, 1, ret_name);
}

/* The value of two hex digits in upper case, -1 for anything else. */
static int escape_value(const char *text)
{
	int value = 0;

	for (int i = 0; i < 2; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + c - 'A' + 10;
		else
			return -1;
	}
	return value;
}

/* Removes `~N` or `~uuid` from the end of @text. */
static void take_mark(char *text, struct name *ret)
{
	char *mark = strrchr(text, '~');

	ret->rank = 1;
	ret->uuid[0] = '\0';
	if (!mark || !is_mark(mark))
		return;
	if (uuid_is_hex(mark + 1)) {
		memcpy(ret->uuid, mark + 1, UUID_SIZE);
		*text = '\0';
	} else if (strlen(mark) <= RANK_LENGTH) {
		ret->rank = (unsigned)strtoul(mark + 1, NULL, 10);
		*mark = '\0';
	}
}

bool name_decode(const char *component, struct name *ret)
{
	char again[NAME_SIZE];
	size_t len = 0;

	if (strlen(component) > NAME_LENGTH)
		return false;
	snprintf(ret->text, sizeof(ret->text), "%s", component);
	take_mark(ret->text, ret);
	if (ret->uuid[0])
		return true;
	for (const char *c = ret->text; *c; c++) {
		int value = *c == '%' ? escape_value(c + 1) : (unsigned char)*c;

		if (value <= 0)
			return false;
		if (*c == '%')
			c += 2;
		ret->text[len++] = (char)value;
	}
	ret->text[len] = '\0';
	/* Only the spelling that is listed is valid: not "%41", not "~1". */
	return name_encode_rank(ret->text, "", ret->rank, again) && strcmp(again, component) == 0;
}

void path_relative(const char *from, const char *to, char ret_path[PATH_SIZE])
{
	size_t i, common = 0, len = 0;

	/* What both have in common, as whole components. */
	for (i = 0; from[i] && from[i] == to[i]; i++)
		if (from[i] == '/')
			common = i + 1;
	if (!from[i] && (to[i] == '/' || !to[i]))
		common = i + (to[i] == '/');
	else if (!to[i] && from[i] == '/')
		common = i;
	from += common < strlen(from) ? common : strlen(from);
	to += common;
	ret_path[0] = '\0';
	for (bool more = *from != '\0'; more && len < PATH_SIZE - 4;) {
		len += (size_t)snprintf(ret_path + len, PATH_SIZE - len, "%s..", len ? "/" : "");
		from = strchr(from + 1, '/');
		more = from != NULL;
	}
	if (*to)
		snprintf(ret_path + len, PATH_SIZE - len, "%s%s", len ? "/" : "", to);
}
