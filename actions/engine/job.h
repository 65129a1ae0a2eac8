/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as its handler sees it, while a worker runs it.
 *
 * A handler may block. It changes the pool with store_run(pool_store(job->pool), ...),
 * talks to hosts through pool_hypervisor(), reports progress, and checks
 * periodically whether it should stop. It must leave nothing behind when it fails,
 * and the daemon may be killed at any moment: the recover function of the operation
 * must be able to finish or undo what each step has done.
 */
#ifndef POOLFS_ENGINE_JOB_H
#define POOLFS_ENGINE_JOB_H

#include "actions/engine/pool.h"
#include "actions/engine/request.h"

struct job {
	struct pool *pool;
	struct request *req;
	char uuid[UUID_SIZE];
	int64_t deadline;	   /* ns since 1970 */
	atomic_bool cancelled;	   /* set by CancelJob and the end of the daemon, not by the deadline */
	const atomic_bool *ending; /* borrowed: set when the process is about to end; NULL: it is not */
	int64_t last_progress;	   /* ns of the last progress written; the worker's own */
	/*
	 * While a step runs: its 0 and 100 % as percent of the whole job; the worker's own. Both 0: no step.
	 */
	int step_from, step_to;
	char *inventory; /* owned; the result as text, of job_result_inventory(); the worker's own */
};

/**
 * Writes the row of a job for @req in state Queued, with its queues: the one place where jobs begin. For
 * change functions. @ret (may be NULL) is borrowed from the view of the transaction. -ENOMEM, errors of
 * txn_put().
 */
int job_insert(struct txn *t, const struct request *req, const struct object **ret, struct error *e);
/**
 * Writes the row of a job that was done when it was accepted, as job_finish() with @result, or (NULL) with the one that
 * `apply` has left to the engine: once, and in no queue.
 */
int job_insert_done(struct txn *t, const struct request *req, const json_t *result, struct error *e);
/** The same for the job @req->job, which has a row: `apply` has done it. */
int job_finish_done(struct txn *t, const struct request *req, const json_t *result, struct error *e);
/**
 * Writes the row of a job that has ended before it began, for the client that polls it: as job_finish() with
 * @answer and @refusal. Nothing of the request but its operation is relied on: its parameters may be missing, or
 * of other types. What its account may not do is no job of any object, and its request is not kept.
 */
int job_insert_refused(struct txn *t, const struct request *req, const json_t *answer,
		       const struct error *refusal, struct error *e);
/**
 * Writes the end of a job: Failed if @error (may be NULL) is set, else Done with the JSON @result (borrowed; NULL:
 * {}). Does nothing when the job has ended already. For change functions. Errors of txn_put().
 */
int job_finish(struct txn *t, const char *job_uuid, const char *result, const struct error *error,
	       struct error *e);
/**
 * Submits a request that the pool itself makes, as a part of the change that decides on it. A request that is
 * refused leaves a failed job. For change functions. Errors of the store only.
 */
int job_submit(struct txn *t, const struct request *req, struct error *e);
/**
 * Cancels a job that has not ended: one that waits ends at once, one that runs is asked to stop. For change functions.
 * -ENOENT, errors of txn_put().
 */
int job_cancel(struct txn *t, const char *uuid, struct error *e);
/** True when a job that has not ended is in the queue of the object, waiting or running. */
bool job_is_pending_for(const struct view *view, const char *object_uuid);

/**
 * store_run() for a change that chooses a host: as long as it fails with error_may_pass() it is tried again, until the pool
 * does not await hosts any more or the job is to stop. @fn must free what it has left in @arg.
 */
int job_choose(struct job *job, txn_fn *fn, void *arg, struct error *e);

/**
 * Sets the progress to @percent (0..100), if it was lower: it never goes back. Cheap: posted at most every 200 ms, and not
 * waited for.
 */
void job_progress(struct job *job, int percent);
/** True when the work should stop; the handler then cleans up and returns job_stop_reason(). */
bool job_should_stop(const struct job *job);
/** Sets and returns why the work should stop: -ECANCELED or -ETIMEDOUT. */
int job_stop_reason(const struct job *job, struct error *e);
/** An hv_progress callback: job_progress(), then nonzero if job_should_stop(); @ctx is the job. */
int job_copy_progress(void *ctx, int percent);
/** Milliseconds until the deadline, at least 0. */
int job_remaining_ms(const struct job *job);

/**
 * The body that REST answers for a job that has ended: the result, or {"error": ...}. Owned by the caller;
 * NULL when memory is short, or when the result cannot be read (left_text.h).
 */
char *job_body(const struct object *job);

/** Sets a field to the text of @taken (taken over; NULL: memory is short). -ENOMEM, without a sentence. */
int job_set_json(struct object *o, int field, json_t *taken);

#endif
