/* SPDX-License-Identifier: Apache-2.0 */
/* See json_text.h. */
#include "model/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024

char *json_text_extend(struct json_text *t, size_t size)
{
	if (t->room - t->len < size) {
		size_t room = 2 * t->room + size + ROOM_FIRST;
		char *grown = t->failed ? NULL : realloc(t->data, room);

		if (!grown) {
			t->failed = true;
			return NULL;
		}
		t->data = grown;
		t->room = room;
	}
	t->len += size;
	return t->data + t->len - size;
}

static void append(struct json_text *t, const char *text, size_t len)
{
	char *at = json_text_extend(t, len);

	if (at)
		memcpy(at, text, len);
}

void json_text_raw(struct json_text *t, const char *text)
{
	append(t, text, strlen(text));
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

static void append_escaped(struct json_text *t, unsigned char c)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char escaped[8];

	for (size_t i = 0; i < sizeof(letters) - 1; i += 2)
		if ((unsigned char)letters[i] == c) {
			escaped[0] = '\\';
			escaped[1] = letters[i + 1];
			append(t, escaped, 2);
			return;
		}
	append(t, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\u%04X", c));
}

void json_text_string(struct json_text *t, const char *text)
{
	json_text_raw(t, "\"");
	while (*text) {
		size_t len = 0;

		while (is_plain((unsigned char)text[len]))
			len++;
		append(t, text, len);
		text += len;
		if (*text)
			append_escaped(t, (unsigned char)*text++);
	}
	json_text_raw(t, "\"");
}

void json_text_integer(struct json_text *t, int64_t number)
{
	char digits[24];

	append(t, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, number));
}

void json_text_done(struct json_text *t)
{
	free(t->data);
	*t = (struct json_text){0};
}
