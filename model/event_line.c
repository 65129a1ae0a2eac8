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

static bool has_value(const struct object *o, int field)
{
	return o && !object_is_null(o, field);
}

static bool field_has_changed(const struct change *c, int field)
{
	return (c->fields >> field & 1) && field_is_reported(c, field) &&
	       (has_value(c->before, field) || has_value(c->after, field));
}

/* Writes "NAME":{"from":...,"to":...} without null values. */
static void write_field_change(struct render *r, const struct change *c, int field)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	json_t *outer = json_out_object(r->out, kind->fields[field].name);

	if (c->before)
		render_write_field(r, "from", c->before, field);
	if (c->after)
		render_write_field(r, "to", c->after, field);
	json_out_close(r->out, false, outer);
}

static void write_changes(struct render *r, const struct change *c)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;
	json_t *outer = json_out_object(r->out, "changes");

	for (int i = 0; i < kind->field_count; i++)
		if (field_has_changed(c, i))
			write_field_change(r, c, i);
	json_out_close(r->out, false, outer);
}

/* Has the object another account now? */
static bool changes_owner(const struct change *c)
{
	const struct kind *kind = (c->after ? c->after : c->before)->kind;

	return c->before && c->after && kind->owner == OWNER_SHAREABLE &&
	       !object_field_equal(c->before, c->after, kind->owner_field);
}

/* Is there anything that somebody may know? Of an object whose parts alone have changed there is not. */
static bool reports(const struct change *c)
{
	if (!c->before || !c->after || changes_owner(c))
		return true;
	for (int i = 0; i < c->after->kind->field_count; i++)
		if (field_has_changed(c, i))
			return true;
	return false;
}

/* The part for all readers. */
static void write_shown(struct render *r, const struct txn *txn, const struct change *c, int64_t sequence)
{
	const struct object *o = c->after ? c->after : c->before;
	struct json_out *out = r->out;
	char date[DATE_SIZE];

	render_date(txn->now, date);
	json_out_integer(out, "sequence", sequence);
	json_out_string(out, "time", date);
	json_out_string(out, "event", !c->before ? "created" : !c->after ? "removed" : "changed");
	json_out_string(out, "kind", o->kind->name);
	json_out_string(out, "uuid", object_uuid(o));
	if (o->kind->name_field >= 0)
		render_write_field(r, "name", o, o->kind->name_field);
	write_changes(r, c);
	json_out_string(out, "source", txn->cause.source ? txn->cause.source : "libvirt");
}

/* The part for those who may know who changed the object. */
static void write_private(struct json_out *out, const struct change *c, const struct cause *cause)
{
	if (changes_owner(c)) {
		json_t *outer = json_out_object(out, "owner");

		json_out_string_or_null(out, "from", object_str(c->before, c->before->kind->owner_field));
		json_out_string_or_null(out, "to", object_str(c->after, c->after->kind->owner_field));
		json_out_close(out, false, outer);
	}
	if (*cause->job)
		json_out_string(out, "job", cause->job);
	if (cause->uid >= 0)
		json_out_integer(out, "uid", cause->uid);
	if (*cause->account)
		json_out_string(out, "account", cause->account);
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

/* A line of @len bytes of text, to which the newline is added; the first @shown are for all readers. NULL if out of memory. */
static struct event_line *line_new(const struct audience *a, const char *text, size_t len, size_t shown)
{
	size_t before = sizeof(struct event_line) + a->count * sizeof(int64_t);
	struct event_line *line = malloc(before + len + 1);
	char *to;

	if (!line)
		return NULL;
	to = (char *)line + before;
	*line = (struct event_line){
		.text = to, .len = len + 1, .shown = shown, .for_all = a->for_all, .count = a->count};
	if (a->count)
		memcpy(line->readers, a->readers, a->count * sizeof(int64_t));
	memcpy(to, text, len);
	to[len] = '\n';
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
	_cleanup_(draft_done) struct draft text = {0};
	struct json_out out = {.text = &text};
	struct render render = {.view = t->view, .out = &out};
	struct event_line *line;
	json_t *outer;
	size_t shown;

	*ret = NULL;
	if (kind->flags & K_NO_EVENTS || !reports(c))
		return 0;
	if (audience_find(was, t->view, c, &a) < 0)
		return error_oom(e);
	outer = json_out_object(&out, NULL);
	write_shown(&render, t, c, sequence);
	shown = draft_len(&text);
	write_private(&out, c, &t->cause);
	json_out_close(&out, false, outer);
	if (!render_write_end(&render))
		return error_oom(e);
	line = line_new(&a, text.d->data, text.d->len, shown);
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
	line = line_new(&a, text, len, part);
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
