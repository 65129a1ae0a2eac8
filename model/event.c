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

#include "model/event_stream.h"
#include "model/sqlite.h"
#include "model/txn_internal.h"

struct event_log {
	pthread_mutex_t lock;
	struct event_line **lines;     /* lock; owned */
	size_t count;		       /* lock; published */
	size_t room;		       /* lock */
	int64_t last;		       /* lock; sequence number of the newest published one */
	struct event_stream *streams;  /* lock; owned; of those who have looked */
	int64_t weight;		       /* the writer's; of the published lines */
	size_t staged;		       /* the writer's: number of lines after the published ones */
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
	while (log->streams) {
		struct event_stream *s = log->streams;

		log->streams = s->next;
		event_stream_free(s);
	}
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

/* The published lines. Under the lock. */
static struct event_lines lines_of(const struct event_log *log)
{
	return (struct event_lines){
		.lines = log->lines, .count = log->count, .first = log->last - (int64_t)log->count};
}

/* What the reader sees now; NULL if out of memory. Under the lock. */
static struct event_stream *stream_of(struct event_log *log, int64_t reader)
{
	const struct event_lines lines = lines_of(log);
	struct event_stream *s = log->streams;

	while (s && s->reader != reader)
		s = s->next;
	if (!s) {
		s = event_stream_new(reader, lines.first, log->room);
		if (!s)
			return NULL;
		s->next = log->streams;
		log->streams = s;
		event_stream_extend(s, &lines);
		s->noticed = s->end;
	}
	event_stream_extend(s, &lines);
	return s;
}

int64_t event_log_end(struct event_log *log, int64_t reader)
{
	const struct event_stream *s;

	scoped_lock(&log->lock);
	s = stream_of(log, reader);
	return s ? s->end : 0;
}

int64_t event_log_changed(struct event_log *log, int64_t reader)
{
	const struct event_stream *s;

	scoped_lock(&log->lock);
	s = stream_of(log, reader);
	return s ? s->changed : 0;
}

int event_log_find(struct event_log *log, int64_t reader, int64_t sequence, int64_t *ret_position)
{
	const struct event_stream *s;
	struct event_lines lines;

	scoped_lock(&log->lock);
	lines = lines_of(log);
	if (sequence > log->last || sequence < 0)
		return -ENOENT;
	if (sequence < lines.first)
		return -ESTALE;
	s = stream_of(log, reader);
	if (!s)
		return -ENOMEM;
	*ret_position = event_stream_find(s, &lines, sequence);
	return 0;
}

ssize_t event_log_read(struct event_log *log, int64_t reader, int64_t position, char *ret_data, size_t size)
{
	const struct event_stream *s;
	struct event_lines lines;

	scoped_lock(&log->lock);
	lines = lines_of(log);
	s = stream_of(log, reader);
	return s ? event_stream_read(s, &lines, position, ret_data, size) : -ENOMEM;
}

bool event_log_take_place(struct event_log *log, int64_t *ret_reader, int64_t *ret_sequence,
			  int64_t *ret_position)
{
	struct event_stream *s;

	scoped_lock(&log->lock);
	for (s = log->streams; s && s->told == lines_of(log).first;)
		s = s->next;
	if (!s)
		return false;
	s->told = lines_of(log).first;
	*ret_reader = s->reader;
	*ret_sequence = s->until;
	*ret_position = s->end;
	return true;
}

void event_log_move(struct event_log *log, int64_t reader, int64_t sequence, int64_t position)
{
	struct event_stream *s;
	struct event_lines lines;

	scoped_lock(&log->lock);
	lines = lines_of(log);
	s = stream_of(log, reader);
	if (s && (sequence < lines.first || sequence > log->last))
		event_stream_move(s, position + 2 * EVENTS_BYTES);
	else if (s)
		event_stream_move(s, position - event_stream_find(s, &lines, sequence));
}

bool event_log_take_news(struct event_log *log, size_t nth, int64_t *ret_reader, bool *ret_news)
{
	struct event_stream *s;

	scoped_lock(&log->lock);
	s = log->streams;
	for (; s && nth; nth--)
		s = s->next;
	if (!s)
		return false;
	(void)stream_of(log, s->reader);
	*ret_reader = s->reader;
	*ret_news = s->noticed != s->end;
	s->noticed = s->end;
	return true;
}

/* ------------------------------------------------------------------ writing */

/* Makes room for a line after the staged ones, and for its position in all streams. -ENOMEM. */
static int reserve(struct event_log *log)
{
	size_t used = log->count + log->staged, room = log->room ? 2 * log->room : 1024;
	struct event_line **grown;

	if (used < log->room)
		return 0;
	scoped_lock(&log->lock);
	for (struct event_stream *s = log->streams; s; s = s->next)
		if (event_stream_reserve(s, room) < 0)
			return -ENOMEM;
	grown = reallocarray(log->lines, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	log->lines = grown;
	log->room = room;
	return 0;
}

/* Appends a line (taken over, also on failure) after the staged ones. NULL is -ENOMEM. */
static int append(struct event_log *log, struct event_line *line)
{
	if (!line || reserve(log) < 0) {
		free(line);
		return -ENOMEM;
	}
	log->lines[log->count + log->staged++] = line;
	return 0;
}

static int insert(struct event_log *log, sqlite3 *db, const struct event_line *line, struct error *e)
{
	_cleanup_free_ char *audience = event_line_audience(line);
	int rc = audience ? sqlite3_bind_int64(log->insert, 1, line->sequence) : SQLITE_NOMEM;

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(log->insert, 2, line->time);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(log->insert, 3, line->text, (int)line->len - 1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(log->insert, 4, (int64_t)line->shown);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(log->insert, 5, line->maker);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(log->insert, 6, audience, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(log->insert);
	(void)sqlite3_reset(log->insert);
	(void)sqlite3_clear_bindings(log->insert);
	return rc == SQLITE_DONE ? 0 : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
}

int event_log_stage(struct event_log *log, struct txn *t, const struct view *was, size_t first,
		    struct error *e)
{
	for (size_t i = first; i < t->change_count; i++) {
		int64_t sequence = log->last + (int64_t)log->staged + 1;
		struct event_line *line;
		int r = event_line_make(t, was, &t->changes[i], sequence, &line, e);

		if (r < 0)
			return r;
		if (!line)
			continue;
		r = insert(log, t->db, line, e);
		if (r < 0) {
			free(line);
			return r;
		}
		if (append(log, line) < 0)
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
	int64_t size = log->weight;
	int rc;

	log->cut = 0;
	for (size_t i = log->count; i < log->count + log->staged; i++)
		size += (int64_t)event_line_weight(log->lines[i]);
	if (size <= EVENTS_BYTES)
		return 0;
	while (log->cut < log->count && size > EVENTS_BYTES / 4 * 3)
		size -= (int64_t)event_line_weight(log->lines[log->cut++]);
	if (!log->cut)
		return 0;
	(void)sqlite3_bind_int64(log->remove, 1, log->lines[log->cut - 1]->sequence);
	rc = sqlite3_step(log->remove);
	(void)sqlite3_reset(log->remove);
	return rc == SQLITE_DONE ? 0 : error_set(e, -sqlite_errno(rc), "database: %s", sqlite3_errmsg(db));
}

void event_log_publish(struct event_log *log)
{
	struct event_lines lines;

	scoped_lock(&log->lock);
	for (; log->staged; log->staged--) {
		const struct event_line *line = log->lines[log->count++];

		log->weight += (int64_t)event_line_weight(line);
		log->last = line->sequence;
	}
	if (!log->cut)
		return;
	lines = lines_of(log);
	for (struct event_stream *s = log->streams; s; s = s->next)
		event_stream_cut(s, &lines, log->cut);
	for (size_t i = 0; i < log->cut; i++) {
		log->weight -= (int64_t)event_line_weight(log->lines[i]);
		free(log->lines[i]);
	}
	log->count -= log->cut;
	memmove(log->lines, log->lines + log->cut, log->count * sizeof(*log->lines));
	log->cut = 0;
}

/* ------------------------------------------------------------------ loading */

static int load(struct event_log *log, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT sequence, time, line, shown, maker, audience FROM event "
				    "ORDER BY sequence",
				    -1, &stmt, NULL);
	int r = 0;

	while (rc == SQLITE_OK && r == 0 && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 2);

		r = text ? append(log, event_line_load(sqlite3_column_int64(stmt, 0),
						       sqlite3_column_int64(stmt, 1), text,
						       sqlite3_column_int64(stmt, 3),
						       sqlite3_column_int64(stmt, 4),
						       (const char *)sqlite3_column_text(stmt, 5)))
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
	if (sqlite3_prepare_v3(db, "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)", -1,
			       SQLITE_PREPARE_PERSISTENT, &log->insert, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(db, "DELETE FROM event WHERE sequence <= ?1", -1, SQLITE_PREPARE_PERSISTENT,
			       &log->remove, NULL) != SQLITE_OK)
		return error_set(e, EIO, "database: %s", sqlite3_errmsg(db));
	return 0;
}
