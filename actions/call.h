/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any operation as one document: the `call` files, through which poolfs-rest and
 * other programs act as the account of a session.
 *
 * The document:
 *     {"operation": "StartVmInstance", "params": {...}, "systemTags": [...], "userTags": [...],
 *      "jobUuid": "...", "webHook": "...", "query": "q=...&limit=10", "schema": true, "address": "192.0.2.1",
 *      "endedSession": "..."}
 * All members but the operation are optional. `params` also names the object; `query`
 * is for queries, `schema` requests the manual's class names in the answer, `address`
 * is the address of the client for whom the call is made, `endedSession` the session
 * that it used, when there is none any more: a call with a web hook becomes a failed job. A request that was signed
 * with an access key, not sent in a session, has `signed`: {"id", "signature", "method", "date", "path"}
 * (account/access_key.h).
 *
 * The answer is a line with one of these words, followed by the body of the REST
 * answer:
 *     ok       the answer. If it depends only on the state of the pool and the session, the word is followed
 *              by the stamp of that state: the answer is valid as long as the modification time of
 *              `sessions/stamp` is this, in ns
 *     job      accepted: {"job": ...}. Also when it was refused and `jobUuid` was given: the job has failed
 *              already
 *     error    {"error": {...}}
 *     invalid  the call itself is invalid: a sentence
 *     wait     the requested job has not ended
 *     gone     the requested job is not stored any more
 *     conflict the jobUuid belongs to another request
 *     session  the session has ended: {"error": {...}}
 *     forbidden  the signature is not accepted: a sentence
 */
#ifndef POOLFS_CALL_H
#define POOLFS_CALL_H

#include "actions/engine/pool.h"

/* The local user who makes a call. */
struct call_user {
	int64_t uid;
	const char *account; /* whose uuid the user is; NULL or "": none */
	const char *job;     /* uuid for the job that the call starts, if it names none; NULL: any */
	bool serves_others;  /* the `address` in its calls is believed; logins of other users count by uid */
};

/**
 * Called with the answer, owned by the callee; NULL when memory is short. May be called before pool_call()
 * returns, and in another thread.
 */
typedef void call_answer_fn(void *arg, struct document *answer);
/**
 * Makes a call. @session: the uuid of its session; NULL: none. Then a call for a client, which has an `address`, may
 * only use operations with OP_NO_SESSION, and so may a caller without an account; others act as theirs. Never
 * blocks; @answer is called exactly once. @text is not needed after the return.
 */
void pool_call(struct pool *pool, const char *session, const struct call_user *user, const char *text,
	       size_t len, call_answer_fn *answer, void *arg);

#endif
