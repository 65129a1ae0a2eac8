/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one reader sees of the event log, as one text that grows at its end.
 *
 * A position in it is a number of bytes since they were first counted for this reader; it never changes. The lines are
 * counted when somebody looks. Of each block of lines the position is kept, so that a line is found without reading all
 * before it.
 *
 * A stream that nobody reads can sleep: then it knows only where it was, and costs nothing when lines come and go. If
 * lines that it has not counted are dropped meanwhile, all its former positions are those of dropped lines.
 *
 * Not locking: the log calls these under its lock.
 */
#ifndef POOLFS_EVENT_STREAM_H
#define POOLFS_EVENT_STREAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "model/event_line.h"

/* The lines of the log, in order: line i has the sequence number first + 1 + i. Borrowed. */
struct event_lines {
	struct event_line **lines;
	size_t count;
	int64_t first;
};

struct event_stream {
	struct event_stream *next;
	int64_t reader;
	int64_t until;	 /* number of the newest line that is counted */
	int64_t end;	 /* position after it */
	int64_t changed; /* time of the newest line that is shown; 0 = none */
	int64_t noticed; /* event_log_take_news(): end at the last call; while it sleeps, number of the newest line */
	bool untold;	/* event_log_take_places() has not told where it is now */
	int64_t block;	/* number of the first of the blocks */
	int64_t *marks; /* owned; position at which the lines of each block begin; NULL: it sleeps */
	size_t count, room;
};

/** A stream that sleeps: the lines after number @sequence begin at @position. NULL if out of memory. */
struct event_stream *event_stream_new(int64_t reader, int64_t sequence, int64_t position);
/** Accepts NULL. */
void event_stream_free(struct event_stream *s);
/** Counts the lines of the log, with room for @room of them. -ENOMEM: it sleeps on. */
int event_stream_wake(struct event_stream *s, const struct event_lines *lines, size_t room);
void event_stream_sleep(struct event_stream *s);

/* Of one that is awake: */
/** Makes room, so that event_stream_extend() has it when the log has @lines lines. -ENOMEM. */
int event_stream_reserve(struct event_stream *s, size_t lines);

/** Counts the lines that have been added. */
void event_stream_extend(struct event_stream *s, const struct event_lines *lines);
/** The @cut oldest lines are about to be dropped. */
void event_stream_cut(struct event_stream *s, const struct event_lines *lines, size_t cut);

/** The position at which the lines after number @sequence begin, which is in the log or just before it. */
int64_t event_stream_find(const struct event_stream *s, const struct event_lines *lines, int64_t sequence);
/** Copies up to @size bytes from @position; returns their number, 0 at the end, -ESTALE when they were dropped. */
ssize_t event_stream_read(const struct event_stream *s, const struct event_lines *lines, int64_t position,
			  char *ret_data, size_t size);

#endif
