/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See event.h.
 *
 * Events go through three steps: staged (rendered), written in the transaction that
 * is committed then, published. Staged ones follow the published ones in
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
	struct event_stream *streams;  /* lock; owned; of those who have looked, the last of them first */
	size_t awake;		       /* lock; how many of them */
	bool untold;		       /* lock; some are */
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

/* Where the stream of the reader is linked in, or at the end. Under the lock. */
static struct event_stream **find_stream(struct event_log *log, int64_t reader)
{
	struct event_stream **link = &log->streams;

	while (*link && (*link)->reader != reader)
		link = &(*link)->next;
	return link;
}

static struct event_stream *unlink_stream(struct event_stream **link)
{
	struct event_stream *s = *link;

	*link = s->next;
	return s;
}

static void push_stream(struct event_log *log, struct event_stream *s)
{
	s->next = log->streams;
	log->streams = s;
}

static void put_to_sleep(struct event_log *log, struct event_stream *s)
{
	event_stream_sleep(s);
	log->awake--;
	log->untold = true;
}

/* Wakes the first stream, for which the one that was used longest ago goes to sleep. -ENOMEM. */
static int wake_first(struct event_log *log, const struct event_lines *lines)
{
	struct event_stream *last = NULL;
	int r = event_stream_wake(log->streams, lines, log->room);

	if (r < 0)
		return r;
	if (++log->awake <= EVENT_READERS)
		return 0;
	for (struct event_stream *s = log->streams; s; s = s->next)
		if (s->marks)
			last = s;
	put_to_sleep(log, last);
	return 0;
}

/* What the reader sees now; NULL if out of memory. Under the lock. */
static struct event_stream *stream_of(struct event_log *log, int64_t reader)
{
	const struct event_lines lines = lines_of(log);
	struct event_stream **link = find_stream(log, reader), *s;
	bool is_new = !*link;

	s = is_new ? event_stream_new(reader, lines.first, 0) : unlink_stream(link);
	if (!s)
		return NULL;
	push_stream(log, s);
	log->untold = log->untold || is_new;
	if (!s->marks && wake_first(log, &lines) < 0)
		return NULL;
	event_stream_extend(s, &lines);
	if (is_new)
		s->noticed = s->end;
	return s;
}

void event_log_forget(struct event_log *log, int64_t reader)
{
	struct event_stream **link;

	scoped_lock(&log->lock);
	link = find_stream(log, reader);
	if (!*link)
		return;
	log->awake -= (*link)->marks != NULL;
	event_stream_free(unlink_stream(link));
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

/* What is told of a reader when the lock is free. */
struct told {
	int64_t reader, sequence, position;
};

/* Room for what is told of all streams; NULL if out of memory. Under the lock. */
static struct told *told_new(const struct event_log *log)
{
	size_t count = 1;

	for (const struct event_stream *s = log->streams; s; s = s->next)
		count++;
	return calloc(count, sizeof(struct told));
}

/* Those of whom `untold` is to be told now, allocated. */
static struct told *take_untold(struct event_log *log, size_t *ret_count)
{
	struct told *list;

	*ret_count = 0;
	scoped_lock(&log->lock);
	list = log->untold ? told_new(log) : NULL;
	if (!list)
		return NULL;
	for (struct event_stream *s = log->streams; s; s = s->next) {
		if (s->untold)
			list[(*ret_count)++] =
				(struct told){.reader = s->reader, .sequence = s->until, .position = s->end};
		s->untold = false;
	}
	log->untold = false;
	return list;
}

void event_log_take_places(struct event_log *log, event_place_fn *fn, void *arg)
{
	size_t count;
	_cleanup_free_ struct told *list = take_untold(log, &count);

	for (size_t i = 0; i < count; i++)
		fn(arg, list[i].reader, list[i].sequence, list[i].position);
}

int event_log_move(struct event_log *log, int64_t reader, int64_t sequence, int64_t position)
{
	struct event_stream *s;

	event_log_forget(log, reader);
	s = event_stream_new(reader, sequence, position);
	if (!s)
		return -ENOMEM;
	scoped_lock(&log->lock);
	push_stream(log, s);
	log->untold = true;
	return 0;
}

/* Has the text of the reader grown since the last call? Of one that sleeps the log has. */
static bool take_news(struct event_stream *s, const struct event_lines *lines)
{
	int64_t former = s->noticed;

	if (s->marks)
		event_stream_extend(s, lines);
	s->noticed = s->marks ? s->end : lines->first + (int64_t)lines->count;
	return former != s->noticed;
}

/* The readers for whom there is something new, allocated. */
static struct told *take_readers(struct event_log *log, size_t *ret_count)
{
	struct event_lines lines;
	struct told *list;

	*ret_count = 0;
	scoped_lock(&log->lock);
	lines = lines_of(log);
	list = told_new(log);
	for (struct event_stream *s = list ? log->streams : NULL; s; s = s->next)
		if (take_news(s, &lines))
			list[(*ret_count)++].reader = s->reader;
	return list;
}

void event_log_take_news(struct event_log *log, event_reader_fn *fn, void *arg)
{
	size_t count;
	_cleanup_free_ struct told *list = take_readers(log, &count);

	for (size_t i = 0; i < count; i++)
		fn(arg, list[i].reader);
}

size_t event_log_readers(struct event_log *log, size_t *ret_counted)
{
	size_t count = 0;

	scoped_lock(&log->lock);
	for (const struct event_stream *s = log->streams; s; s = s->next)
		count++;
	*ret_counted = log->awake;
	return count;
}

/* ------------------------------------------------------------------ writing */

/* Makes room for a line after the staged ones, and for its position in all streams that are awake. -ENOMEM. */
static int reserve(struct event_log *log)
{
	size_t used = log->count + log->staged, room = log->room ? 2 * log->room : 1024;
	struct event_line **grown;

	if (used < log->room)
		return 0;
	scoped_lock(&log->lock);
	for (struct event_stream *s = log->streams; s; s = s->next)
		if (s->marks && event_stream_reserve(s, room) < 0)
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

static int insert_staged(struct event_log *log, sqlite3 *db, struct error *e)
{
	int r = 0;

	for (size_t i = log->count; r == 0 && i < log->count + log->staged; i++)
		r = insert(log, db, log->lines[i], e);
	return r;
}

/* Removes the oldest when they become too many. */
static int trim(struct event_log *log, sqlite3 *db, struct error *e)
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

int event_log_write(struct event_log *log, sqlite3 *db, struct error *e)
{
	int r = insert_staged(log, db, e);

	return r < 0 ? r : trim(log, db, e);
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
	for (struct event_stream *s = log->streams; s; s = s->next) {
		if (!s->marks)
			continue;
		event_stream_cut(s, &lines, log->cut);
		s->untold = log->untold = true;
	}
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
