/* SPDX-License-Identifier: Apache-2.0 */
/* How the store writes events: only in the writer thread, or before that starts. For store.c alone. */
#ifndef POOLFS_EVENT_INTERNAL_H
#define POOLFS_EVENT_INTERNAL_H

#include "model/event.h"
#include "model/txn_internal.h"

struct event_log *event_log_new(void);
/** Accepts NULL. */
void event_log_free(struct event_log *log);
/** Loads the events from the database and prepares the statements that write to it. */
int event_log_open(struct event_log *log, sqlite3 *db, struct error *e);

/** Adds the events of the changes from index @first on to the transaction. */
int event_log_stage(struct event_log *log, struct txn *t, size_t first, struct error *e);
/** Number of staged events. */
size_t event_log_staged(const struct event_log *log);
/** Drops all staged events but the first @count, when changes are rolled back. */
void event_log_unstage(struct event_log *log, size_t count);
/** Before the commit: deletes the oldest events from the database when the log is too large. */
int event_log_trim(struct event_log *log, sqlite3 *db, struct error *e);
/** After the commit: makes the staged events readable. Cannot fail: the memory is reserved already. */
void event_log_publish(struct event_log *log);

#endif
