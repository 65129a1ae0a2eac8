/* SPDX-License-Identifier: Apache-2.0 */
/* See json_out.h. */
#include "model/json_out.h"

#include <string.h>

#include "model/json.h"

/* ---------------------------------------------------------------------- tree */

/* Adds a value, which is taken over; NULL: memory was short. */
static void tree_add(struct json_out *out, const char *name, json_t *value)
{
	int r;

	if (out->depth == out->base && value) {
		json_decref(out->root);
		out->root = value;
		return;
	}
	if (!out->into || !value) {
		json_decref(value);
		r = -1;
	} else if (name) {
		r = json_object_set_new_nocheck(out->into, name, value);
	} else {
		r = json_array_append_new(out->into, value);
	}
	if (r < 0)
		out->failed = true;
}

json_t *json_out_tree(struct json_out *out)
{
	json_t *root = steal(&out->root);

	if (!out->failed)
		return root;
	json_decref(root);
	return NULL;
}

/* ------------------------------------------------------------ a tree as text */

/* ---------------------------------------------------------------------- text */

static char *new_line(char *to, unsigned depth)
{
	*to++ = '\n';
	memset(to, ' ', 2 * (size_t)depth);
	return to + 2 * (size_t)depth;
}

static char *put(char *to, const char *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

/* Writes what stands before a value; returns where that begins, with room for @len bytes of it. NULL: memory is short. */
static char *begin_value(struct json_out *out, const char *name, size_t len)
{
	size_t name_len = name ? strlen(name) : 0;
	char *to = draft_room(out->text, 6 + 2 * (size_t)out->depth + name_len + len);

	if (!to)
		return NULL;
	if (out->follows)
		*to++ = ',';
	if (out->indented && out->depth > out->base)
		to = new_line(to, out->depth);
	out->follows = true;
	if (!name)
		return to;
	*to++ = '"';
	to = put(to, name, name_len);
	return put(to, "\": ", out->indented ? 3 : 2);
}

static void end_value(struct json_out *out, const char *to)
{
	out->text->d->len = (size_t)(to - out->text->d->data);
}

/* True if one of eight bytes is a quotation mark, a backslash or a control character; or, perhaps, follows such a one. */
static bool needs_escape(uint64_t eight)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t quotes = eight ^ (ones * '"'), slashes = eight ^ (ones * '\\');

	return (((eight - ones * ' ') & ~eight) | ((quotes - ones) & ~quotes) |
		((slashes - ones) & ~slashes)) &
	       high;
}

/* How many of @len bytes, at the start, need no escape. */
static size_t plain_length(const char *text, size_t len)
{
	size_t n = 0;
	uint64_t eight;

	for (; len - n >= sizeof(eight); n += sizeof(eight)) {
		memcpy(&eight, text + n, sizeof(eight));
		if (needs_escape(eight))
			break;
	}
	while (n < len && (unsigned char)text[n] >= ' ' && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

static char *put_escape(char *to, unsigned char c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	*to++ = '\\';
	for (size_t i = 0; shorts[i]; i += 2)
		if ((unsigned char)shorts[i] == c) {
			*to = shorts[i + 1];
			return to + 1;
		}
	return put(put(to, "u00", 3), (char[]){"01"[c >> 4], "0123456789ABCDEF"[c & 15]}, 2);
}

/* Writes what stands between the quotation marks; there is room for ESCAPED(). */
#define ESCAPED(plain, len) ((plain) + 6 * ((len) - (plain))) /* \u0001 is the longest escape */
static char *put_escaped(char *to, const char *text, size_t plain, size_t len)
{
	for (;;) {
		to = put(to, text, plain);
		text += plain;
		len -= plain;
		if (!len)
			return to;
		to = put_escape(to, (unsigned char)*text++);
		plain = plain_length(text, --len);
	}
}

/* A string of the text. */
static void write_string(struct json_out *out, const char *name, const char *text, size_t len)
{
	size_t plain = plain_length(text, len);
	char *to = begin_value(out, name, 2 + ESCAPED(plain, len));

	if (!to)
		return;
	*to++ = '"';
	to = put_escaped(to, text, plain, len);
	*to++ = '"';
	end_value(out, to);
}

void json_out_string(struct json_out *out, const char *name, const char *text)
{
	if (out->text)
		write_string(out, name, text, strlen(text));
	else
		tree_add(out, name, json_string_nocheck(text));
}

void json_out_integer(struct json_out *out, const char *name, int64_t number)
{
	char digits[20], *at = digits + sizeof(digits), *to;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	if (!out->text) {
		tree_add(out, name, json_integer(number));
		return;
	}
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--at = '-';
	to = begin_value(out, name, sizeof(digits));
	if (to)
		end_value(out, put(to, at, (size_t)(digits + sizeof(digits) - at)));
}

/* A value that JSON has a word for. */
static void write_word(struct json_out *out, const char *name, const char *word)
{
	size_t len = strlen(word);
	char *to = begin_value(out, name, len);

	if (to)
		end_value(out, put(to, word, len));
}

void json_out_boolean(struct json_out *out, const char *name, bool value)
{
	if (out->text)
		write_word(out, name, value ? "true" : "false");
	else
		tree_add(out, name, json_boolean(value));
}

void json_out_string_or_null(struct json_out *out, const char *name, const char *text)
{
	if (text)
		json_out_string(out, name, text);
	else if (out->text)
		write_word(out, name, "null");
	else
		tree_add(out, name, json_null());
}

char *json_out_text(struct json_out *out)
{
	char *text = NULL;

	draft_add(out->text, "", 1);
	if (!json_out_failed(out))
		text = strdup(out->text->d->data);
	draft_done(out->text);
	return text;
}

/* ------------------------------------------------------------ lists, objects */

static json_t *open_value(struct json_out *out, const char *name, bool list)
{
	json_t *outer = out->into, *value;

	if (out->text) {
		char *to = begin_value(out, name, 1);

		if (to)
			end_value(out, put(to, list ? "[" : "{", 1));
		out->follows = false;
	} else {
		value = list ? json_array() : json_object();
		tree_add(out, name, value);
		out->into = out->failed ? NULL : value;
	}
	out->depth++;
	return outer;
}

json_t *json_out_object(struct json_out *out, const char *name)
{
	return open_value(out, name, false);
}

json_t *json_out_list(struct json_out *out, const char *name)
{
	return open_value(out, name, true);
}

void json_out_close(struct json_out *out, bool list, json_t *outer)
{
	char *to;

	out->depth--;
	out->into = outer;
	if (!out->text)
		return;
	to = draft_room(out->text, 2 + 2 * (size_t)out->depth);
	if (!to)
		return;
	if (out->indented && out->follows)
		to = new_line(to, out->depth);
	end_value(out, put(to, list ? "]" : "}", 1));
	out->follows = true;
}

struct json_out json_out_aside(const struct json_out *out, struct draft *text)
{
	return (struct json_out){.text = out->text ? text : NULL,
				 .indented = out->indented,
				 .depth = out->depth,
				 .base = out->depth};
}

void json_out_take(struct json_out *out, const char *name, struct json_out *aside)
{
	char *to;

	if (!out->text) {
		tree_add(out, name, json_out_tree(aside));
		return;
	}
	to = begin_value(out, name, draft_len(aside->text));
	if (json_out_failed(aside))
		out->failed = true;
	if (to && aside->text->d)
		end_value(out, put(to, aside->text->d->data, aside->text->d->len));
	draft_done(aside->text);
}

/* ---------------------------------------------------------------- whole trees */

/* Writes a member, the name of which may need escapes. */
static void write_member(struct json_out *out, const char *name, const json_t *value)
{
	size_t len = strlen(name), plain = plain_length(name, len);
	_cleanup_free_ char *escaped = NULL;

	if (plain < len) {
		escaped = malloc(ESCAPED(plain, len) + 1);
		if (!escaped) {
			out->failed = true;
			return;
		}
		*put_escaped(escaped, name, plain, len) = '\0';
	}
	json_out_value(out, escaped ? escaped : name, value);
}

static void write_object(struct json_out *out, const char *name, const json_t *object)
{
	json_t *outer = json_out_object(out, name), *value;
	const char *member;

	json_object_foreach_const (object, member, value) {
		write_member(out, member, value);
	}
	json_out_close(out, false, outer);
}

static void write_list(struct json_out *out, const char *name, const json_t *list)
{
	json_t *outer = json_out_list(out, name);

	for (size_t i = 0; i < json_array_size(list); i++)
		json_out_value(out, NULL, json_array_get(list, i));
	json_out_close(out, true, outer);
}

static void write_real(struct json_out *out, const char *name, const json_t *value)
{
	char word[64]; /* a sign, 17 digits, a point and an exponent */
	size_t len = json_dumpb(value, word, sizeof(word) - 1, JSON_ENCODE_ANY);

	if (!len || len >= sizeof(word)) {
		out->failed = true;
		return;
	}
	word[len] = '\0';
	write_word(out, name, word);
}

void json_out_value(struct json_out *out, const char *name, const json_t *value)
{
	if (!out->text) {
		tree_add(out, name, json_incref_const(value));
		return;
	}
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(out, name, value);
		return;
	case JSON_ARRAY:
		write_list(out, name, value);
		return;
	case JSON_STRING:
		write_string(out, name, json_string_value(value), json_string_length(value));
		return;
	case JSON_INTEGER:
		json_out_integer(out, name, json_integer_value(value));
		return;
	case JSON_REAL:
		write_real(out, name, value);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		json_out_boolean(out, name, json_is_true(value));
		return;
	case JSON_NULL:
		json_out_string_or_null(out, name, NULL);
	}
}
