/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that is written member by member: as text, which is what readers get, or as
 * a tree of jansson, for callers that go on with it. So what is shown is walked in one
 * place, and text is made without a tree in between.
 *
 * The text is that of json_dumps(). Names of members are written as they are, so they
 * must not need escapes; texts must be well-formed UTF-8.
 */
#ifndef POOLFS_JSON_OUT_H
#define POOLFS_JSON_OUT_H

#include <jansson.h>

#include "model/document.h"

struct json_out {
	/* Where the text goes, borrowed; NULL: a tree is made. */
	struct draft *text;
	bool indented; /* as JSON_INDENT(2), else as JSON_COMPACT */
	/* The rest is the writer's; zeros at first. */
	bool follows;	/* something stands before in the same list or object */
	unsigned depth; /* open lists and objects, with those around the whole */
	unsigned base;	/* those around the whole */
	json_t *root;	/* owned: the tree; taken with json_out_tree() */
	json_t *into;	/* borrowed: the list or object that is open */
	bool failed;	/* memory was short */
};

/*
 * Each writes a value: with the @name of a member if an object is open, else (NULL) as an item of the list that is open, or
 * as the whole.
 */
void json_out_string(struct json_out *out, const char *name, const char *text);
void json_out_integer(struct json_out *out, const char *name, int64_t number);
void json_out_boolean(struct json_out *out, const char *name, bool value);
/** A string, or null for NULL. */
void json_out_string_or_null(struct json_out *out, const char *name, const char *text);

/** A tree, not NULL; the names of its members may be any. */
void json_out_value(struct json_out *out, const char *name, const json_t *value);

/** Opens an object, or a list; returns what json_out_close() needs. */
json_t *json_out_object(struct json_out *out, const char *name);
json_t *json_out_list(struct json_out *out, const char *name);
/** Closes what was opened last. @outer: what the opening has returned. */
void json_out_close(struct json_out *out, bool list, json_t *outer);

/**
 * A writer of what becomes a value of the list or object that is open in @out, while that is written to. @text: an empty
 * draft for it.
 */
struct json_out json_out_aside(const struct json_out *out, struct draft *text);
/** Writes what @aside has, which is taken over. */
void json_out_take(struct json_out *out, const char *name, struct json_out *aside);

/** Memory was short. */
static inline bool json_out_failed(const struct json_out *out)
{
	return out->failed || (out->text && out->text->failed);
}

/** What has been written, to be freed; its draft is empty then. NULL when memory was short. */
char *json_out_text(struct json_out *out);
/** The tree, owned by the caller; NULL when memory was short, or nothing has been written. */
json_t *json_out_tree(struct json_out *out);

#endif
