/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one job runs, once its turn has come: from the row Queued to its end.
 *
 * A job may stop at any point: its daemon is killed, the database fails, memory is
 * short. It is then finished or undone by the recover function of its operation, in
 * this process or in the next; one that the end of its daemon has stopped begins anew
 * then. All of this blocks, and is done by a worker.
 */
#ifndef POOLFS_ENGINE_JOB_RUN_H
#define POOLFS_ENGINE_JOB_RUN_H

#include "actions/engine/job.h"

/** Reads the request of the job from its row; owned by the caller, also after an error. */
int job_read_request(struct job *job, const struct object *row, struct error *e);
/**
 * Queued -> Processing; or, if `apply` does it, in the same change to its end: then *ret_ended is true. OP_MISSING_OK when there
 * is nothing to do; a negative errno when it must not run: -ECANCELED without a sentence when it is not Queued any more.
 */
int job_begin(struct job *job, bool *ret_ended, struct error *e);
/** For a job that is to be recovered: -ENOTCONN with error_may_pass() when it has to wait for a host. */
int job_check_recover(const struct job *job, struct error *e);
/**
 * Writes into its row that the daemon ended while the job ran. -EIO when that was so too often for it to be recovered once
 * more: the recovery itself may be what ends the daemon. Other errors: the pool is closing.
 */
int job_count_restart(const struct job *job, struct error *e);
/** False for a job that may be recovered but must not do any more, since the daemon ended too often while it ran. */
bool job_may_go_on(const struct job *job);
/**
 * Processing -> Queued, after its recover function has failed with error_undone(), so that it begins once more. False when it
 * may not (job_may_go_on()), or is to stop: then it ends with that error.
 */
bool job_begin_anew(struct job *job);
/**
 * Runs the operation, or (@again: the daemon ended while it ran) its recover function, until the database has taken what
 * it says. *ret_result is owned by the caller.
 */
int job_run(struct job *job, bool again, json_t **ret_result, struct error *e);
/** Writes the end of the job with pool_insist(): Done with @result, or Failed with @error (may be NULL). */
void job_end(struct job *job, const json_t *result, const struct error *error);

/**
 * Runs another operation as a step of this job, at its place in the queues: checks it like a job whose turn
 * has come, then calls its handler. @again: the daemon ended while the step ran, so its recover function is
 * called instead. The job must be in the queues that the operation needs. Blocks. -ENOENT, -EBUSY, ...
 */
int job_run_step(struct job *job, struct request *step, bool again, struct error *e);

#endif
