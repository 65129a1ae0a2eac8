/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor: runs jobs, in order per object and in parallel across objects.
 *
 * It learns of jobs from the store: a job's row that appears as Queued is
 * queued, whoever wrote it. A job waits in the queue of each object it names
 * (one, two, or with rows of KIND_QUEUE_REF more) and runs when it is the first
 * in all of them; since a job enters all its queues at one moment, in the order
 * of the commits, no two jobs can wait for each other.
 *
 * States of a job: Queued -> Processing -> Done or Failed; Queued -> Cancelled.
 * After a restart, Queued jobs wait again and Processing ones are handed to
 * their operation's recover function, so that no job stays without an owner.
 */
#ifndef POOLFS_EXECUTOR_H
#define POOLFS_EXECUTOR_H

#include "actions/pool.h"

struct executor;

/** Registers with the store; nothing runs before executor_start(). */
int executor_new(struct pool *pool, struct executor **ret_executor, struct error *e);
/** Takes up what the database holds. */
int executor_start(struct executor *x, struct error *e);
/** Asks running jobs to stop and waits for them. Queued ones stay so, and those that stopped for this stay
 * Processing: the next start recovers them. Accepts NULL. */
void executor_stop(struct executor *x);
/** executor_stop(), and frees: not while a store that it observes is open. Accepts NULL. */
void executor_free(struct executor *x);
/** Stops jobs that are over their deadline; called about once a second. */
void executor_check_deadlines(struct executor *x);

/**
 * The row of a job for @req in state Queued. For change functions: the one place where jobs begin.
 * @ret is borrowed from the transaction's view.
 */
int job_insert(struct txn *t, const struct request *req, const struct object **ret, struct error *e);
/** Writes the end of a job: Done with @result (may be NULL), or Failed with @error. */
int job_finish(struct txn *t, const char *job_uuid, const json_t *result, const struct error *error,
	       struct error *e);
/**
 * Hands in a request from within a change, which commits both together: for what the pool itself decides. A
 * request that is refused leaves a failed job.
 */
int job_submit(struct txn *t, const struct request *req, struct error *e);
/** True when a job that has not ended waits in or runs for the object's queue. */
bool job_is_pending_for(const struct view *view, const char *object_uuid);

#endif
