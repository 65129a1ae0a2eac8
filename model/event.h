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
 * on with the log (event_log_move()), so a reader that continues at its last position
 * misses nothing and reads nothing twice; nor does the number of bytes after an event
 * number change. All readers know the same numbers: gaps tell how many events there
 * are for others, and nothing else. Events never contain secrets, hidden fields, or
 * fields that do not count as a change (F_NOWRITE).
 *
 * The last EVENT_READERS readers are counted as the log grows. Of others it is known
 * where they were, until they come back or are forgotten; when lines were dropped
 * meanwhile that they had not come to, they begin anew, as if all had been dropped
 * that they had before. Self-locking: a leaf, and no function is called under it.
 */
#ifndef POOLFS_EVENT_H
#define POOLFS_EVENT_H

#include <sys/types.h>

#include "model/error.h"
#include "model/event_line.h"
#include "model/uuid.h"

/* Maximum size of the log in bytes. */
#define EVENTS_BYTES (16 << 20)
/* Those for whom lines are counted as they come and go. */
#define EVENT_READERS 256

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
/** The account of the reader is gone. */
void event_log_forget(struct event_log *log, int64_t reader);

typedef void event_reader_fn(void *arg, int64_t reader);
/**
 * Calls @fn for those who have read and whose text has grown since the last call; for some who have not read for long, it
 * may be that of others. For one caller. Without memory they wait for the next call.
 */
void event_log_take_news(struct event_log *log, event_reader_fn *fn, void *arg);

typedef void event_place_fn(void *arg, int64_t reader, int64_t sequence, int64_t position);
/**
 * Calls @fn for those whose positions have not been told since they have first read, or since lines were dropped: with the
 * number of an event, and the position at which those after it begin, for event_log_move(). For one caller. Without
 * memory they wait for the next call.
 */
void event_log_take_places(struct event_log *log, event_place_fn *fn, void *arg);
/**
 * Counts the reader's positions so that the events after number @sequence start at @position, as they did in the process
 * before this one. If they have been dropped, all former positions are those of dropped events. -ENOMEM.
 */
int event_log_move(struct event_log *log, int64_t reader, int64_t sequence, int64_t position);

/** How many readers are known, and for how many of them lines are counted; for tests. */
size_t event_log_readers(struct event_log *log, size_t *ret_counted);

/* ------------------------------------------------------------ for store.c */
/* Only in the writer thread, or before that starts. */

/** An empty log. NULL when memory is short. */
struct event_log *event_log_new(void);
/** Accepts NULL. */
void event_log_free(struct event_log *log);
/** Loads the events from the database and prepares the statements that write to it. */
int event_log_open(struct event_log *log, struct sqlite3 *db, struct error *e);

/** Makes the events of the changes from index @first on; @was is the pool before them. */
int event_log_stage(struct event_log *log, struct txn *t, const struct view *was, size_t first,
		    struct error *e);
/** Number of staged events. */
size_t event_log_staged(const struct event_log *log);
/** Drops all staged events but the first @count, when changes are undone. */
void event_log_unstage(struct event_log *log, size_t count);
/** Writes the staged events in the open transaction, and removes the oldest when the log is too large. */
int event_log_write(struct event_log *log, struct sqlite3 *db, struct error *e);
/** After the commit: makes the staged events readable. Cannot fail: the memory is reserved already. */
void event_log_publish(struct event_log *log);

#endif
