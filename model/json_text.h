/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compact JSON that is written as text from the start, where making a tree of values first would be most of the work.
 * It is the text that jansson makes of the same values. Errors are reported once: when memory was short, `failed` is
 * set, and nothing is written any more.
 */
#ifndef POOLFS_JSON_TEXT_H
#define POOLFS_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_text {
	char *data; /* owned; not terminated */
	size_t len, room;
	bool failed;
};

/** @size bytes at the end, to be filled by the caller at once; NULL if out of memory. */
char *json_text_extend(struct json_text *t, size_t size);
/** Appends punctuation, names, or JSON that is there already. */
void json_text_raw(struct json_text *t, const char *text);
/** Appends a string with its quotes; @text is well-formed UTF-8. */
void json_text_string(struct json_text *t, const char *text);
void json_text_integer(struct json_text *t, int64_t number);
/** Frees the text, which is empty then. */
void json_text_done(struct json_text *t);

#endif
