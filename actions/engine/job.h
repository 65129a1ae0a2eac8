/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as its handler sees it, while a worker runs it.
 *
 * A handler may block. It changes the pool with store_run(pool_store(job->pool), ...),
 * talks to hosts through pool_hypervisor(), reports progress, and looks now and
 * then whether it should stop. It must leave nothing behind when it fails, and
 * each step must be such that a kill at any moment can be finished or undone by
 * the operation's recover function.
 */
#ifndef POOLFS_ENGINE_JOB_H
#define POOLFS_ENGINE_JOB_H

#include "actions/engine/pool.h"
#include "actions/engine/request.h"

struct job {
	struct pool *pool;
	struct request *req;
	char uuid[UUID_SIZE];
	int64_t deadline;      /* ns since 1970 */
	atomic_bool cancelled; /* set by CancelJob, the deadline and the end of the daemon */
	int64_t last_progress; /* ns of the last progress written; the worker's own */
	/* While a step runs: what its 0 and 100 percent are of the whole; the worker's own. Both 0: no step.
	 */
	int step_from, step_to;
};

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

/** Shows @percent (0..100). Cheap: written at most every 200 ms, and not waited for. */
void job_progress(struct job *job, int percent);
/** Nonzero when the work should stop; the handler then cleans up and returns job_stop_reason(). */
bool job_should_stop(const struct job *job);
/** Sets -ECANCELED or -ETIMEDOUT with its sentence. */
int job_stop_reason(const struct job *job, struct error *e);
/** hv_progress for copies: job_progress() and job_should_stop() in one; @ctx is the job. */
int job_copy_progress(void *ctx, int percent);
/** Milliseconds until the deadline, at least 0. */
int job_remaining_ms(const struct job *job);

/** What REST answers for a job that has ended: the result, or {"error": ...}. Owned by the caller; NULL
 * without memory. */
char *job_body(const struct object *job);

int job_set_json(struct object *o, int field, json_t *taken);

int job_leave_queues(struct txn *t, struct object *job, struct error *e);

#endif
