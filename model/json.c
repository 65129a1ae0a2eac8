/* SPDX-License-Identifier: Apache-2.0 */
/* See json.h. */
#include "model/json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct text {
	char *bytes;
	size_t len, room;
	bool failed;
};

static int add_bytes(const char *bytes, size_t size, void *arg)
{
	struct text *text = arg;

	if (text->failed)
		return -1;
	if (text->room - text->len <= size) {
		size_t room = 2 * text->room + size + 64;
		char *grown = realloc(text->bytes, room);

		text->failed = !grown;
		if (!grown)
			return -1;
		text->bytes = grown;
		text->room = room;
	}
	memcpy(text->bytes + text->len, bytes, size);
	text->len += size;
	return 0;
}

char *json_text(const json_t *json, size_t flags)
{
	struct text text = {0};

	/* it does not look at all that add_bytes() returns */
	if (json_dump_callback(json, add_bytes, &text, flags) == 0 && text.bytes && !text.failed) {
		text.bytes[text.len] = '\0';
		return text.bytes;
	}
	free(text.bytes);
	return NULL;
}
