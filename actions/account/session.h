/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions (behaviour.md 1.11), which a login creates. Whoever knows the uuid of a
 * session acts as its account, so it is never shown. A session ends when it was not
 * used for `identity.session.timeout` seconds.
 */
#ifndef POOLFS_ACCOUNT_SESSION_H
#define POOLFS_ACCOUNT_SESSION_H

#include "actions/engine/pool.h"

/** The session of this uuid, borrowed from @view; NULL when there is none or it has ended. */
const struct object *session_find(const struct view *view, const char *uuid);
/** Moves the end of @session, since it is being used. Writes only rarely; never blocks. */
void session_touch(struct pool *pool, const struct view *view, const struct object *session);
/** Removes the rows of sessions that have ended. Blocks on the store. */
int session_remove_ended(struct pool *pool, struct error *e);

/** How long a session lasts without being used, ns. */
int64_t session_timeout_ns(const struct view *view);

/** True when the session has ended at @now (ns since 1970). */
bool session_has_ended(const struct object *session, int64_t now);

/** Writes the end of the session, ns since 1970. For change functions. Errors of txn_put(). */
int session_put_end(struct txn *t, const struct object *session, int64_t expires, struct error *e);

#endif
