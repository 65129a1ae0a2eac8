/* SPDX-License-Identifier: Apache-2.0 */
/* See event_line.h. */
#include "model/event_line.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/access.h"
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

/* {"from": ..., "to": ...} without null values; NULL when this field has nothing to report. */
static json_t *render_field_change(const struct view *view, const struct change *c, int field)
{
	json_t *from, *to, *both;

	if (!field_is_reported(c, field) ||
	    (c->before && c->after && object_field_equal(c->before, c->after, field)))
		return NULL;
	from = c->before ? render_field_json(view, c->before, field) : NULL;
	to = c->after ? render_field_json(view, c->after, field) : NULL;
	both = from || to ? json_pack("{s:o*, s:o*}", "from", from, "to", to) : NULL;
	return both;
}

static json_t *render_changes(const struct view *view, const struct change *c)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	json_t *changes = json_object();

	for (int i = 0; i < kind->field_count; i++) {
		json_t *field = render_field_change(view, c, i);

		if (field)
			(void)json_object_set_new(changes, kind->fields[i].name, field);
	}
	return changes;
}

/* Has the object another account now? */
static bool changes_owner(const struct change *c)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;

	return c->before && c->after && kind->owner == OWNER_SHAREABLE &&
	       !object_field_equal(c->before, c->after, kind->owner_field);
}

/* The part for all readers. @changes is taken over. */
static char *render_shown(const struct txn *t, const struct change *c, int64_t sequence, json_t *changes)
{
	const struct object *o = c->after ? c->after : c->before;
	char date[DATE_SIZE], *text;
	json_t *event;

	render_date(t->now, date);
	event = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s*, s:o, s:s}", "sequence", (json_int_t)sequence,
			  "time", date, "event",
			  !c->before  ? "created"
			  : !c->after ? "removed"
				      : "changed",
			  "kind", o->kind->name, "uuid", object_uuid(o), "name",
			  o->kind->name_field >= 0 ? object_str(o, o->kind->name_field) : NULL, "changes",
			  changes, "source", t->cause.source ? t->cause.source : "libvirt");
	text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	return text;
}

/* The part for those who may know who changed the object: "{}" if there is nothing to know. */
static char *render_private(const struct change *c, const struct cause *cause)
{
	json_t *event = json_object();
	char *text;

	if (event && changes_owner(c))
		(void)json_object_set_new(event, "owner",
					  json_pack("{s:s?, s:s?}", "from",
						    object_str(c->before, c->before->kind->owner_field), "to",
						    object_str(c->after, c->after->kind->owner_field)));
	if (event && *cause->job)
		(void)json_object_set_new(event, "job", json_string(cause->job));
	if (event && cause->uid >= 0)
		(void)json_object_set_new(event, "uid", json_integer(cause->uid));
	if (event && *cause->account)
		(void)json_object_set_new(event, "account", json_string(cause->account));
	text = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	return text;
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

/* A line with the text of two parts; the second may be empty. NULL if out of memory. */
static struct event_line *line_new(const char *shown, size_t shown_len, const char *rest, size_t rest_len,
				   const struct audience *a)
{
	size_t before = sizeof(struct event_line) + a->count * sizeof(int64_t), len = shown_len + rest_len;
	struct event_line *line = malloc(before + len + 2);
	char *text;

	if (!line)
		return NULL;
	*line = (struct event_line){
		.len = len + 1, .shown = shown_len, .for_all = a->for_all, .count = a->count};
	if (a->count)
		memcpy(line->readers, a->readers, a->count * sizeof(int64_t));
	text = (char *)line + before;
	memcpy(text, shown, shown_len);
	memcpy(text + shown_len, rest, rest_len);
	memcpy(text + len, "\n", 2);
	line->text = text;
	return line;
}

int event_line_make(const struct txn *t, const struct view *was, const struct change *c, int64_t sequence,
		    struct event_line **ret, struct error *e)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	const struct object *maker = view_get(t->view, KIND_ACCOUNT, t->cause.account);
	_cleanup_free_ char *shown = NULL, *rest = NULL;
	struct audience a = {0};
	json_t *changes;

	*ret = NULL;
	if (kind->flags & K_NO_EVENTS)
		return 0;
	changes = render_changes(t->view, c);
	if (changes && c->before && c->after && !json_object_size(changes) && !changes_owner(c)) {
		json_decref(changes);
		return 0;
	}
	shown = render_shown(t, c, sequence, changes);
	rest = render_private(c, &t->cause);
	if (shown && rest && audience_find(was, t->view, c, &a) == 0) {
		/* Objects in JSON: the second begins with what the first ends with, but for the braces. */
		bool has_rest = strlen(rest) > 2;

		if (has_rest)
			*rest = ',';
		*ret = line_new(shown, strlen(shown) - 1, has_rest ? rest : "}", has_rest ? strlen(rest) : 1,
				&a);
	}
	free(a.readers);
	if (!*ret)
		return error_oom(e);
	(*ret)->sequence = sequence;
	(*ret)->time = t->now;
	(*ret)->maker = maker ? maker->id : 0;
	return 0;
}

struct event_line *event_line_load(int64_t sequence, int64_t time, const char *text, int64_t shown,
				   int64_t maker, const char *audience)
{
	struct audience a = {.for_all = audience && *audience == '*'};
	size_t len = strlen(text), part = shown > 0 && (size_t)shown < len ? (size_t)shown : len - (len > 0);
	struct event_line *line = NULL;

	for (const char *at = audience; at && !a.for_all && *at;) {
		char *end;
		int64_t reader = strtoll(at, &end, 10);

		if (end == at)
			break;
		audience_add(&a, reader);
		at = end;
	}
	if (!a.failed)
		line = line_new(text, part, text + part, len - part, &a);
	free(a.readers);
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
