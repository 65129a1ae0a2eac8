/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what changed, when, and because of what, one JSON line each.
 *
 * The store writes them in the transaction of the change they tell of, so there
 * is one for each change that was committed and none for any other, numbered in
 * the order of the commits without a gap. They are kept over restarts up to
 * EVENTS_BYTES; then the oldest quarter goes.
 *
 * In memory the lines form one text that grows at its end. A position in it is
 * a number of bytes since the program started; it never moves, so a reader that
 * goes on from where it was misses nothing and reads nothing twice. Secrets and
 * hidden fields are never told, nor are fields that do not count as a change
 * (F_NOWRITE). Self-locking.
 */
#ifndef POOLFS_EVENT_H
#define POOLFS_EVENT_H

#include <sys/types.h>

#include "model/uuid.h"

/* Most bytes kept. */
#define EVENTS_BYTES (16 << 20)

/* Why something is changed. */
struct cause {
	char job[UUID_SIZE];	 /* "" = none */
	int64_t uid;		 /* of the user who asked, -1 = nobody did */
	char account[UUID_SIZE]; /* for whom it is done; "" = the admin account */
	const char *source;	 /* static: "fs", "rest", "scheduler"; NULL = "libvirt" */
};
#define CAUSE_NONE ((struct cause){.uid = -1})

struct event_log;

/** Sequence number of the newest event; 0 when there never was one. */
int64_t event_log_last(struct event_log *log);
/** The number before that of the oldest event that is kept. */
int64_t event_log_first(struct event_log *log);
/** Where the text ends now. */
int64_t event_log_end(struct event_log *log);
/** ns of the newest event; 0 when there is none. */
int64_t event_log_changed(struct event_log *log);
/** Where the events after number @sequence begin. -ESTALE when some of them are gone, -ENOENT for a number
 * that is yet to come. */
int event_log_find(struct event_log *log, int64_t sequence, int64_t *ret_position);
/** Copies up to @size bytes from @position; returns their number, 0 at the end, -ESTALE when they are gone.
 */
ssize_t event_log_read(struct event_log *log, int64_t position, char *ret_data, size_t size);

#endif
