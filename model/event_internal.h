/* SPDX-License-Identifier: Apache-2.0 */
/* How the store writes events. All of it in the writer thread, or before it runs. Not for others. */
#ifndef POOLFS_EVENT_INTERNAL_H
#define POOLFS_EVENT_INTERNAL_H

#include "model/event.h"
#include "model/txn_internal.h"

struct event_log *event_log_new(void);
/** Accepts NULL. */
void event_log_free(struct event_log *log);
/** Loads what the database holds, and prepares for writing to it. */
int event_log_open(struct event_log *log, sqlite3 *db, struct error *e);

/** Writes the events of the changes from @first on into the transaction. */
int event_log_stage(struct event_log *log, struct txn *t, size_t first, struct error *e);
/** Number of events staged, and back to such a number when a change is taken back. */
size_t event_log_staged(const struct event_log *log);
void event_log_unstage(struct event_log *log, size_t count);
/** Before the commit: removes the oldest events from the database when there are too many. */
int event_log_trim(struct event_log *log, sqlite3 *db, struct error *e);
/** After the commit: what was staged can be read. Cannot fail: memory has been reserved. */
void event_log_publish(struct event_log *log);

#endif
