/* SPDX-License-Identifier: Apache-2.0 */
/* See job_run.h. */
#include "actions/engine/job_run.h"

#include <string.h>

#include "actions/engine/pause.h"
#include "actions/engine/request_check.h"
#include "actions/engine/result.h"
#include "model/json.h"
#include "model/log.h"
#include "model/states.h"

/* How often what had no memory is tried before it is given up: there may be another reason. */
#define MEMORY_TRIES 8
/* How often a job goes on after the end of the daemon, which it may be the cause of. Then it is recovered, and fails. */
#define RESTARTS_MOST 10
/* How often it is recovered: that itself may be the cause. */
#define RECOVERIES_MOST (2 * RESTARTS_MOST)

/* True when the process is about to end: what does not work now is done by the next one. */
static bool is_ending(const struct job *job)
{
	return job->ending && atomic_load(job->ending);
}

/* Tried a few times, since for want of memory it fails, too. */
int job_read_request(struct job *job, const struct object *row, struct error *e)
{
	struct pause pause = {0};
	int r = 0;

	for (int i = 0; i < MEMORY_TRIES; i++) {
		_cleanup_json_ json_t *json = object_json(row, JOB_SECRET_REQUEST);

		error_done(e);
		r = json ? request_from_json(json, &job->req, e)
			 : error_set(e, ENOMEM, "the request of the job cannot be read");
		if (r == 0)
			job->req->due = true;
		if (r != -ENOMEM)
			break;
		pause_wait(&pause);
	}
	return r;
}

/* ---------------------------------------------------------------- running */

/* What `run` begins with, once its checks have passed. */
static int begin_operation(struct txn *t, struct job *job, struct error *e)
{
	op_begin_fn *begin = job->req->op->begin;

	return begin ? begin(t, job, e) : 0;
}

/* The whole of it by `apply`, with its end. OP_NEEDS_RUN when that leaves it to `run`. */
static int apply_all(struct txn *t, struct job *job, struct error *e)
{
	_cleanup_json_ json_t *result = NULL;
	int r = job->req->op->apply(t, job->req, &result, e);

	return r < 0 || r == OP_NEEDS_RUN ? r : job_finish_done(t, job->req, result, e);
}

struct begin {
	struct job *job;
	bool ended;
};

static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	struct begin *b = arg;
	struct job *job = b->job;
	const struct operation *op = job->req->op;
	const struct object *row = view_get(txn_view(t), KIND_JOB, job->uuid);
	struct object *begun;
	int r;

	if (!row || !object_str_is(row, JOB_STATE, JOB_STATE_QUEUED))
		return -ECANCELED;
	/* before the check, which may refuse what a host that has come makes possible */
	r = op->apply ? 0 : pool_check_away(job->pool, txn_view(t), row, e);
	if (r == 0)
		r = request_check(txn_view(t), job->req, false, e);
	if (r != 0)
		return r;
	begun = object_copy(row);
	object_set_str(begun, JOB_STATE, JOB_STATE_PROCESSING);
	object_set_int(begun, JOB_STARTED, txn_now(t));
	r = txn_put(t, begun, NULL, e);
	if (r < 0)
		return r;
	r = op->apply ? apply_all(t, job, e) : begin_operation(t, job, e);
	b->ended = op->apply && r == 0;
	if (r == OP_NEEDS_RUN)
		r = pool_check_away(job->pool, txn_view(t), row, e);
	return r < 0 ? request_explain_error(job->req, r, e) : 0;
}

int job_begin(struct job *job, bool *ret_ended, struct error *e)
{
	struct begin b = {.job = job};
	int r = store_run(pool_store(job->pool), begin_fn, &b, e);

	*ret_ended = r == 0 && b.ended;
	return r;
}

int job_check_recover(const struct job *job, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *row = view_get(view, KIND_JOB, job->uuid);

	return row && pool_was_just_opened(job->pool) && !job_should_stop(job)
		       ? pool_check_away(job->pool, view, row, e)
		       : 0;
}

struct restart {
	const char *job;
	bool too_often;
};

static int count_restart_fn(struct txn *t, void *arg, struct error *e)
{
	struct restart *restart = arg;
	const struct object *row = view_get(txn_view(t), KIND_JOB, restart->job);
	struct object *counted;

	if (!row)
		return 0;
	restart->too_often = object_int(row, JOB_RESTARTS) >= RECOVERIES_MOST;
	if (restart->too_often)
		return 0;
	counted = object_copy(row);
	object_set_int(counted, JOB_RESTARTS, object_int(row, JOB_RESTARTS) + 1);
	return txn_put(t, counted, NULL, e);
}

int job_count_restart(const struct job *job, struct error *e)
{
	struct restart restart = {.job = job->uuid};
	int r = pool_insist(job->pool, "job", job->uuid, count_restart_fn, &restart, e);

	if (r < 0 || !restart.too_often)
		return r;
	return error_set(e, EIO,
			 "the daemon ended %d times while the job ran; what it has left stays as it is",
			 RECOVERIES_MOST + 1);
}

static bool may_go_on(const struct object *row)
{
	return row && object_int(row, JOB_RESTARTS) <= RESTARTS_MOST;
}

bool job_may_go_on(const struct job *job)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	return may_go_on(view_get(view, KIND_JOB, job->uuid));
}

struct begin_anew {
	const char *job;
	bool done;
};

static int begin_anew_fn(struct txn *t, void *arg, struct error *e)
{
	struct begin_anew *anew = arg;
	const struct object *row = view_get(txn_view(t), KIND_JOB, anew->job);
	struct object *waiting;

	anew->done = may_go_on(row) && object_str_is(row, JOB_STATE, JOB_STATE_PROCESSING) &&
		     !object_int(row, JOB_CANCEL);
	if (!anew->done)
		return 0;
	waiting = object_copy(row);
	object_set_int(waiting, JOB_PROGRESS, 0);
	object_set_str(waiting, JOB_STATE, JOB_STATE_QUEUED);
	return txn_put(t, waiting, NULL, e);
}

bool job_begin_anew(struct job *job)
{
	struct begin_anew anew = {.job = job->uuid};

	return !job_should_stop(job) &&
	       pool_insist(job->pool, "job", job->uuid, begin_anew_fn, &anew, NULL) == 0 && anew.done;
}

struct apply {
	struct job *job;
	json_t *result;
};

static int apply_fn(struct txn *t, void *arg, struct error *e)
{
	struct apply *a = arg;
	const struct request *req = a->job->req;
	int r = request_check(txn_view(t), req, false, e);

	if (r != 0)
		return r;
	r = req->op->apply ? req->op->apply(t, req, &a->result, e) : begin_operation(t, a->job, e);
	if (r == 0 && !req->op->apply)
		return OP_NEEDS_RUN;
	return r == 0 && !a->result ? result_of_target(txn_view(t), req, &a->result, e) : r;
}

/* Performs the operation of a step by the handler that it has. */
static int perform(struct job *job, json_t **ret_result, struct error *e)
{
	struct apply a = {.job = job};
	int r = job_choose(job, apply_fn, &a, e);

	if (r == OP_NEEDS_RUN && job->req->op->run) {
		json_decref(a.result);
		return job->req->op->run(job, ret_result, e);
	}
	*ret_result = a.result;
	return r;
}

/* Without `recover` the operation is `apply` alone, which an older program did after it had written Processing. */
static int recover(struct job *job, json_t **ret_result, struct error *e)
{
	if (job->req->op->recover)
		return job->req->op->recover(job, ret_result, e);
	return error_set_code(
		e, EINTR, "SYS.1000",
		"the daemon ended while the job ran; its change was made completely or not at all");
}

/*
 * A job whose changes the database failed in between, as on a full disk, or that had no memory, may have stopped at any
 * point, like one whose daemon was killed; so it is finished or undone as after a restart, as soon as the database
 * works. Its error stays, if there is one, unless that is of a recovery (@again), of which the last word counts.
 */
static int mend(struct job *job, bool again, int r, json_t **result, struct error *e)
{
	bool broken = store_has_failed() || r == -ENOMEM;
	int tries = MEMORY_TRIES;
	struct pause pause = {0};

	while (broken && job->req->op->recover && !is_ending(job)) {
		_cleanup_(error_done) struct error late = ERROR_INIT;
		_cleanup_json_ json_t *found = NULL;
		int now;

		store_forget_failure();
		now = recover(job, &found, &late);
		broken = store_has_failed() || (now == -ENOMEM && --tries > 0);
		if (broken) {
			pause_wait(&pause);
		} else if (now >= 0 && r < 0) {
			error_done(e);
			r = 0;
		} else if (now < 0 && (r >= 0 || again)) {
			r = error_move(e, &late);
		}
		if (!broken && now >= 0) {
			json_decref(*result);
			*result = steal(&found);
		}
	}
	return r;
}

int job_run(struct job *job, bool again, json_t **ret_result, struct error *e)
{
	int r;

	store_forget_failure();
	r = again ? recover(job, ret_result, e) : job->req->op->run(job, ret_result, e);
	return mend(job, again, r, ret_result, e);
}

int job_run_step(struct job *job, struct request *step, bool again, struct error *e)
{
	struct request *whole = job->req;
	_cleanup_json_ json_t *result = NULL;
	int r;

	memcpy(step->job, job->uuid, sizeof(step->job));
	step->due = true;
	job->req = step;
	r = again ? recover(job, &result, e) : perform(job, &result, e);
	free(steal(&job->inventory));
	job->req = whole;
	return request_explain_error(step, r, e);
}

/* --------------------------------------------------------------- its end */

struct finish {
	const char *job, *result;
	const struct error *error;
};

static int finish_fn(struct txn *t, void *arg, struct error *e)
{
	struct finish *f = arg;

	return job_finish(t, f->job, f->result, f->error, e);
}

void job_end(struct job *job, const json_t *result, const struct error *error)
{
	_cleanup_free_ char *text = result ? result_text(result) : NULL;
	_cleanup_(error_done) struct error unwritable = ERROR_INIT, constant = ERROR_INIT;
	struct finish f = {.job = job->uuid, .result = result ? text : job->inventory, .error = error};

	if (pool_insist(job->pool, "job", job->uuid, finish_fn, &f, &unwritable) != -EINVAL)
		return;
	f.error = &unwritable; /* what it says, not the database, is to blame */
	if (pool_insist(job->pool, "job", job->uuid, finish_fn, &f, NULL) != -EINVAL)
		return;
	(void)error_set(&constant, EIO, "the end of the job cannot be written");
	f.error = &constant;
	(void)pool_insist(job->pool, "job", job->uuid, finish_fn, &f, NULL);
}
