/* SPDX-License-Identifier: Apache-2.0 */
/* See event_line.h. */
#include "model/event_line.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/access.h"
#include "model/json_text.h"
#include "model/render.h"
#include "model/txn_internal.h"

/* How a line ends for those who do not read the last part. */
static const char line_end[] = "}\n";
#define LINE_END (sizeof(line_end) - 1)

/* ---------------------------------------------------------------- rendering */

static bool is_secret(const struct object *o, int field)
{
	return o && o->kind->id == KIND_SYSTEM_TAG && field == SYSTEM_TAG_TAG &&
	       system_tag_is_secret(object_text(o, SYSTEM_TAG_TAG));
}

static bool field_is_reported(const struct change *c, int field)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	const struct field *f = &kind->fields[field];

	if (!field_is_stored(f) || (f->flags & (F_HIDDEN | F_SECRET | F_NOWRITE)) || field == FIELD_UUID ||
	    field == kind->last_op_field)
		return false;
	/* Documents of their own, which can be read from the job. */
	if (kind->id == KIND_JOB && (field == JOB_REQUEST || field == JOB_RESULT))
		return false;
	return !is_secret(c->before, field) && !is_secret(c->after, field);
}

/* Appends a member of an object that has some already. */
static void add_string(struct json_text *t, const char *name, const char *value)
{
	json_text_raw(t, name);
	json_text_string(t, value);
}

/* Appends @name and the value of a stored field; nothing for null. True if it did. */
static bool add_value(struct json_text *t, const char *name, const struct object *o, int field)
{
	_cleanup_free_ char *owned = NULL;
	char date[DATE_SIZE];
	const char *shown;

	if (!o || object_is_null(o, field))
		return false;
	switch (o->kind->fields[field].type) {
	case FIELD_STRING:
		shown = object_shown(o, field, &owned);
		if (shown)
			add_string(t, name, shown);
		else
			t->failed = true;
		return true;
	case FIELD_INT:
	case FIELD_LONG:
		json_text_raw(t, name);
		json_text_integer(t, object_int(o, field));
		return true;
	case FIELD_BOOL:
		json_text_raw(t, name);
		json_text_raw(t, object_int(o, field) ? "true" : "false");
		return true;
	case FIELD_DATE:
		render_date(object_int(o, field), date);
		add_string(t, name, date);
		return true;
	case FIELD_CHILDREN:
	case FIELD_VALUES:
	case FIELD_TREE:
	case FIELD_NOTHING:
		return false; /* not stored */
	}
	return false;
}

/* Appends "NAME":{"from":...,"to":...} without null values, if the field has something to report. */
static bool add_field_change(struct json_text *t, const struct change *c, int field, bool is_first)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	size_t start = t->len;
	bool from, to;

	if (!field_is_reported(c, field) ||
	    (c->before && c->after && object_field_equal(c->before, c->after, field)))
		return false;
	json_text_raw(t, is_first ? "\"" : ",\"");
	json_text_raw(t, kind->fields[field].name);
	json_text_raw(t, "\":{");
	from = add_value(t, "\"from\":", c->before, field);
	to = add_value(t, from ? ",\"to\":" : "\"to\":", c->after, field);
	json_text_raw(t, "}");
	if (!from && !to)
		t->len = start;
	return from || to;
}

/* True if there are any. */
static bool add_changes(struct json_text *t, const struct change *c)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	bool any = false;

	for (int i = 0; i < kind->field_count; i++)
		any = add_field_change(t, c, i, !any) || any;
	return any;
}

/* Has the object another account now? */
static bool changes_owner(const struct change *c)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;

	return c->before && c->after && kind->owner == OWNER_SHAREABLE &&
	       !object_field_equal(c->before, c->after, kind->owner_field);
}

/* The part for all readers, without the brace at its end; false: there is nothing to report. */
static bool add_shown(struct json_text *t, const struct txn *txn, const struct change *c, int64_t sequence)
{
	const struct object *o = c->after ? c->after : c->before;
	char date[DATE_SIZE];
	bool any;

	render_date(txn->now, date);
	json_text_raw(t, "{\"sequence\":");
	json_text_integer(t, sequence);
	add_string(t, ",\"time\":", date);
	add_string(t, ",\"event\":", !c->before ? "created" : !c->after ? "removed" : "changed");
	add_string(t, ",\"kind\":", o->kind->name);
	add_string(t, ",\"uuid\":", object_uuid(o));
	if (o->kind->name_field >= 0)
		(void)add_value(t, ",\"name\":", o, o->kind->name_field);
	json_text_raw(t, ",\"changes\":{");
	any = add_changes(t, c);
	json_text_raw(t, "}");
	add_string(t, ",\"source\":", txn->cause.source ? txn->cause.source : "libvirt");
	return any || !c->before || !c->after || changes_owner(c);
}

/* The part for those who may know who changed the object. */
static void add_private(struct json_text *t, const struct change *c, const struct cause *cause)
{
	if (changes_owner(c)) {
		const char *from = object_str(c->before, c->before->kind->owner_field),
			   *to = object_str(c->after, c->after->kind->owner_field);

		if (from)
			add_string(t, ",\"owner\":{\"from\":", from);
		else
			json_text_raw(t, ",\"owner\":{\"from\":null");
		if (to)
			add_string(t, ",\"to\":", to);
		else
			json_text_raw(t, ",\"to\":null");
		json_text_raw(t, "}");
	}
	if (*cause->job)
		add_string(t, ",\"job\":", cause->job);
	if (cause->uid >= 0) {
		json_text_raw(t, ",\"uid\":");
		json_text_integer(t, cause->uid);
	}
	if (*cause->account)
		add_string(t, ",\"account\":", cause->account);
}

/* ----------------------------------------------------------------- audience */

struct audience {
	bool for_all, failed;
	size_t count, room;
	int64_t *readers; /* owned */
};

static void audience_add(struct audience *a, int64_t reader)
{
	if (a->count == a->room) {
		size_t room = a->room ? 2 * a->room : 4;
		int64_t *grown = reallocarray(a->readers, room, sizeof(*grown));

		if (!grown) {
			a->failed = true;
			return;
		}
		a->readers = grown;
		a->room = room;
	}
	a->readers[a->count++] = reader;
}

static void add_viewer(void *arg, const struct object *account)
{
	audience_add(arg, account->id);
}

static int compare_readers(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* In ascending order, each once. */
static void audience_sort(struct audience *a)
{
	size_t kept = 0;

	if (a->for_all)
		a->count = 0;
	if (a->count)
		qsort(a->readers, a->count, sizeof(*a->readers), compare_readers);
	for (size_t i = 0; i < a->count; i++)
		if (!kept || a->readers[kept - 1] != a->readers[i])
			a->readers[kept++] = a->readers[i];
	a->count = kept;
}

static int audience_find(const struct view *was, const struct view *is, const struct change *c,
			 struct audience *ret)
{
	if (c->before && access_viewers(was, c->before, add_viewer, ret) == ACCESS_EVERYBODY)
		ret->for_all = true;
	if (c->after && access_viewers(is, c->after, add_viewer, ret) == ACCESS_EVERYBODY)
		ret->for_all = true;
	audience_sort(ret);
	return ret->failed ? -ENOMEM : 0;
}

/* ------------------------------------------------------------- making lines */

/* Begins a line with all before its text: the room for the header, and the readers. */
static void line_begin(struct json_text *t, const struct audience *a)
{
	char *at = json_text_extend(t, sizeof(struct event_line) + a->count * sizeof(int64_t));

	if (at && a->count)
		memcpy(at + sizeof(struct event_line), a->readers, a->count * sizeof(int64_t));
}

/* Ends the text, of which the first @shown bytes are for all readers. NULL if out of memory. */
static struct event_line *line_end_text(struct json_text *t, const struct audience *a, size_t shown)
{
	size_t before = sizeof(struct event_line) + a->count * sizeof(int64_t);
	struct event_line *line;

	json_text_raw(t, "\n");
	if (t->failed)
		return NULL;
	line = realloc(t->data, t->len);
	line = line ? line : (struct event_line *)(void *)t->data;
	*line = (struct event_line){.text = (char *)line + before,
				    .len = t->len - before,
				    .shown = shown - before,
				    .for_all = a->for_all,
				    .count = a->count};
	*t = (struct json_text){0};
	return line;
}

static void audience_done(struct audience *a)
{
	free(a->readers);
}

int event_line_make(const struct txn *t, const struct view *was, const struct change *c, int64_t sequence,
		    struct event_line **ret, struct error *e)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	const struct object *maker = view_get(t->view, KIND_ACCOUNT, t->cause.account);
	_cleanup_(audience_done) struct audience a = {0};
	_cleanup_(json_text_done) struct json_text text = {0};
	struct event_line *line;
	size_t shown;
	bool reports;

	*ret = NULL;
	if (kind->flags & K_NO_EVENTS)
		return 0;
	if (audience_find(was, t->view, c, &a) < 0)
		return error_oom(e);
	line_begin(&text, &a);
	reports = add_shown(&text, t, c, sequence);
	if (!reports && !text.failed)
		return 0;
	shown = text.len;
	add_private(&text, c, &t->cause);
	json_text_raw(&text, "}");
	line = line_end_text(&text, &a, shown);
	if (!line)
		return error_oom(e);
	line->sequence = sequence;
	line->time = t->now;
	line->maker = maker ? maker->id : 0;
	*ret = line;
	return 0;
}

struct event_line *event_line_load(int64_t sequence, int64_t time, const char *text, int64_t shown,
				   int64_t maker, const char *audience)
{
	_cleanup_(audience_done) struct audience a = {.for_all = audience && *audience == '*'};
	_cleanup_(json_text_done) struct json_text t = {0};
	size_t len = strlen(text), part = shown > 0 && (size_t)shown < len ? (size_t)shown : len - (len > 0);
	struct event_line *line;

	for (const char *at = audience; at && !a.for_all && *at;) {
		char *end;
		int64_t reader = strtoll(at, &end, 10);

		if (end == at)
			break;
		audience_add(&a, reader);
		at = end;
	}
	if (a.failed)
		return NULL;
	line_begin(&t, &a);
	part += t.len;
	json_text_raw(&t, text);
	line = line_end_text(&t, &a, part);
	if (line) {
		line->sequence = sequence;
		line->time = time;
		line->maker = maker;
	}
	return line;
}

char *event_line_audience(const struct event_line *line)
{
	size_t len = 0, room = line->count * 21 + 2;
	char *text = malloc(room);

	if (!text)
		return NULL;
	snprintf(text, room, "%s", line->for_all ? "*" : "");
	for (size_t i = 0; i < line->count; i++)
		len += (size_t)snprintf(text + len, room - len, "%s%" PRId64, i ? " " : "", line->readers[i]);
	return text;
}

size_t event_line_weight(const struct event_line *line)
{
	return line->count * sizeof(int64_t) + line->len;
}

/* ------------------------------------------------------------------ readers */

static bool reads_all(const struct event_line *line, int64_t reader)
{
	return reader == EVENT_READER_ALL || reader == line->maker;
}

size_t event_line_size(const struct event_line *line, int64_t reader)
{
	if (reader != EVENT_READER_ALL && !line->for_all &&
	    !(line->count && bsearch(&reader, line->readers, line->count, sizeof(reader), compare_readers)))
		return 0;
	return reads_all(line, reader) ? line->len : line->shown + LINE_END;
}

void event_line_copy(const struct event_line *line, int64_t reader, size_t skip, size_t len, char *ret_data)
{
	size_t first = 0;

	if (reads_all(line, reader)) {
		memcpy(ret_data, line->text + skip, len);
		return;
	}
	if (skip < line->shown) {
		first = line->shown - skip < len ? line->shown - skip : len;
		memcpy(ret_data, line->text + skip, first);
	}
	if (len > first)
		memcpy(ret_data + first, line_end + (skip + first - line->shown), len - first);
}
