/* SPDX-License-Identifier: Apache-2.0 */
/* See submit.h. */
#include "actions/engine/submit.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/pool_internal.h"
#include "actions/engine/request_check.h"
#include "actions/engine/request_names.h"
#include "actions/engine/result.h"
#include "model/json.h"

/* ---------------------------------------------------------------- requests */

struct submission {
	struct pool *pool;
	struct request *req; /* owned */
	pool_accepted_fn *accepted;
	void *arg;
	json_t *answer;	      /* owned; the answer of a dry run */
	struct error refusal; /* while a refusal is being recorded: its reason */
	bool taken;	      /* the uuid of the job belongs to another request */
	bool nothing;	      /* accepted without a job, since there was nothing to do */
};

/* Answers the caller and frees the submission. @recorded: there is a job. */
static void submission_end(struct submission *s, int r, bool recorded, const struct error *e)
{
	s->accepted(s->arg, r, recorded ? s->req->job : NULL, s->answer, e);
	json_decref(s->answer);
	error_done(&s->refusal);
	request_free(s->req);
	free(s);
}

/* The same request with the same job uuid is the same job; another request with that uuid is refused. */
static int check_job_uuid(struct txn *t, struct submission *s, bool *ret_same, struct error *e)
{
	const struct request *req = s->req;
	const struct object *job = view_get(txn_view(t), KIND_JOB, req->job);
	_cleanup_free_ char *digest = NULL;
	int r = job ? object_read_text(job, JOB_DIGEST, &digest) : 0;

	*ret_same = false;
	if (!job && view_has(txn_view(t), KIND_JOB, req->job))
		return error_oom(e);
	if (r < 0)
		return error_set(e, -r, "the request of job '%s' cannot be read", req->job);
	*ret_same = digest && strcmp(digest, req->digest) == 0;
	s->taken = job && !*ret_same;
	if (s->taken)
		return error_set(e, EEXIST, "job '%s' exists already with another request", req->job);
	return 0;
}

/* Applies a request that only changes the database. OP_NEEDS_RUN when it must wait or needs a worker. */
static int apply_now(struct txn *t, const struct request *req, bool busy, json_t **ret_result,
		     struct error *e)
{
	if (!req->op->apply || busy)
		return OP_NEEDS_RUN;
	return request_explain_error(req, req->op->apply(t, req, ret_result, e), e);
}

/* What is refused only for want of a host that is Connecting waits for it, as a job (executor.h). */
static int wait_for_hosts(const struct submission *s, int r, struct error *e)
{
	if (r >= 0 || !e->may_pass || s->req->dry_run || !pool_awaits_hosts(s->pool))
		return r;
	error_done(e);
	return OP_NEEDS_RUN;
}

/* In the store's writer thread. */
static int accept_fn(struct txn *t, void *arg, struct error *e)
{
	struct submission *s = arg;
	const struct request *req = s->req;
	struct cause cause = request_cause(req);
	bool same, busy;
	_cleanup_json_ json_t *result = NULL;
	int r = check_job_uuid(t, s, &same, e), done;

	if (r < 0 || same)
		return r;
	kill_point("request-accept");
	r = request_names_resolve(txn_view(t), s->req, e);
	if (r < 0)
		return r;
	busy = req->op->target && job_is_pending_for(txn_view(t), request_queue(txn_view(t), req));
	txn_set_cause(t, &cause);
	done = wait_for_hosts(s, request_check(txn_view(t), req, busy, e), e);
	if (done == 0)
		done = apply_now(t, req, busy, &result, e);
	if (done < 0)
		return done;
	if (req->dry_run) {
		if (done == 0 && !result)
			done = result_of_target(txn_view(t), req, &result, e);
		if (done < 0)
			return done;
		/* It would have succeeded: roll the change back; accept_done() gives the answer. */
		s->answer = steal(&result);
		return -ECANCELED;
	}
	s->nothing = done == OP_NOTHING && !req->job_chosen;
	if (s->nothing)
		return 0;
	return done == OP_NEEDS_RUN ? job_insert(t, req, NULL, e) : job_insert_done(t, req, result, e);
}

/*
 * A refused request with a job uuid of the client leaves a failed job, which REST clients poll; a dry run
 * leaves a job that did nothing.
 */
static int record_fn(struct txn *t, void *arg, struct error *e)
{
	struct submission *s = arg;
	struct cause cause = request_cause(s->req);
	bool same;
	int r = check_job_uuid(t, s, &same, e);

	if (r < 0 || same)
		return r;
	txn_set_cause(t, &cause);
	return job_insert_refused(t, s->req, s->answer, &s->refusal, e);
}

static void record_done(void *arg, int r, struct error *e)
{
	struct submission *s = arg;

	if (r < 0)
		submission_end(s, r, false, e);
	else
		submission_end(s, -s->refusal.errnum, true, &s->refusal);
}

/* Moves @why out (NULL: a dry run that would have succeeded). */
static void record(struct submission *s, struct error *why)
{
	if (why)
		error_move(&s->refusal, why);
	if (store_post(s->pool->store, record_fn, s, record_done) < 0)
		submission_end(s, -s->refusal.errnum, false, &s->refusal);
}

static void accept_done(void *arg, int r, struct error *e)
{
	struct submission *s = arg;
	bool would_succeed = r == -ECANCELED && s->req->dry_run && !error_is_set(e);

	if (r == 0)
		kill_point("request-accepted");
	if (s->req->job_chosen && !s->taken && r < 0)
		record(s, would_succeed ? NULL : e);
	else if (would_succeed)
		submission_end(s, 0, false, NULL);
	else
		submission_end(s, r < 0 ? r : 0, r >= 0 && !s->nothing, r < 0 ? e : NULL);
}

void pool_refuse(struct pool *pool, struct request *req, struct error *why, pool_accepted_fn *accepted,
		 void *arg)
{
	struct submission *s = calloc(1, sizeof(*s));

	if (!s || pool->read_only || !req->job_chosen) {
		free(s);
		accepted(arg, -why->errnum, NULL, NULL, why);
		request_free(req);
		return;
	}
	*s = (struct submission){.pool = pool, .req = req, .accepted = accepted, .arg = arg};
	record(s, why);
}

void pool_submit(struct pool *pool, struct request *req, pool_accepted_fn *accepted, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct submission *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		(void)error_oom(&e);
		accepted(arg, -ENOMEM, NULL, NULL, &e);
		request_free(req);
		return;
	}
	*s = (struct submission){.pool = pool, .req = req, .accepted = accepted, .arg = arg};
	r = pool_check_writable(pool, &e);
	if (r == 0)
		r = pool_post(pool, accept_fn, s, accept_done, &e);
	if (r < 0)
		submission_end(s, r, false, &e);
}

struct submit_wait {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	int result;
	char *ret_job;
	struct error *error;
};

static void submit_wait_accepted(void *arg, int result, const char *job_uuid, const json_t *answer,
				 const struct error *e)
{
	struct submit_wait *w = arg;

	(void)answer;
	scoped_lock(&w->lock);
	w->result = result;
	w->done = true;
	if (result < 0)
		error_set_code(w->error, -result, e->code, "%s", error_sentence(e));
	else if (w->ret_job && job_uuid)
		memcpy(w->ret_job, job_uuid, UUID_SIZE);
	pthread_cond_signal(&w->cond);
}

int pool_submit_wait(struct pool *pool, struct request *req, char *ret_job, struct error *e)
{
	struct submit_wait w = {.ret_job = ret_job, .error = e};

	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.cond, NULL);
	pool_submit(pool, req, submit_wait_accepted, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.lock);
	return w.result;
}

/* -------------------------------------------------------------------- Gets */

struct get {
	struct pool *pool;
	struct request *req; /* owned */
	pool_answer_fn *answer;
	void *arg;
	struct view *view; /* owned: what it is answered from; NULL: the newest one then */
};

static void get_now(void *arg)
{
	struct get *g = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = g->view ? steal(&g->view) : store_view(g->pool->store);
	json_t *json = NULL;
	int r = request_names_resolve(view, g->req, &e);

	if (r == 0)
		r = request_check(view, g->req, false, &e);
	if (r == 0)
		r = g->req->op->get(g->pool, view, g->req, &json, &e);
	if (r >= 0 && !json)
		json = json_object();
	g->answer(g->arg, r < 0 ? r : 0, r < 0 ? NULL : json, r < 0 ? &e : NULL);
	request_free(g->req);
	free(g);
}

/* The name of the account that a login is for; "" when there is no such account. */
static const char *login_name(const struct view *view, const struct request *req)
{
	const char *name = request_str(req, "accountName"), *uuid = request_str(req, "accountUuid");
	const struct object *account = !name && uuid ? view_get(view, KIND_ACCOUNT, uuid) : NULL;

	return name ? name : account ? object_name(account) : "";
}

/*
 * Refuses what can be refused without waiting for a worker: attempts to log in are counted when they arrive,
 * although it takes long to verify a password.
 */
static int admit(struct pool *pool, struct request *req, bool *ret_known, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool->store);
	const struct object *account;
	int r = request_names_resolve(view, req, e);

	if (r == 0)
		r = request_check(view, req, false, e);
	if (r < 0 || !(req->op->flags & OP_LOGIN) || pool->read_only)
		return r;
	account = view_next_where(view, KIND_ACCOUNT, ACCOUNT_NAME, login_name(view, req), 0);
	*ret_known = account && login_address_is_known(object_text(account, ACCOUNT_LOGIN_ADDRESSES),
						       req->actor.address);
	if (*ret_known)
		return 0;
	return login_limit_begin(pool->login_limit, req->actor.address, login_name(view, req), store_now(),
				 e);
}

/* Attempts from an address that the account knows are not limited, but take turns: see login_limit.h. */
static int run_get(struct pool *pool, struct get *g, bool turns, bool known)
{
	_cleanup_view_ struct view *view = store_view(pool->store);
	char client[320];

	if (turns || (g->req->op->flags & OP_TURNS)) {
		/* who runs a long query can read old jobs meanwhile */
		snprintf(client, sizeof(client), "%s%s", turns ? "texts " : "account ",
			 g->req->actor.account);
		return pool_take_turn(pool, client, get_now, g);
	}
	if (!known)
		return workers_run(pool->background, get_now, g);
	snprintf(client, sizeof(client), "login %s %s", g->req->actor.address, login_name(view, g->req));
	return pool_take_turn(pool, client, get_now, g);
}

/* Does the Get read texts that have left memory? Of an object given by its name it may. */
static bool reads_left_texts(const struct view *view, const struct request *req)
{
	const char *uuid = request_str(req, "uuid");
	const struct object *o;

	if (!(req->op->flags & OP_READS_TEXTS))
		return false;
	if (uuid && *uuid == '@')
		return true;
	o = view_get(view, req->op->kind, uuid ? uuid : req->target);
	return o && object_texts_have_left(o);
}

void pool_get(struct pool *pool, struct request *req, pool_answer_fn *answer, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool->store);
	struct get *g = malloc(sizeof(*g));
	bool known = false, turns = reads_left_texts(view, req);
	int r = g ? 0 : -ENOMEM;

	if (g) {
		*g = (struct get){.pool = pool, .req = req, .answer = answer, .arg = arg};
		if (!turns && !(req->op->flags & OP_NEEDS_HOST)) {
			g->view = steal(&view); /* texts that leave memory now are in it */
			get_now(g);
			return;
		}
		r = admit(pool, req, &known, &e);
		if (r == 0)
			r = run_get(pool, g, turns, known);
		if (r == 0)
			return;
	}
	if (!error_is_set(&e))
		error_set(&e, -r, "%s", strerror(-r));
	answer(arg, r, NULL, &e);
	request_free(req);
	free(g);
}
