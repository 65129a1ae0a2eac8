/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, and how a request becomes a job. See pool.h. */
#include "actions/pool.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "actions/account.h"
#include "actions/bootstrap.h"
#include "actions/config.h"
#include "actions/image.h"
#include "actions/login_limit.h"
#include "actions/pool_internal.h"
#include "actions/web_hook.h"

#define BACKGROUND_MAX 4
/*
 * Clients who are served at one time with what they can ask for at will. Long queries of fewer than so many
 * delay nobody but by their share of the CPUs, which the kernel parts evenly among the threads.
 */
#define TURNS_MAX 16
/* How long a start waits for hosts that are on their way, so that the first job finds them. */
#define HOSTS_WAIT_MS 5000

struct store *pool_store(struct pool *pool)
{
	return pool->store;
}

struct hypervisor *pool_hypervisor(struct pool *pool)
{
	return pool->hv;
}

struct uploads *pool_uploads(struct pool *pool)
{
	return pool->uploads;
}

const char *pool_state_dir(const struct pool *pool)
{
	return pool->state_dir;
}

/* ---------------------------------------------------------------- requests */

struct submission {
	struct pool *pool;
	struct request *req; /* owned */
	pool_accepted_fn *accepted;
	void *arg;
	json_t *answer;	      /* owned; what a dry run says */
	struct error refusal; /* why, while a refusal is being recorded */
	bool taken;	      /* the job's uuid is that of another request */
	bool nothing;	      /* accepted, and there was nothing to do: no job */
};

/* @recorded: there is a job. */
static void submission_end(struct submission *s, int r, bool recorded, const struct error *e)
{
	s->accepted(s->arg, r, recorded ? s->req->job : NULL, s->answer, e);
	json_decref(s->answer);
	error_done(&s->refusal);
	request_free(s->req);
	free(s);
}

/* The same job again is the same job; another request under its name is refused. */
static int check_job_uuid(struct txn *t, struct submission *s, bool *ret_same, struct error *e)
{
	const struct request *req = s->req;
	const struct object *job = view_get(txn_view(t), KIND_JOB, req->job);

	*ret_same = job && object_str_is(job, JOB_DIGEST, req->digest);
	s->taken = job && !*ret_same;
	if (s->taken)
		return error_set(e, EEXIST, "job '%s' exists already with another request", req->job);
	return 0;
}

/* Does it at once as a pure database change. OP_NEEDS_RUN when it must wait or needs a worker. */
static int apply_now(struct txn *t, const struct request *req, bool busy, json_t **ret_result,
		     struct error *e)
{
	int r;

	if (!req->op->apply || busy)
		return OP_NEEDS_RUN;
	r = req->op->apply(t, req, ret_result, e);
	if (r < 0 && !error_is_set(e))
		error_set(e, -r, "%s", strerror(-r));
	if (r < 0 && req->op->error_code && strcmp(e->code, req->op->error_code) != 0)
		error_wrap(e, req->op->error_code);
	return r;
}

/* In the store's writer thread. */
static int accept_fn(struct txn *t, void *arg, struct error *e)
{
	struct submission *s = arg;
	const struct request *req = s->req;
	struct cause cause = request_cause(req);
	bool same, busy = req->op->target && job_is_pending_for(txn_view(t), request_queue(txn_view(t), req));
	json_t *result = NULL;
	int r = check_job_uuid(t, s, &same, e);

	if (r < 0 || same)
		return r;
	txn_set_cause(t, &cause);
	r = request_check(txn_view(t), req, busy, e);
	if (r == 0)
		r = apply_now(t, req, busy, &result, e);
	if (r < 0 || req->dry_run) {
		s->answer = r < 0 ? NULL : json_incref(result);
		json_decref(result);
		/* A dry run that got here would have worked: leave no trace, and say so in accept_done(). */
		return r < 0 ? r : -ECANCELED;
	}
	s->nothing = r == OP_NOTHING && !req->job_chosen;
	if (s->nothing) {
		r = 0;
	} else if (r != OP_NEEDS_RUN) {
		r = job_insert(t, req, NULL, e);
		if (r == 0)
			r = job_finish(t, req->job, result, NULL, e);
	} else {
		r = job_insert(t, req, NULL, e);
	}
	json_decref(result);
	return r;
}

/* A refused request whose job uuid the client chose leaves a failed job, which REST clients poll; a dry run a
 * job that did nothing. */
static int record_fn(struct txn *t, void *arg, struct error *e)
{
	struct submission *s = arg;
	struct cause cause = request_cause(s->req);
	bool same;
	int r = check_job_uuid(t, s, &same, e);

	if (r < 0 || same)
		return r;
	txn_set_cause(t, &cause);
	r = job_insert(t, s->req, NULL, e);
	return r < 0 ? r : job_finish(t, s->req->job, s->answer, &s->refusal, e);
}

static void record_done(void *arg, int r, struct error *e)
{
	struct submission *s = arg;

	if (r < 0)
		submission_end(s, r, false, e);
	else
		submission_end(s, -s->refusal.errnum, true, &s->refusal);
}

/* Takes @why over (may be NULL: a dry run that would have worked). */
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
	bool would_work = r == -ECANCELED && s->req->dry_run && !error_is_set(e);

	if (s->req->job_chosen && !s->taken && r < 0)
		record(s, would_work ? NULL : e);
	else if (would_work)
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
		error_set(&e, ENOMEM, "out of memory");
		accepted(arg, -ENOMEM, NULL, NULL, &e);
		request_free(req);
		return;
	}
	*s = (struct submission){.pool = pool, .req = req, .accepted = accepted, .arg = arg};
	if (pool->read_only)
		r = error_set(&e, EROFS, "the pool is mounted read-only");
	else
		r = store_post(pool->store, accept_fn, s, accept_done);
	if (r < 0) {
		error_set(&e, -r, "the pool is shutting down");
		submission_end(s, r, false, &e);
	}
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
};

static void get_now(void *arg)
{
	struct get *g = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(g->pool->store);
	json_t *json = NULL;
	int r = request_check(view, g->req, false, &e);

	if (r == 0)
		r = g->req->op->get(g->pool, view, g->req, &json, &e);
	if (r >= 0 && !json)
		json = json_object();
	g->answer(g->arg, r < 0 ? r : 0, r < 0 ? NULL : json, r < 0 ? &e : NULL);
	request_free(g->req);
	free(g);
}

/*
 * What needs no worker to be refused does not wait for one: many guesses of a password are counted as they
 * come, however long it takes to try each.
 */
static int admit(struct pool *pool, const struct request *req, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool->store);
	int r = request_check(view, req, false, e);

	if (r < 0 || !(req->op->flags & OP_LOGIN) || pool->read_only)
		return r;
	return login_limit_begin(pool->login_limit, req->actor.address, request_str(req, "accountName"),
				 store_now(), e);
}

void pool_get(struct pool *pool, struct request *req, pool_answer_fn *answer, void *arg)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct get *g = malloc(sizeof(*g));
	int r = g ? 0 : -ENOMEM;

	if (g) {
		*g = (struct get){.pool = pool, .req = req, .answer = answer, .arg = arg};
		if (!(req->op->flags & OP_NEEDS_HOST)) {
			get_now(g);
			return;
		}
		r = admit(pool, req, &e);
		if (r == 0)
			r = workers_run(pool->background, get_now, g);
		if (r == 0)
			return;
	}
	if (!error_is_set(&e))
		error_set(&e, -r, "%s", strerror(-r));
	answer(arg, r, NULL, &e);
	request_free(req);
	free(g);
}

int pool_background(struct pool *pool, void (*fn)(void *arg), void *arg)
{
	return workers_run(pool->background, fn, arg);
}

int pool_take_turn(struct pool *pool, const char *client, void (*fn)(void *arg), void *arg)
{
	return turns_run(pool->turns, client, fn, arg);
}

int64_t pool_query_deadline(const struct view *view)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec + config_int(view, "search.timeLimit")) * INT64_C(1000000000) + ts.tv_nsec;
}

/* ------------------------------------------------------------- open, close */

/* Where the serial consoles of guests on this machine are logged. Hosts open the files; others only pass
 * through. */
static int make_console_folder(const char *state_dir, struct error *e)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/console", state_dir) < 0) {
		path = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return error_set(e, errno, "cannot make '%s': %s", path, strerror(errno));
	return 0;
}

/* A pool whose hosts do not answer mounts all the same; whoever wonders finds the reason in the log. */
static void tell_of_lost_hosts(struct pool *pool)
{
	_cleanup_view_ struct view *view = store_view(pool->store);

	view_for_each (host, view, KIND_HOST)
		if (!object_str_is(host, HOST_STATUS, "Connected"))
			fprintf(stderr, "poolfs: host '%s' is %s%s%s\n", object_name(host),
				object_text(host, HOST_STATUS),
				*object_text(host, HOST_STATUS_REASON) ? ": " : "",
				object_text(host, HOST_STATUS_REASON));
}

static int open_parts(struct pool *pool, const struct pool_options *options, struct error *e)
{
	int r = store_open(options->state_dir, &pool->store, e);

	if (r == 0)
		r = make_console_folder(options->state_dir, e);
	if (r == 0)
		r = pool_bootstrap(pool->store, options, e);
	if (r == 0)
		r = hv_new(&pool_events, pool, &pool->hv, e);
	if (r == 0)
		r = executor_new(pool, &pool->executor, e);
	if (r == 0) {
		pool->uploads = uploads_new(pool);
		r = pool->uploads ? 0 : error_set(e, ENOMEM, "out of memory");
	}
	if (r == 0)
		r = clockwork_new(pool, &pool->clockwork, e);
	if (r == 0)
		r = pool_connect_hosts(pool, e);
	if (r == 0)
		r = image_cache_recover(pool, e);
	if (r == 0)
		r = web_hooks_new(pool, &pool->web_hooks, e);
	if (r == 0)
		r = pool_timers_start(pool, e);
	if (r == 0)
		(void)workers_run(pool->background, account_warn_of_first_password, pool); /* not vital */
	if (r == 0) {
		pool_wait_for_hosts(pool, HOSTS_WAIT_MS);
		tell_of_lost_hosts(pool);
	}
	if (r == 0)
		r = executor_start(pool->executor, e);
	if (r == 0 && !options->read_only)
		r = clockwork_start(pool->clockwork, e);
	return r;
}

int pool_open(const struct pool_options *options, struct pool **ret_pool, struct error *e)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return error_set(e, ENOMEM, "out of memory");
	store_set_cause(&(struct cause){.uid = geteuid(), .source = "fs"});
	pthread_mutex_init(&pool->timer_lock, NULL);
	pthread_cond_init(&pool->timer_cond, NULL);
	pthread_mutex_init(&pool->prepare_lock, NULL);
	pool->read_only = options->read_only;
	pool->state_dir = strdup(options->state_dir);
	pool->background = workers_new("background", BACKGROUND_MAX);
	pool->login_limit = login_limit_new();
	pool->servers = workers_new("turn", TURNS_MAX);
	pool->turns = turns_new(pool->servers, TURNS_MAX);
	r = pool->state_dir && pool->background && pool->login_limit && pool->servers && pool->turns
		    ? open_parts(pool, options, e)
		    : error_set(e, ENOMEM, "out of memory");
	if (r < 0) {
		pool_close(pool);
		return r;
	}
	*ret_pool = pool;
	return 0;
}

void pool_close(struct pool *pool)
{
	if (!pool)
		return;
	/* Those that start work go first, what they use goes last. */
	pool_timers_stop(pool);
	clockwork_stop(pool->clockwork);
	web_hooks_stop(pool->web_hooks);
	executor_stop(pool->executor);
	workers_stop(pool->servers);
	workers_stop(pool->background);
	hv_free(pool->hv);
	store_close(pool->store);
	/* what observes the store is told of its last changes while it closes */
	executor_free(pool->executor);
	clockwork_free(pool->clockwork);
	web_hooks_free(pool->web_hooks);
	uploads_free(pool->uploads);
	login_limit_free(pool->login_limit);
	/* the last events of hosts, in the store's thread, still ask it to work: it says no */
	workers_free(pool->background);
	workers_free(pool->servers);
	turns_free(pool->turns);
	pthread_cond_destroy(&pool->timer_cond);
	pthread_mutex_destroy(&pool->timer_lock);
	pthread_mutex_destroy(&pool->prepare_lock);
	free(pool->state_dir);
	free(pool);
}
