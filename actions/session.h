/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions (behaviour.md 1.11): what a login gives. Who knows a session's uuid
 * acts as its account, so it is shown nowhere. A session ends when nobody used it
 * for `identity.session.timeout` seconds.
 */
#ifndef POOLFS_ACTIONS_SESSION_H
#define POOLFS_ACTIONS_SESSION_H

#include "actions/pool.h"

/** The session of this uuid, unless it has ended; NULL when there is none. */
const struct object *session_find(const struct view *view, const char *uuid);
/** Notes that @session is being used: its end moves. Seldom writes; never blocks. */
void session_touch(struct pool *pool, const struct view *view, const struct object *session);
/** Removes the rows of sessions that have ended. */
int session_remove_ended(struct pool *pool, struct error *e);

#endif
