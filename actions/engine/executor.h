/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor: runs jobs, in order per object and in parallel across objects.
 *
 * It learns of jobs as an observer of the store: each new row of a job in state
 * Queued is queued, in the order of the commits. A job waits in the queue of each
 * object it names (one, two, or more by rows of KIND_QUEUE_REF; job_queues.h), and runs
 * (job_run.h) when it is the first in all of them.
 *
 * A job that cannot begin, or be recovered, only because a host is still coming since the pool was opened (error_may_pass(),
 * pool_awaits_hosts(), pool_was_just_opened()) keeps its place in the queues, but no worker, and tries again when a host
 * has come or not. All others begin at once.
 *
 * States of a job: Queued -> Processing -> Done, Failed or Cancelled. From Queued, too:
 * Cancelled; Failed, when its turn has come and it is refused; Done, when there is nothing
 * left to do, or all was done in the commit that accepted it.
 * After a restart, Queued jobs are queued again, and Processing ones are handed to
 * the recover function of their operation, so that each job comes to an end.
 */
#ifndef POOLFS_ENGINE_EXECUTOR_H
#define POOLFS_ENGINE_EXECUTOR_H

#include "actions/engine/job.h"

struct executor;

/** Registers with the store; no job runs before executor_start(). For executor_free(). -ENOMEM, -ENOSPC. */
int executor_new(struct pool *pool, struct executor **ret_executor, struct error *e);
/**
 * Queues the jobs in the database that have not ended, and runs jobs from now on. Blocks; with memory short, until it succeeds
 * or the pool is closing.
 */
void executor_start(struct executor *x);
/**
 * Asks running jobs to stop and waits for them. Queued jobs stay Queued, and jobs that stopped because of
 * this stay Processing: the next start recovers them. Accepts NULL.
 */
void executor_stop(struct executor *x);
typedef void executor_idle_fn(void *arg);
/**
 * No further job begins; @idle is called once when none runs any more that the end of the process would disturb, from any
 * thread, also before the return.
 */
void executor_hold(struct executor *x, executor_idle_fn *idle, void *arg);
/** Jobs begin again, and @idle is not called any more: a call that has begun is waited for. Not called by @idle. */
void executor_release(struct executor *x);
/** executor_stop(), and frees: only after store_close(), which still calls observers. Accepts NULL. */
void executor_free(struct executor *x);
/**
 * Writes jobs as failed that did not stop at their deadline, and takes up those that could not be queued for want of
 * memory or, until now, of a host. Does not block; called about once a second.
 */
void executor_check_deadlines(struct executor *x);
/** Whether there is anything for executor_check_deadlines(), now or later, unless the pool changes. */
bool executor_has_deadlines(struct executor *x);

#endif
