/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the event log, and who reads it.
 *
 * A line is about one object. Administrators read all lines; an account those about objects that it might see before
 * the change or may see after it (access_may_see()), so that the owner of a deleted object is told, too. This is decided
 * in the transaction of the change and stays with the line, as what is shared today says nothing of yesterday.
 *
 * Why the object changed (job, user, account) and whose it was stand at the end of the line. Only administrators and the
 * account on whose behalf it changed read this part: for others the line ends before it.
 *
 * Readers are numbered by the row ids of accounts, which are never used twice, and EVENT_READER_ALL.
 */
#ifndef POOLFS_EVENT_LINE_H
#define POOLFS_EVENT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

/* The reader who reads everything: an administrator. */
#define EVENT_READER_ALL 0

struct change;
struct txn;
struct view;

struct event_line {
	int64_t sequence;
	int64_t time;	   /* ns */
	int64_t maker;	   /* reader on whose behalf the object changed; 0 = none, or an administrator */
	const char *text;  /* in this memory; JSON and a newline */
	size_t len;	   /* of the text */
	size_t shown;	   /* bytes that all its readers read, before "}" and the newline */
	bool for_all;	   /* all accounts read it */
	size_t count;	   /* of readers */
	int64_t readers[]; /* accounts, in ascending order */
};

/**
 * The line of a change, allocated, for free(); *ret is NULL when there is nothing to report. @was is the pool before the
 * transaction's change began. -ENOMEM.
 */
int event_line_make(const struct txn *t, const struct view *was, const struct change *c, int64_t sequence,
		    struct event_line **ret, struct error *e);
/** The line as it was stored; @text has no newline, @audience is from event_line_audience() or NULL: for
 * administrators only. NULL if out of memory. */
struct event_line *event_line_load(int64_t sequence, int64_t time, const char *text, int64_t shown,
				   int64_t maker, const char *audience);
/** The accounts that read the line as a text to be stored, for free(): "*" or numbers. NULL if out of memory. */
char *event_line_audience(const struct event_line *line);
/** Bytes that the line and its audience count in the size of the log. */
size_t event_line_weight(const struct event_line *line);

/** Bytes of the line for this reader, with the newline; 0 = not shown. */
size_t event_line_size(const struct event_line *line, int64_t reader);
/** Copies @len bytes of the line as the reader sees it, from byte @skip on; there are that many. */
void event_line_copy(const struct event_line *line, int64_t reader, size_t skip, size_t len, char *ret_data);

#endif
