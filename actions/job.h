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
#ifndef POOLFS_JOB_H
#define POOLFS_JOB_H

#include "actions/pool.h"
#include "actions/request.h"

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
 * Runs another operation as a part of this job, in its place in the queues: checks it as when its turn has
 * come, then does it by its own handler. @again: the daemon ended while it ran, and it is given to its
 * recover function instead. The job must hold the queues that the operation needs. -ENOENT, -EBUSY, ...
 */
int job_run_step(struct job *job, struct request *step, bool again, struct error *e);

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

/** {"inventory": ...} of the object as it is now; NULL (with the error) when it is gone. Owned by the caller.
 */
int result_inventory(const struct view *view, enum kind_id kind, const char *uuid, json_t **ret_result,
		     struct error *e);
/** The same on the newest view, for handlers in workers. */
int job_result_inventory(struct job *job, enum kind_id kind, const char *uuid, json_t **ret_result,
			 struct error *e);

/** {"inventories": @list}, @list taken over (NULL: memory is short). */
int result_inventories(json_t *list, json_t **ret_result, struct error *e);
/** Appends the inventory of @o to @list, for result_inventories(). */
void list_add_inventory(json_t *list, const struct view *view, const struct object *o);

#endif
