/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what changed, when, and why, one JSON line each.
 *
 * The store writes an event in the transaction of the change that it reports, so
 * there is exactly one for each committed change and none for any other. They are
 * numbered in the order of the commits, without gaps. They survive restarts, up to
 * EVENTS_BYTES; then the oldest quarter is dropped.
 *
 * In memory the lines form one text that grows at its end. A position in it is a
 * number of bytes and never changes, also when another process goes on with the log
 * (event_log_move()), so a reader that
 * continues at its last position misses nothing and reads nothing twice. Events
 * never contain secrets, hidden fields, or fields that do not count as a change
 * (F_NOWRITE). Self-locking.
 */
#ifndef POOLFS_EVENT_H
#define POOLFS_EVENT_H

#include <sys/types.h>

#include "model/error.h"
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
/** The position of the present end of the text. */
int64_t event_log_end(struct event_log *log);
/** Time of the newest event in ns since 1970; 0 when there is none. */
int64_t event_log_changed(struct event_log *log);
/** The position at which the events after number @sequence start. -ESTALE when some of them have been
 * dropped, -ENOENT for a number in the future. */
int event_log_find(struct event_log *log, int64_t sequence, int64_t *ret_position);
/** Copies up to @size bytes from @position; returns their number, 0 at the end, -ESTALE when they have been
 * dropped. */
ssize_t event_log_read(struct event_log *log, int64_t position, char *ret_data, size_t size);

/**
 * Counts positions so that the events after number @sequence start at @position, as they did in the process before this
 * one. If they have been dropped, all former positions are those of dropped events. Before the first reader.
 */
void event_log_move(struct event_log *log, int64_t sequence, int64_t position);

/* ------------------------------------------------------------ for store.c */
/* Only in the writer thread, or before that starts. */

/** An empty log. NULL when memory is short. */
struct event_log *event_log_new(void);
/** Accepts NULL. */
void event_log_free(struct event_log *log);
/** Loads the events from the database and prepares the statements that write to it. */
int event_log_open(struct event_log *log, struct sqlite3 *db, struct error *e);

/** Adds the events of the changes from index @first on to the transaction. */
int event_log_stage(struct event_log *log, struct txn *t, size_t first, struct error *e);
/** Number of staged events. */
size_t event_log_staged(const struct event_log *log);
/** Drops all staged events but the first @count, when changes are rolled back. */
void event_log_unstage(struct event_log *log, size_t count);
/** Before the commit: deletes the oldest events from the database when the log is too large. */
int event_log_trim(struct event_log *log, struct sqlite3 *db, struct error *e);
/** After the commit: makes the staged events readable. Cannot fail: the memory is reserved already. */
void event_log_publish(struct event_log *log);

#endif
