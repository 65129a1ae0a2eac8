/* SPDX-License-Identifier: Apache-2.0 */
/* See json_out.h. */
#include "model/json_out.h"

#include <string.h>

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

/* ---------------------------------------------------------------------- text */

static void new_line(struct json_out *out)
{
	size_t len = 1 + 2 * (size_t)out->depth;
	char *to = draft_room(out->text, len);

	if (!to)
		return;
	*to = '\n';
	memset(to + 1, ' ', len - 1);
	out->text->d->len += len;
}

/* What stands before a value. */
static void begin_value(struct json_out *out, const char *name)
{
	if (out->follows)
		draft_add(out->text, ",", 1);
	if (out->indented && out->depth > out->base)
		new_line(out);
	out->follows = true;
	if (!name)
		return;
	draft_add(out->text, "\"", 1);
	draft_add(out->text, name, strlen(name));
	draft_add(out->text, "\": ", out->indented ? 3 : 2);
}

/* Bytes that need no escape. */
static size_t plain_length(const char *text)
{
	size_t n = 0;

	while ((unsigned char)text[n] >= ' ' && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

static void add_escape(struct draft *t, unsigned char c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char escape[7];

	for (size_t i = 0; shorts[i]; i += 2)
		if ((unsigned char)shorts[i] == c) {
			draft_add(t, "\\", 1);
			draft_add(t, shorts + i + 1, 1);
			return;
		}
	snprintf(escape, sizeof(escape), "\\u%04X", c);
	draft_add(t, escape, 6);
}

void json_out_string(struct json_out *out, const char *name, const char *text)
{
	if (!out->text) {
		tree_add(out, name, json_string_nocheck(text));
		return;
	}
	begin_value(out, name);
	draft_add(out->text, "\"", 1);
	for (;;) {
		size_t plain = plain_length(text);

		draft_add(out->text, text, plain);
		text += plain;
		if (!*text)
			break;
		add_escape(out->text, (unsigned char)*text++);
	}
	draft_add(out->text, "\"", 1);
}

void json_out_integer(struct json_out *out, const char *name, int64_t number)
{
	char digits[20], *at = digits + sizeof(digits);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	if (!out->text) {
		tree_add(out, name, json_integer(number));
		return;
	}
	begin_value(out, name);
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		draft_add(out->text, "-", 1);
	draft_add(out->text, at, (size_t)(digits + sizeof(digits) - at));
}

void json_out_boolean(struct json_out *out, const char *name, bool value)
{
	if (!out->text) {
		tree_add(out, name, json_boolean(value));
		return;
	}
	begin_value(out, name);
	draft_add(out->text, value ? "true" : "false", value ? 4 : 5);
}

/* ------------------------------------------------------------ lists, objects */

static json_t *open_value(struct json_out *out, const char *name, bool list)
{
	json_t *outer = out->into;

	if (out->text) {
		begin_value(out, name);
		draft_add(out->text, list ? "[" : "{", 1);
		out->follows = false;
	} else {
		json_t *value = list ? json_array() : json_object();

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
	out->depth--;
	out->into = outer;
	if (!out->text)
		return;
	if (out->indented && out->follows)
		new_line(out);
	draft_add(out->text, list ? "]" : "}", 1);
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
	if (!out->text) {
		tree_add(out, name, json_out_tree(aside));
		return;
	}
	begin_value(out, name);
	if (json_out_failed(aside))
		out->failed = true;
	if (aside->text->d)
		draft_add(out->text, aside->text->d->data, aside->text->d->len);
	draft_done(aside->text);
}
