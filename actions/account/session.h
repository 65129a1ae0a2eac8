/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions (behaviour.md 1.11): what a login gives. Who knows a session's uuid
 * acts as its account, so it is shown nowhere. A session ends when nobody used it
 * for `identity.session.timeout` seconds.
 */
#ifndef POOLFS_ACCOUNT_SESSION_H
#define POOLFS_ACCOUNT_SESSION_H

#include "actions/engine/pool.h"

/** The session of this uuid, unless it has ended; NULL when there is none. */
const struct object *session_find(const struct view *view, const char *uuid);
/** Notes that @session is being used: its end moves. Seldom writes; never blocks. */
void session_touch(struct pool *pool, const struct view *view, const struct object *session);
/** Removes the rows of sessions that have ended. */
int session_remove_ended(struct pool *pool, struct error *e);

/** How long a session lives without being used, ns. */
int64_t session_timeout_ns(const struct view *view);

/** True when the session is over at @now (ns). */
bool session_has_ended(const struct object *session, int64_t now);

/** Writes when the session ends, ns. For change functions. */
int session_put_end(struct txn *t, const struct object *session, int64_t expires, struct error *e);

#endif
