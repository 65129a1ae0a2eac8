/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what changed, when, and why, one JSON line each.
 *
 * The store writes an event in the transaction of the change that it reports, so
 * there is exactly one for each committed change and none for any other. They are
 * numbered in the order of the commits, without gaps. They survive restarts, up to
 * EVENTS_BYTES; then the oldest quarter is dropped.
 *
 * For each reader the lines that it may read (event_line.h) form one text that
 * grows at its end. A position in it never changes, also when another process goes
 * on with the log (event_log_move()), so a reader that continues at its last position misses nothing and reads nothing
 * twice; nor does the number of bytes after an event number change, ever. All
 * readers know the same numbers: gaps tell how many events there are for others,
 * and nothing else. Events never contain secrets, hidden fields, or fields that
 * do not count as a change (F_NOWRITE). Self-locking.
 */
#ifndef POOLFS_EVENT_H
#define POOLFS_EVENT_H

#include <sys/types.h>

#include "model/error.h"
#include "model/event_line.h"
#include "model/uuid.h"

/* Maximum size of the log in bytes. */
#define EVENTS_BYTES (16 << 20)

/* Why something changes. */
struct cause {
	char job[UUID_SIZE];	 /* "" = none */
	int64_t uid;		 /* of the user who requested it, -1 = none */
	char account[UUID_SIZE]; /* on whose behalf; "" = the admin account */
	const char *source;	 /* static: "fs", "rest", "scheduler"; NULL = "libvirt" */
};
#define CAUSE_NONE ((struct cause){.uid = -1})

struct event_log;
struct sqlite3;
struct txn;

/** Sequence number of the newest event; 0 when there has never been one. */
int64_t event_log_last(struct event_log *log);
/** One less than the sequence number of the oldest event in the log. */
int64_t event_log_first(struct event_log *log);

/* For a reader: the row id of an account, or EVENT_READER_ALL. */
/** The position of the present end of the reader's text; 0 also if out of memory. */
int64_t event_log_end(struct event_log *log, int64_t reader);
/** Time of the newest event that the reader sees, in ns since 1970; 0 when there is none. */
int64_t event_log_changed(struct event_log *log, int64_t reader);
/** The position at which the events after number @sequence start. -ESTALE when some of them have been
 * dropped, -ENOENT for a number in the future, -ENOMEM. */
int event_log_find(struct event_log *log, int64_t reader, int64_t sequence, int64_t *ret_position);
/** Copies up to @size bytes from @position; returns their number, 0 at the end, -ESTALE when they have been
 * dropped, -ENOMEM. */
ssize_t event_log_read(struct event_log *log, int64_t reader, int64_t position, char *ret_data, size_t size);
/** The @nth (from 0) of those who have read, and whether their text has grown since the last call for them. False at
 * the end. For one caller. */
bool event_log_take_news(struct event_log *log, size_t nth, int64_t *ret_reader, bool *ret_news);

/**
 * A reader whose positions have not been told since it has first read, or since lines were dropped: a number of an event,
 * and the position at which those after it begin, for event_log_move(). False if there is none. For one caller.
 */
bool event_log_take_place(struct event_log *log, int64_t *ret_reader, int64_t *ret_sequence,
			  int64_t *ret_position);
/**
 * Counts the reader's positions so that the events after number @sequence start at @position, as they did in the process
 * before this one. If they have been dropped, all former positions are those of dropped events. Before it reads.
 */
void event_log_move(struct event_log *log, int64_t reader, int64_t sequence, int64_t position);

/* ------------------------------------------------------------ for store.c */
/* Only in the writer thread, or before that starts. */

/** An empty log. NULL when memory is short. */
struct event_log *event_log_new(void);
/** Accepts NULL. */
void event_log_free(struct event_log *log);
/** Loads the events from the database and prepares the statements that write to it. */
int event_log_open(struct event_log *log, struct sqlite3 *db, struct error *e);

/** Adds the events of the changes from index @first on to the transaction; @was is the pool before them. */
int event_log_stage(struct event_log *log, struct txn *t, const struct view *was, size_t first,
		    struct error *e);
/** Number of staged events. */
size_t event_log_staged(const struct event_log *log);
/** Drops all staged events but the first @count, when changes are rolled back. */
void event_log_unstage(struct event_log *log, size_t count);
/** Before the commit: deletes the oldest events from the database when the log is too large. */
int event_log_trim(struct event_log *log, struct sqlite3 *db, struct error *e);
/** After the commit: makes the staged events readable. Cannot fail: the memory is reserved already. */
void event_log_publish(struct event_log *log);

#endif
