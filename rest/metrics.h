/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `/metrics` for Prometheus, which neither logs in nor signs: it sends an account's name and password with each
 * request (Basic), or the uuid of a session (Bearer). For the former, the program logs in once and keeps the session
 * until it ends, or until METRICS_LOGINS others have been used since; the password is not kept, only a digest by which
 * it is recognised. What an account may see is decided in the pool.
 */
#ifndef POOLFS_REST_METRICS_H
#define POOLFS_REST_METRICS_H

#include "rest/connection.h"

/* Sessions that are kept. While all are in use, one more client logs in for each of its requests. */
#define METRICS_LOGINS 8

struct metrics;

struct metrics *metrics_new(void);
/** Ends the sessions. Accepts NULL. */
void metrics_free(struct metrics *metrics, struct mount *mount);

/** Answers a GET of `/metrics`. Blocks. A reference; NULL when memory is short. Self-locking. */
struct response *metrics_answer(struct metrics *metrics, struct mount *mount, struct call_file *file,
				const struct exchange *x);

#endif
