/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions (behaviour.md 1.11), which a login creates. Whoever knows the uuid of a
 * session acts as its account, so it is never shown. A session ends when it was not
 * used for `identity.session.timeout` seconds, by a logout, or with a new password
 * of its account. Its row stays for as long as results of jobs do, so that
 * whoever still uses it can be told.
 */
#ifndef POOLFS_ACCOUNT_SESSION_H
#define POOLFS_ACCOUNT_SESSION_H

#include "actions/engine/pool.h"

/** The session of this uuid, borrowed from @view; NULL when there is none or it has ended. */
const struct object *session_find(const struct view *view, const char *uuid);
/** Moves the end of @session, since it is being used. Writes only rarely; never blocks. */
void session_touch(struct pool *pool, const struct view *view, const struct object *session);
/** The account of a session that has ended lately, borrowed from @view; NULL for others, and for a @uuid of NULL. */
const char *session_ended_account(const struct view *view, const char *uuid);
/** Ends a session. For change functions. Errors of txn_put(). */
int session_end(struct txn *t, const struct object *session, struct error *e);
/** Ends all sessions of an account. For change functions. Errors of txn_put(). */
int session_end_all(struct txn *t, const char *account, struct error *e);
/** Removes a row of an ended session when the account has too many of them. For change functions. Errors of txn_remove(). */
int session_forget_oldest(struct txn *t, const char *account, struct error *e);
/** Removes the rows of sessions that ended long ago. Blocks on the store. */
int session_remove_ended(struct pool *pool, struct error *e);

/** How long a session lasts without being used, ns. */
int64_t session_timeout_ns(const struct view *view);

/** True when the session has ended at @now (ns since 1970). */
bool session_has_ended(const struct object *session, int64_t now);

/** Writes the end of the session, ns since 1970. For change functions. Errors of txn_put(). */
int session_put_end(struct txn *t, const struct object *session, int64_t expires, struct error *e);

#endif
