/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: store, hosts and executor put together; what the file system
 * (and nothing else) talks to.
 *
 * Life of a request: pool_submit() posts one database change, which checks the
 * request against the latest state and writes the job's row; after the commit
 * the caller is told, and the executor takes the job. Operations that are a
 * pure database change are done in that same commit when nothing waits before
 * them, so that their effect is visible when the caller is answered.
 */
#ifndef POOLFS_ENGINE_SUBMIT_H
#define POOLFS_ENGINE_SUBMIT_H

#include "actions/engine/pool.h"
#include "actions/engine/request.h"

/**
 * Told the outcome of pool_submit(): 0 and the job's uuid once the job is durable, or why it was
 * refused. The uuid is NULL when there is no job: after a dry run, when there was nothing to do (OP_NOTHING),
 * and after a refusal unless the client chose the uuid, under which the refusal is then recorded. @answer
 * (borrowed, mostly NULL) is what a dry run says of what would happen. Runs in the store's writer thread (or
 * in the caller's, when refused at once): must not block.
 */
typedef void pool_accepted_fn(void *arg, int result, const char *job_uuid, const json_t *answer,
			      const struct error *e);
/** Hands in a request (taken over). Never blocks; @accepted is called exactly once. */
void pool_submit(struct pool *pool, struct request *req, pool_accepted_fn *accepted, void *arg);
/** As pool_submit(), for a request that was refused for @why (moved out) before it could be handed in: it is
 * recorded. */
void pool_refuse(struct pool *pool, struct request *req, struct error *why, pool_accepted_fn *accepted,
		 void *arg);
/** As pool_submit(), and waits for acceptance (not for the end of the job); for timers and tests. @ret_job:
 * UUID_SIZE. */
int pool_submit_wait(struct pool *pool, struct request *req, char *ret_job, struct error *e);

/** Told the answer of a Get. @json is handed over on success. */
typedef void pool_answer_fn(void *arg, int result, json_t *json, const struct error *e);
/**
 * Runs a Get operation (request taken over): at once in the calling thread when it needs only memory,
 * else in a worker. @answer is called exactly once, perhaps before the return.
 */
void pool_get(struct pool *pool, struct request *req, pool_answer_fn *answer, void *arg);

#endif
