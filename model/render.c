/* SPDX-License-Identifier: Apache-2.0 */
/* See render.h. */
#include "model/render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/access.h"
#include "model/inventory_class.h"

#define QUARTER_S (15 * 60)

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static time_t seconds_of(int64_t ns)
{
	return (time_t)(ns / NS_PER_S - (ns % NS_PER_S < 0));
}

void render_date(int64_t ns, char ret_text[DATE_SIZE])
{
	time_t seconds = seconds_of(ns);
	struct tm tm;

	if (!localtime_r(&seconds, &tm)) {
		ret_text[0] = '\0';
		return;
	}
	snprintf(ret_text, DATE_SIZE, "%s %d, %04d %d:%02d:%02d %s", months[tm.tm_mon % 12], tm.tm_mday,
		 tm.tm_year + 1900, tm.tm_hour % 12 ? tm.tm_hour % 12 : 12, tm.tm_min, tm.tm_sec,
		 tm.tm_hour < 12 ? "AM" : "PM");
}

bool render_parse_date(const char *text, int64_t *ret_ns)
{
	static const char *const formats[] = {"%b %d, %Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S",
					      "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"};
	int64_t ns;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = {0}, normal;
		const char *end = strptime(text, formats[i], &tm);
		time_t seconds;

		if (!end || *end)
			continue;
		tm.tm_isdst = -1;
		normal = tm;
		seconds = mktime(&normal);
		if (normal.tm_mday != tm.tm_mday || normal.tm_mon != tm.tm_mon ||
		    normal.tm_year != tm.tm_year)
			return false; /* February 30th */
		if (__builtin_mul_overflow((int64_t)seconds, NS_PER_S, &ns))
			ns = seconds < 0 ? INT64_MIN : INT64_MAX;
		*ret_ns = ns;
		return true;
	}
	return false;
}

/* ------------------------------------------------------ dates, one after the other */

/*
 * The clock of a quarter of an hour, in which no zone of today changes it: most dates of many objects are in few of them.
 * False: it is changed in this one.
 */
static bool find_quarter(struct render_quarter *q, time_t seconds)
{
	time_t start = seconds - (seconds % QUARTER_S + QUARTER_S) % QUARTER_S, last = start + QUARTER_S - 1;
	struct tm end;

	if (!q->known || q->start != start) {
		q->start = start;
		q->known = true;
		q->plain = localtime_r(&start, &q->tm) && localtime_r(&last, &end) && q->tm.tm_sec == 0 &&
			   end.tm_hour == q->tm.tm_hour && end.tm_min == q->tm.tm_min + QUARTER_S / 60 - 1 &&
			   q->tm.tm_year >= 0 && q->tm.tm_year < 8000;
	}
	return q->plain;
}

/* The last two digits. */
static char *put_two(char *to, int number)
{
	to[0] = (char)('0' + number / 10 % 10);
	to[1] = (char)('0' + number % 10);
	return to + 2;
}

static char *put_short(char *to, int number)
{
	if (number >= 10)
		return put_two(to, number);
	*to = (char)('0' + number);
	return to + 1;
}

/* As render_date(). */
static void write_date(struct render *r, int64_t ns, char ret_text[DATE_SIZE])
{
	time_t seconds = seconds_of(ns);
	const struct tm *tm = &r->quarter.tm;
	char *to = ret_text;
	int after;

	if (!find_quarter(&r->quarter, seconds)) {
		render_date(ns, ret_text);
		return;
	}
	after = (int)(seconds - r->quarter.start);
	memcpy(to, months[tm->tm_mon % 12], 3);
	to[3] = ' ';
	to = put_short(to + 4, tm->tm_mday);
	memcpy(to, ", ", 2);
	to = put_two(put_two(to + 2, (tm->tm_year + 1900) / 100), tm->tm_year + 1900);
	*to++ = ' ';
	to = put_short(to, tm->tm_hour % 12 ? tm->tm_hour % 12 : 12);
	*to++ = ':';
	to = put_two(to, tm->tm_min + after / 60);
	*to++ = ':';
	to = put_two(to, after % 60);
	memcpy(to, tm->tm_hour < 12 ? " AM" : " PM", 4);
}

/* ------------------------------------------------------------------ the schema */

/* What follows is in the member @name of what the path leads to, as item @index of a list; -1: as the whole. */
static size_t path_begin(struct render *r, const char *name, int64_t index)
{
	size_t before = draft_len(&r->path);
	char text[32];

	if (!r->schema)
		return before;
	if (before)
		draft_add(&r->path, ".", 1);
	draft_add(&r->path, name, strlen(name));
	if (index >= 0) {
		snprintf(text, sizeof(text), "[%" PRId64 "]", index);
		draft_add(&r->path, text, strlen(text));
	}
	return before;
}

static void path_end(struct render *r, size_t before)
{
	if (r->path.d)
		r->path.d->len = before;
}

/* Names the class of what the path leads to; without one, nothing inside has one. Returns the schema for what follows it. */
static struct json_out *schema_add(struct render *r, const char *class)
{
	struct json_out *schema = r->schema;

	if (!class)
		r->schema = NULL;
	else if (draft_room(&r->path, 1)) {
		r->path.d->data[r->path.d->len] = '\0';
		json_out_string(schema, r->path.d->data, class);
	}
	return schema;
}

/* ---------------------------------------------------------- objects and fields */

static void render_children(struct render *r, const char *name, const struct object *o, const struct field *f)
{
	json_t *outer = json_out_list(r->out, name);
	size_t index = 0;

	view_for_each_where (child, r->view, f->target, f->target_field, object_uuid(o)) {
		if (f->type == FIELD_VALUES)
			render_write_field(r, NULL, child, f->value_field);
		else
			render_write_item(r, f->name, index++, child, 0);
	}
	json_out_close(r->out, true, outer);
}

static const struct object *next_leaf(const struct render *r, const struct object *parent,
				      const struct field *f, int64_t after)
{
	return view_next_where(r->view, f->target, f->value_field, object_uuid(parent), after);
}

/* One node of a tree with everything below it. */
static void render_leaf(struct render *r, const char *name, const struct object *o, const struct field *f)
{
	const char *parent = object_str(o, f->value_field);
	struct json_out *schema = r->schema ? schema_add(r, inventory_class_of_leaf()) : NULL;
	json_t *leaf = json_out_object(r->out, name), *children;
	size_t path = path_begin(r, "inventory", -1);
	int64_t index = 0;

	render_write_object(r, "inventory", o, 0);
	path_end(r, path);
	children = json_out_list(r->out, "children");
	/* without the room of a walk on the stack: a tree can be deep */
	for (const struct object *child = next_leaf(r, o, f, 0); child;
	     child = next_leaf(r, o, f, child->id)) {
		path = path_begin(r, "children", index++);
		render_leaf(r, NULL, child, f);
		path_end(r, path);
	}
	json_out_close(r->out, true, children);
	if (parent)
		json_out_string(r->out, "parentUuid", parent);
	json_out_close(r->out, false, leaf);
	r->schema = schema;
}

static void render_tree(struct render *r, const char *name, const struct object *o, const struct field *f)
{
	size_t path;

	view_for_each_where (root, r->view, f->target, f->target_field, object_uuid(o))
		if (object_is_null(root, f->value_field)) {
			path = path_begin(r, f->name, -1);
			render_leaf(r, name, root, f);
			path_end(r, path);
			return;
		}
	json_out_close(r->out, false, json_out_object(r->out, name));
}

void render_write_field(struct render *r, const char *name, const struct object *o, int field)
{
	const struct field *f = &o->kind->fields[field];
	_cleanup_free_ char *owned = NULL;
	char date[DATE_SIZE];
	const char *shown;

	if (field_is_stored(f) && object_is_null(o, field))
		return;
	switch (f->type) {
	case FIELD_STRING:
		shown = object_shown(o, field, &owned);
		if (shown)
			json_out_string(r->out, name, shown);
		else
			r->out->failed = true;
		return;
	case FIELD_INT:
	case FIELD_LONG:
		json_out_integer(r->out, name, object_int(o, field));
		return;
	case FIELD_BOOL:
		json_out_boolean(r->out, name, object_int(o, field) != 0);
		return;
	case FIELD_DATE:
		write_date(r, object_int(o, field), date);
		json_out_string(r->out, name, date);
		return;
	case FIELD_CHILDREN:
	case FIELD_VALUES:
		render_children(r, name, o, f);
		return;
	case FIELD_TREE:
		render_tree(r, name, o, f);
		return;
	case FIELD_NOTHING:
		json_out_close(r->out, true, json_out_list(r->out, name));
		return;
	}
}

void render_write_object(struct render *r, const char *name, const struct object *o, uint64_t fields)
{
	struct json_out *schema = r->schema ? schema_add(r, inventory_class_of(o)) : NULL;
	json_t *outer = json_out_object(r->out, name);

	for (int i = 0; i < o->kind->field_count; i++) {
		const struct field *f = &o->kind->fields[i];

		if (fields ? fields >> i & 1 : !(f->flags & (F_HIDDEN | F_FILE | F_SECRET)))
			render_write_field(r, f->name, o, i);
	}
	json_out_close(r->out, false, outer);
	r->schema = schema;
}

void render_write_item(struct render *r, const char *name, size_t index, const struct object *o,
		       uint64_t fields)
{
	size_t path = path_begin(r, name, (int64_t)index);

	render_write_object(r, NULL, o, fields);
	path_end(r, path);
}

bool render_write_end(struct render *r)
{
	bool whole = !r->path.failed && !json_out_failed(r->out);

	draft_done(&r->path);
	return whole;
}

json_t *render_field_json(const struct view *view, const struct object *o, int field)
{
	struct json_out out = {0};
	struct render r = {.view = view, .out = &out};

	render_write_field(&r, NULL, o, field);
	(void)render_write_end(&r);
	return json_out_tree(&out);
}

json_t *render_inventory_json(const struct view *view, const struct object *o)
{
	struct json_out out = {0};
	struct render r = {.view = view, .out = &out};

	render_write_object(&r, NULL, o, 0);
	(void)render_write_end(&r);
	return json_out_tree(&out);
}

/* ------------------------------------------------------------------- documents */

/* The text of an object, or of a field of it (not -1), indented, with a newline. */
static struct document *render_indented(const struct view *view, const struct object *o, int field,
					int64_t mtime)
{
	struct draft text = {0};
	struct json_out out = {.text = &text, .indented = true};
	struct render r = {.view = view, .out = &out};

	if (field < 0)
		render_write_object(&r, NULL, o, 0);
	else
		render_write_field(&r, NULL, o, field);
	draft_add(&text, "\n", 1);
	if (render_write_end(&r))
		return draft_end(&text, mtime);
	draft_done(&text);
	return NULL;
}

struct document *render_json(json_t *json, int64_t mtime)
{
	struct draft text = {0};
	struct json_out out = {.text = &text, .indented = true};

	if (json)
		json_out_value(&out, NULL, json);
	text.failed = !json || json_out_failed(&out);
	json_decref(json);
	draft_add(&text, "\n", 1);
	return draft_end(&text, mtime);
}

struct document *render_inventory(const struct view *view, const struct object *o)
{
	/* The cache is the only member of a shared object that changes: once, atomically. */
	struct document *_Atomic *cache = &((struct object *)(uintptr_t)o)->inventory;
	struct document *cached = atomic_load_explicit(cache, memory_order_acquire);
	struct document *made;

	if (cached)
		return document_ref(cached);
	made = render_indented(view, o, -1, o->changed);
	if (made && !object_shown_texts_have_left(o) && atomic_compare_exchange_strong(cache, &cached, made))
		document_ref(made);
	return made;
}

int64_t render_value_mtime(const struct object *o, int field)
{
	return field_is_stored(&o->kind->fields[field]) ? object_time(o, field) : o->changed;
}

struct document *render_value(const struct view *view, const struct object *o, int field)
{
	const struct field *f = &o->kind->fields[field];
	int64_t mtime = render_value_mtime(o, field);
	_cleanup_free_ char *text = NULL, *string = NULL;
	char date[DATE_SIZE];
	int len = -1;

	if (field_is_stored(f) && object_is_null(o, field))
		return document_new("\n", 1, mtime);
	switch (f->type) {
	case FIELD_STRING:
		string = object_long_text(o, field);
		len = string ? asprintf(&text, "%s\n", string) : -1;
		break;
	case FIELD_INT:
	case FIELD_LONG:
		len = asprintf(&text, "%" PRId64 "\n", object_int(o, field));
		break;
	case FIELD_BOOL:
		len = asprintf(&text, "%s\n", object_int(o, field) ? "true" : "false");
		break;
	case FIELD_DATE:
		render_date(object_int(o, field), date);
		len = asprintf(&text, "%s\n", date);
		break;
	case FIELD_CHILDREN:
	case FIELD_VALUES:
	case FIELD_TREE:
	case FIELD_NOTHING:
		return render_indented(view, o, field, mtime);
	}
	if (len < 0) {
		text = NULL;
		return NULL;
	}
	return document_new(text, (size_t)len, mtime);
}
