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
#ifndef POOLFS_ENGINE_EXECUTOR_H
#define POOLFS_ENGINE_EXECUTOR_H

#include "actions/engine/job.h"

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
 * Runs another operation as a part of this job, in its place in the queues: checks it as when its turn has
 * come, then does it by its own handler. @again: the daemon ended while it ran, and it is given to its
 * recover function instead. The job must hold the queues that the operation needs. -ENOENT, -EBUSY, ...
 */
int job_run_step(struct job *job, struct request *step, bool again, struct error *e);

#endif
