/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submits requests to the pool.
 *
 * Life of a request: pool_submit() posts one database change, which checks the
 * request against the latest state and writes the job's row; after the commit
 * the caller is answered, and the executor runs the job. Operations that are a
 * pure database change are done in the same commit if no other job is before them
 * in their queue, so that their effect is visible when the caller is answered.
 */
#ifndef POOLFS_ENGINE_SUBMIT_H
#define POOLFS_ENGINE_SUBMIT_H

#include "actions/engine/pool.h"
#include "actions/engine/request.h"

/**
 * Called with the outcome of pool_submit(): 0 and the uuid of the job once it is durable, or the error for
 * which the request was refused. The uuid is NULL when there is no job: after a dry run, when there was
 * nothing to do (OP_NOTHING), and after a refusal unless the client chose the uuid, under which the refusal
 * is then recorded. @answer (borrowed, mostly NULL) is the result that a dry run would have. Runs in the
 * store's writer thread, or in the caller's if refused at once: must not block.
 */
typedef void pool_accepted_fn(void *arg, int result, const char *job_uuid, const json_t *answer,
			      const struct error *e);
/**
 * Submits a request (taken over). Never blocks; @accepted is called exactly once, perhaps before the return.
 */
void pool_submit(struct pool *pool, struct request *req, pool_accepted_fn *accepted, void *arg);
/**
 * As pool_submit(), for a request (taken over) that was refused for @why (moved out) before it could be
 * submitted: records the refusal if the client chose the uuid of the job.
 */
void pool_refuse(struct pool *pool, struct request *req, struct error *why, pool_accepted_fn *accepted,
		 void *arg);
/**
 * As pool_submit(), but blocks until the request is accepted (not until the job has ended). For timers and
 * tests. @ret_job (may be NULL): UUID_SIZE bytes. The error of the refusal.
 */
int pool_submit_wait(struct pool *pool, struct request *req, char *ret_job, struct error *e);

/**
 * Called with the answer of a Get. @json (owned by the callee) is set on success, @e (borrowed) on failure.
 */
typedef void pool_answer_fn(void *arg, int result, json_t *json, const struct error *e);
/**
 * Runs a Get operation (request taken over): at once in the calling thread, or in a worker if it has
 * OP_NEEDS_HOST. Never blocks; @answer is called exactly once, perhaps before the return.
 */
void pool_get(struct pool *pool, struct request *req, pool_answer_fn *answer, void *arg);

#endif
