/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: the context that all parts of actions/ get. pool_open.h opens and closes it, submit.h submits
 * requests to it.
 */
#ifndef POOLFS_ENGINE_POOL_H
#define POOLFS_ENGINE_POOL_H

#include "model/store.h"

struct pool;
struct hypervisor;
struct uploads;
struct job_stats;

/* Its parts, borrowed. */
struct store *pool_store(struct pool *pool);
struct hypervisor *pool_hypervisor(struct pool *pool);
struct uploads *pool_uploads(struct pool *pool);
struct job_stats *pool_job_stats(struct pool *pool);
/** Absolute path of the state folder; borrowed. */
const char *pool_state_dir(const struct pool *pool);
/** True when the pool accepts no requests. */
bool pool_is_read_only(const struct pool *pool);
/** -EROFS when the pool accepts no requests. */
int pool_check_writable(const struct pool *pool, struct error *e);
/** As store_post(), with a sentence when it is refused because the pool is being closed. */
int pool_post(struct pool *pool, txn_fn *fn, void *arg, txn_done_fn *done, struct error *e);
/** As store_observe(), with a sentence. -ENOSPC, -ENOMEM. */
int pool_observe(struct pool *pool, store_observer_fn *fn, void *ctx, struct error *e);
/** Runs fn(arg) in a background thread: work that blocks or takes long. -ENOMEM, -ESHUTDOWN: will not run. */
int pool_background(struct pool *pool, void (*fn)(void *arg), void *arg);
/**
 * As pool_background(), for work that clients can request without limit (queries): clients take turns, see
 * turns.h.
 * @client: a name for the client, copied. -ENOMEM: it will not run.
 */
int pool_take_turn(struct pool *pool, const char *client, void (*fn)(void *arg), void *arg);
/** The deadline of a query that starts now: ns of CLOCK_MONOTONIC, for struct query_scope. */
int64_t pool_query_deadline(const struct view *view);

/**
 * Makes the change with which a worker ends what it alone may end: a job, or a row that it has taken. While the database fails,
 * as on a full disk, it is tried again, and each failure is in the log, as of @uuid (log.h). -EINVAL: what it says is to blame. Any
 * other negative errno: the pool is closing, and the next start has to see to it.
 */
int pool_insist(struct pool *pool, const char *area, const char *uuid, txn_fn *fn, void *arg,
		struct error *e);

/** Has the timer look at what is due, and when the next is, as each change of the pool does. Not under a lock. */
void pool_wake_timer(struct pool *pool);
/** True for some time after pool_open(): hosts that are Connecting are waited for, rather than silent. */
bool pool_awaits_hosts(const struct pool *pool);
/**
 * True for a shorter time: all jobs wait until what is attached to their hosts is open there, and those that the end of the
 * daemon has stopped for hosts that are Connecting. After that they are undone without them, if they can be.
 */
bool pool_was_just_opened(const struct pool *pool);
/** True for a host that is Connecting, or (@prepared) on which what is attached to its cluster is not open yet. NULL: false. */
bool host_is_coming(const struct object *host, bool prepared);
/** -ENOTCONN with error_may_pass() when the job has to wait for hosts that are coming (host_is_coming_for()). */
int pool_check_away(const struct pool *pool, const struct view *view, const struct object *job,
		    struct error *e);

/** True from pool_close() on. */
bool pool_is_closing(const struct pool *pool);

#endif
