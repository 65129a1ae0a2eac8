/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See event.h.
 *
 * Events go through three steps: staged (rendered, and inserted in the open
 * transaction), committed, published. Staged ones follow the published ones in
 * the same array; only the writer thread accesses them.
 */
#include "model/event.h"

#include <string.h>

#include "model/access.h"
#include "model/render.h"
#include "model/sqlite.h"
#include "model/txn_internal.h"

struct line {
	int64_t sequence;
	int64_t position;
	int64_t time; /* ns */
	size_t len;
	char text[];
};

struct event_log {
	pthread_mutex_t lock;
	struct line **lines;	       /* lock; owned */
	size_t count;		       /* lock; published */
	int64_t last;		       /* lock; sequence number of the newest published one */
	int64_t end;		       /* lock; position of the end of the text */
	size_t staged;		       /* the writer's: number of lines after the published ones */
	size_t room;		       /* the writer's */
	size_t cut;		       /* the writer's: oldest lines to be dropped when it publishes next */
	sqlite3_stmt *insert, *remove; /* the writer's */
};

struct event_log *event_log_new(void)
{
	struct event_log *log = calloc(1, sizeof(*log));

	if (log)
		pthread_mutex_init(&log->lock, NULL);
	return log;
}

void event_log_free(struct event_log *log)
{
	if (!log)
		return;
	for (size_t i = 0; i < log->count + log->staged; i++)
		free(log->lines[i]);
	free(log->lines);
	sqlite3_finalize(log->insert);
	sqlite3_finalize(log->remove);
	pthread_mutex_destroy(&log->lock);
	free(log);
}

/* ------------------------------------------------------------------ readers */

int64_t event_log_last(struct event_log *log)
{
	scoped_lock(&log->lock);
	return log->last;
}

int64_t event_log_first(struct event_log *log)
{
	scoped_lock(&log->lock);
	return log->last - (int64_t)log->count;
}

int64_t event_log_end(struct event_log *log)
{
	scoped_lock(&log->lock);
	return log->end;
}

int64_t event_log_changed(struct event_log *log)
{
	scoped_lock(&log->lock);
	return log->count ? log->lines[log->count - 1]->time : 0;
}

int event_log_find(struct event_log *log, int64_t sequence, int64_t *ret_position)
{
	int64_t first;

	scoped_lock(&log->lock);
	first = log->last - (int64_t)log->count;
	if (sequence > log->last || sequence < 0)
		return -ENOENT;
	if (sequence < first)
		return -ESTALE;
	*ret_position = sequence == log->last ? log->end : log->lines[sequence - first]->position;
	return 0;
}

/* The number of lines that end at or before @position. Under the lock. */
static size_t lines_before(const struct event_log *log, int64_t position)
{
	size_t low = 0, high = log->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct line *line = log->lines[middle];

		if (line->position + (int64_t)line->len <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

ssize_t event_log_read(struct event_log *log, int64_t position, char *ret_data, size_t size)
{
	size_t done = 0;

	scoped_lock(&log->lock);
	if (position >= log->end)
		return 0;
	if (!log->count || position < log->lines[0]->position)
		return -ESTALE;
	for (size_t i = lines_before(log, position); i < log->count && done < size; i++) {
		const struct line *line = log->lines[i];
		size_t skip = (size_t)(position + (int64_t)done - line->position);
		size_t len = line->len - skip < size - done ? line->len - skip : size - done;

		memcpy(ret_data + done, line->text + skip, len);
		done += len;
	}
	return (ssize_t)done;
}

void event_log_move(struct event_log *log, int64_t sequence, int64_t position)
{
	int64_t found, by;

	if (event_log_find(log, sequence, &found) < 0)
		by = position + 2 * EVENTS_BYTES;
	else
		by = position - found;
	scoped_lock(&log->lock);
	for (size_t i = 0; i < log->count; i++)
		log->lines[i]->position += by;
	log->end += by;
}

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

/* The line of a change, allocated; NULL in *ret when there is nothing to report. */
static int render(const struct txn *t, const struct change *c, int64_t sequence, char **ret, struct error *e)
{
	const struct object *o = c->after ? c->after : c->before;
	const struct cause *cause = &t->cause;
	json_t *changes, *event;
	char date[DATE_SIZE];

	*ret = NULL;
	if (o->kind->flags & K_NO_EVENTS)
		return 0;
	changes = render_changes(t->view, c);
	if (changes && c->before && c->after && !json_object_size(changes)) {
		json_decref(changes);
		return 0;
	}
	render_date(t->now, date);
	event = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s*, s:o}", "sequence", (json_int_t)sequence, "time",
			  date, "event",
			  !c->before  ? "created"
			  : !c->after ? "removed"
				      : "changed",
			  "kind", o->kind->name, "uuid", object_uuid(o), "name",
			  o->kind->name_field >= 0 ? object_str(o, o->kind->name_field) : NULL, "changes",
			  changes);
	if (event && *cause->job)
		(void)json_object_set_new(event, "job", json_string(cause->job));
	if (event && cause->uid >= 0)
		(void)json_object_set_new(event, "uid", json_integer(cause->uid));
	if (event && *cause->account)
		(void)json_object_set_new(event, "account", json_string(cause->account));
	if (event)
		(void)json_object_set_new(event, "source",
					  json_string(cause->source ? cause->source : "libvirt"));
	*ret = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	return *ret ? 0 : error_oom(e);
}

/* ------------------------------------------------------------------ writing */

/* Appends a line after the staged ones. @text has no newline. -ENOMEM. */
static int append(struct event_log *log, int64_t sequence, int64_t time, const char *text)
{
	size_t len = strlen(text), used = log->count + log->staged;
	struct line *line = malloc(sizeof(*line) + len + 2);

	if (line && used == log->room) {
		size_t room = log->room ? 2 * log->room : 1024;
		struct line **grown = reallocarray(NULL, room, sizeof(struct line *)), **old;

		if (grown) {
			if (used)
				memcpy(grown, log->lines, used * sizeof(struct line *));
			pthread_mutex_lock(&log->lock);
			old = log->lines;
			log->lines = grown;
			pthread_mutex_unlock(&log->lock);
			log->room = room;
			free(old);
		}
	}
	if (!line || used == log->room) {
		free(line);
		return -ENOMEM;
	}
	line->sequence = sequence;
	line->time = time;
	line->len = len + 1;
	memcpy(line->text, text, len);
	line->text[len] = '\n';
	line->text[len + 1] = '\0';
	log->lines[used] = line;
	log->staged++;
	return 0;
}

static int insert(struct event_log *log, sqlite3 *db, int64_t sequence, int64_t time, const char *text,
		  struct error *e)
{
	int rc = sqlite3_bind_int64(log->insert, 1, sequence);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(log->insert, 2, time);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(log->insert, 3, text, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(log->insert);
	(void)sqlite3_reset(log->insert);
	(void)sqlite3_clear_bindings(log->insert);
	return rc == SQLITE_DONE ? 0 : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
}

int event_log_stage(struct event_log *log, struct txn *t, size_t first, struct error *e)
{
	for (size_t i = first; i < t->change_count; i++) {
		int64_t sequence = log->last + (int64_t)log->staged + 1;
		_cleanup_free_ char *text = NULL;
		int r = render(t, &t->changes[i], sequence, &text, e);

		if (r < 0)
			return r;
		if (!text)
			continue;
		r = insert(log, t->db, sequence, t->now, text, e);
		if (r < 0)
			return r;
		if (append(log, sequence, t->now, text) < 0)
			return error_oom(e);
	}
	return 0;
}

size_t event_log_staged(const struct event_log *log)
{
	return log->staged;
}

void event_log_unstage(struct event_log *log, size_t count)
{
	while (log->staged > count)
		free(log->lines[log->count + --log->staged]);
	log->cut = 0;
}

int event_log_trim(struct event_log *log, sqlite3 *db, struct error *e)
{
	int64_t size = 0;
	int rc;

	log->cut = 0;
	if (log->count)
		size = log->end - log->lines[0]->position;
	for (size_t i = log->count; i < log->count + log->staged; i++)
		size += (int64_t)log->lines[i]->len;
	if (size <= EVENTS_BYTES)
		return 0;
	while (log->cut < log->count && size > EVENTS_BYTES / 4 * 3)
		size -= (int64_t)log->lines[log->cut++]->len;
	if (!log->cut)
		return 0;
	(void)sqlite3_bind_int64(log->remove, 1, log->lines[log->cut - 1]->sequence);
	rc = sqlite3_step(log->remove);
	(void)sqlite3_reset(log->remove);
	return rc == SQLITE_DONE ? 0 : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
}

void event_log_publish(struct event_log *log)
{
	scoped_lock(&log->lock);
	for (; log->staged; log->staged--) {
		struct line *line = log->lines[log->count++];

		line->position = log->end;
		log->end += (int64_t)line->len;
		log->last = line->sequence;
	}
	for (size_t i = 0; i < log->cut; i++)
		free(log->lines[i]);
	if (log->cut) {
		log->count -= log->cut;
		memmove(log->lines, log->lines + log->cut, log->count * sizeof(struct line *));
		log->cut = 0;
	}
}

/* ------------------------------------------------------------------ loading */

static int load(struct event_log *log, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT sequence, time, line FROM event ORDER BY sequence", -1, &stmt,
				    NULL);
	int r = 0;

	while (rc == SQLITE_OK && r == 0 && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 2);

		r = text ? append(log, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1), text)
			 : -ENOMEM;
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_reset(stmt);
	sqlite3_finalize(stmt);
	if (r < 0)
		return error_oom(e);
	return rc == SQLITE_OK ? 0 : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
}

int event_log_open(struct event_log *log, sqlite3 *db, struct error *e)
{
	int r = load(log, db, e);

	if (r < 0)
		return r;
	event_log_publish(log);
	if (sqlite3_prepare_v3(db, "INSERT INTO event VALUES (?1, ?2, ?3)", -1, SQLITE_PREPARE_PERSISTENT,
			       &log->insert, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(db, "DELETE FROM event WHERE sequence <= ?1", -1, SQLITE_PREPARE_PERSISTENT,
			       &log->remove, NULL) != SQLITE_OK)
		return error_set(e, EIO, "database: %s", sqlite3_errmsg(db));
	return 0;
}
