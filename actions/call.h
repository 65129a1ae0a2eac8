/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any operation as one document: what is behind the `call` files, through which
 * poolfs-rest (and whoever likes) acts as the account of a session.
 *
 * The document:
 *     {"operation": "StartVmInstance", "params": {...}, "systemTags": [...], "userTags": [...],
 *      "jobUuid": "...", "webHook": "...", "query": "q=...&limit=10", "schema": true, "address": "192.0.2.1"}
 * All but the operation are optional. `params` names the object too; `query` is
 * for queries, `schema` asks for the manual's class names in the answer, `address`
 * says where a login comes from.
 *
 * The answer is one line that says what it is, and behind it the body as REST
 * gives it:
 *     ok       the answer. Behind the word of an answer that depends on nothing but the state of the pool
 *              (and the session) stands the stamp of that state: as long as it is the time of modification of
 *              `sessions/stamp`, in ns, the answer holds
 *     job      accepted: {"job": ...}. Also when it was refused and `jobUuid` was
 *              given: the job has failed already
 *     error    {"error": {...}}
 *     invalid  the call itself is no good: a sentence
 *     wait     the job asked for has not ended
 *     gone     the job asked for is not kept any more
 *     conflict the jobUuid is that of another request
 *     session  the session has ended: {"error": {...}}
 */
#ifndef POOLFS_CALL_H
#define POOLFS_CALL_H

#include "actions/engine/pool.h"

/** Told the answer; NULL without memory. Handed over. Perhaps before the return of pool_call(), perhaps from
 * another thread. */
typedef void call_answer_fn(void *arg, struct document *answer);
/**
 * Makes a call. @session: uuid of the session it is made in, NULL for none (then only OP_NO_SESSION is open).
 * Never blocks; @answer is called exactly once. @text is not needed after the return.
 */
void pool_call(struct pool *pool, const char *session, int64_t uid, const char *text, size_t len,
	       call_answer_fn *answer, void *arg);

#endif
