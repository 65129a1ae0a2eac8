/* SPDX-License-Identifier: Apache-2.0 */
/* See render.h. */
#include "model/render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/access.h"

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void render_date(int64_t ns, char ret_text[DATE_SIZE])
{
	time_t seconds = (time_t)(ns / NS_PER_S - (ns % NS_PER_S < 0));
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

static json_t *render_children(const struct view *view, const struct object *o, const struct field *f)
{
	json_t *list = json_array();

	view_for_each_where (child, view, f->target, f->target_field, object_uuid(o)) {
		json_t *item = f->type == FIELD_CHILDREN ? render_inventory_json(view, child)
							 : render_field_json(view, child, f->value_field);

		if (!item && f->type == FIELD_VALUES && object_is_null(child, f->value_field))
			continue;
		if (json_array_append_new(list, item) < 0) { /* also when either is NULL */
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* One node of a tree with everything below it. */
static json_t *render_leaf(const struct view *view, const struct object *o, const struct field *f)
{
	const char *parent = object_str(o, f->value_field);
	json_t *children = json_array();
	json_t *leaf =
		json_pack("{s:o?, s:o}", "inventory", render_inventory_json(view, o), "children", children);

	if (leaf && parent)
		(void)json_object_set_new(leaf, "parentUuid", json_string(parent));
	view_for_each_where (child, view, f->target, f->value_field, object_uuid(o))
		if (leaf)
			(void)json_array_append_new(children, render_leaf(view, child, f));
	return leaf;
}

static json_t *render_tree(const struct view *view, const struct object *o, const struct field *f)
{
	view_for_each_where (root, view, f->target, f->target_field, object_uuid(o))
		if (object_is_null(root, f->value_field))
			return render_leaf(view, root, f);
	return json_object();
}

json_t *render_field_json(const struct view *view, const struct object *o, int field)
{
	const struct field *f = &o->kind->fields[field];
	_cleanup_free_ char *owned = NULL;
	char date[DATE_SIZE];
	const char *shown;

	if (field_is_stored(f) && object_is_null(o, field))
		return NULL;
	switch (f->type) {
	case FIELD_STRING:
		shown = object_shown(o, field, &owned);
		return shown ? json_string_nocheck(shown) : NULL;
	case FIELD_INT:
	case FIELD_LONG:
		return json_integer(object_int(o, field));
	case FIELD_BOOL:
		return json_boolean(object_int(o, field) != 0);
	case FIELD_DATE:
		render_date(object_int(o, field), date);
		return json_string(date);
	case FIELD_CHILDREN:
	case FIELD_VALUES:
		return render_children(view, o, f);
	case FIELD_TREE:
		return render_tree(view, o, f);
	case FIELD_NOTHING:
		return json_array();
	}
	return NULL;
}

json_t *render_inventory_json(const struct view *view, const struct object *o)
{
	json_t *json = json_object();

	for (int i = 0; json && i < o->kind->field_count; i++) {
		const struct field *f = &o->kind->fields[i];
		json_t *value;

		if (f->flags & (F_HIDDEN | F_FILE | F_SECRET))
			continue;
		if (field_is_stored(f) && object_is_null(o, i))
			continue;
		value = render_field_json(view, o, i);
		if (json_object_set_new_nocheck(json, f->name, value) < 0) { /* also when it is NULL */
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

struct document *render_json(json_t *json, int64_t mtime)
{
	char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
	size_t len = text ? strlen(text) : 0;
	struct document *d;

	json_decref(json);
	if (!text)
		return NULL;
	text[len] = '\n'; /* replaces the NUL, which document_new() does not need */
	d = document_new(text, len + 1, mtime);
	free(text);
	return d;
}

struct document *render_inventory(const struct view *view, const struct object *o)
{
	/* The cache is the only member of a shared object that changes: once, atomically. */
	struct document *_Atomic *cache = &((struct object *)(uintptr_t)o)->inventory;
	struct document *cached = atomic_load_explicit(cache, memory_order_acquire);
	struct document *made;

	if (cached)
		return document_ref(cached);
	made = render_json(render_inventory_json(view, o), o->changed);
	if (made && atomic_compare_exchange_strong(cache, &cached, made))
		document_ref(made);
	return made;
}

/* A growing text; `failed` is set when memory was short. */
struct text {
	char *data;
	size_t len, room;
	bool failed;
};

static int text_append(const char *data, size_t len, void *ctx)
{
	struct text *t = ctx;

	if (t->room - t->len < len) {
		size_t room = 2 * t->room + len + 4096;
		char *grown = t->failed ? NULL : realloc(t->data, room);

		if (!grown) {
			t->failed = true;
			return -1;
		}
		t->data = grown;
		t->room = room;
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
	return 0;
}

struct document *render_inventories(const struct view *view, enum kind_id kind)
{
	struct text t = {0};
	struct document *d;
	const char *separator = "\n";

	(void)text_append("{\"inventories\":[", 16, &t);
	view_for_each (o, view, kind) {
		json_t *json = render_inventory_json(view, o);

		(void)text_append(separator, strlen(separator), &t);
		if (!json || json_dump_callback(json, text_append, &t, JSON_COMPACT) < 0)
			t.failed = true;
		json_decref(json);
		if (t.failed)
			break;
		separator = ",\n";
	}
	(void)text_append("]}\n", 3, &t);
	d = t.failed ? NULL : document_new(t.data, t.len, view_changed(view, kind));
	free(t.data);
	return d;
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
		return render_json(render_children(view, o, f), mtime);
	case FIELD_TREE:
		return render_json(render_tree(view, o, f), mtime);
	case FIELD_NOTHING:
		return render_json(json_array(), mtime);
	}
	if (len < 0) {
		text = NULL;
		return NULL;
	}
	return document_new(text, (size_t)len, mtime);
}
