/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spec being made true: one job whose steps are operations of the table.
 *
 * All steps are done by this job, in its place in the queues, and not by jobs of
 * their own: those would have to wait in the VM's queue for the job that waits
 * for them, and what was requested in between would come between the steps. So
 * the job is in the queues of the VM and of every volume that it may attach or
 * detach from the moment it comes in (spec_queues()), as the operations that it
 * stands for would be.
 *
 * Before each step the way is planned anew from what is so by then, and the
 * step's request is written into the job's row; there the steps that are done
 * stay to be seen, also when a later one fails. A daemon that starts again gives
 * the step that was under way to its operation's own recovery, and goes on from
 * what is so after that: it repeats nothing, and a step that was done is not
 * planned any more.
 *
 * The first step that fails fails the job. A VM that was stopped only for a
 * change is started again all the same.
 */
#include "actions/spec/run.h"

#include <string.h>

#include "actions/engine/executor.h"
#include "actions/engine/kill_point.h"
#include "actions/host/wait.h"
#include "actions/spec/spec.h"

/* Far more than any document needs. */
#define STEPS_MAX 1024

struct work {
	struct job *job;
	const char *uuid, *text;
	json_t *document; /* owned */
	json_t *steps;	  /* owned; what the row shows: requests with their state */
	bool no_live_size;
	enum kind_id kind;
};

static void work_done(struct work *w)
{
	json_decref(w->document);
	json_decref(w->steps);
}

/* -------------------------------------------------------------- what is kept */

/* Writes the steps so far into the job's row. */
static int show_fn(struct txn *t, void *arg, struct error *e)
{
	struct work *w = arg;
	const struct object *before = view_get(txn_view(t), KIND_JOB, w->job->uuid);
	struct object *job = before ? object_copy(before) : NULL;
	json_t *result = json_pack("{s:O}", "steps", w->steps);
	_cleanup_free_ char *text = result ? json_dumps(result, JSON_COMPACT) : NULL;

	json_decref(result);
	if (!job || !text) {
		object_unref(job);
		return error_oom(e);
	}
	object_set_str(job, JOB_RESULT, text);
	return txn_put(t, job, NULL, e);
}

static int show(struct work *w, struct error *e)
{
	return store_run(pool_store(w->job->pool), show_fn, w, e);
}

static int keep_fn(struct txn *t, void *arg, struct error *e)
{
	struct work *w = arg;

	if (!view_get(txn_view(t), w->kind, w->uuid))
		return error_set(e, ENOENT, "%s '%s' is gone", kind_get(w->kind)->noun, w->uuid);
	return spec_keep(t, w->uuid, w->text, e);
}

static json_t *last_step(const struct work *w)
{
	size_t n = json_array_size(w->steps);

	return n ? json_array_get(w->steps, n - 1) : NULL;
}

static bool step_is(const json_t *step, const char *state)
{
	const char *own = json_string_value(json_object_get(step, "state"));

	return own && strcmp(own, state) == 0;
}

static bool is_of(const json_t *step, const char *operation)
{
	const char *own = json_string_value(json_object_get(step, "operation"));

	return own && strcmp(own, operation) == 0;
}

static void set_outcome(json_t *step, const char *state, const struct error *e)
{
	(void)json_object_set_new(step, "state", json_string(state));
	if (e && error_is_set(e))
		(void)json_object_set_new(step, "error", json_string(error_sentence(e)));
}

static size_t count_done(const struct work *w)
{
	size_t n = 0, i;
	json_t *step;

	json_array_foreach (w->steps, i, step)
		n += step_is(step, "Done");
	return n;
}

static bool same_member(const json_t *a, const json_t *b, const char *name)
{
	return json_equal(json_object_get(a, name), json_object_get(b, name));
}

/* The same step that is already done? */
static bool was_done(const struct work *w, const json_t *entry)
{
	size_t i;
	json_t *step;

	json_array_foreach (w->steps, i, step)
		if (step_is(step, "Done") && same_member(step, entry, "operation") &&
		    same_member(step, entry, "target") && same_member(step, entry, "params"))
			return true;
	return false;
}

/* -------------------------------------------------------------------- a step */

/* A volume that was attached after the spec came in, and which another job wants. */
static int check_held(const struct work *w, const struct view *view, const struct request *req,
		      struct error *e)
{
	if (req->op->kind != KIND_VOLUME || w->kind == KIND_VOLUME)
		return 0;
	view_for_each_where (ref, view, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, w->job->uuid) {
		if (object_str_is(ref, QUEUE_REF_OBJECT_UUID, req->target))
			return 0;
	}
	return job_is_pending_for(view, req->target)
		       ? error_set(e, EBUSY, "volume '%s' has other jobs since the spec was written",
				   req->target)
		       : 0;
}

/* Notes the request among the steps and does it. */
static int do_step(struct work *w, struct request *req, size_t total, struct error *e)
{
	size_t done = count_done(w);
	json_t *entry = request_to_json(req, true);
	int r = 0;

	if (!entry || json_object_set_new(entry, "state", json_string("Processing")) < 0)
		r = error_oom(e);
	else if (was_done(w, entry) || json_array_size(w->steps) >= STEPS_MAX)
		r = error_set(e, EIO, "it was done, and did not last");
	if (r == 0 && json_array_append(w->steps, entry) < 0)
		r = error_oom(e);
	if (r == 0) {
		r = show(w, e);
		kill_point("spec-step-written");
	}
	if (r == 0) {
		w->job->step_from = (int)(done * 100 / total);
		w->job->step_to = (int)((done + 1) * 100 / total);
		r = job_run_step(w->job, req, false, e);
		kill_point("spec-step-done");
		w->job->step_from = w->job->step_to = 0;
		set_outcome(entry, r < 0 ? "Failed" : "Done", r < 0 ? e : NULL);
		job_progress(w->job, (int)((done + 1) * 100 / total));
	}
	json_decref(entry);
	return r;
}

/* Says which step it was that failed. */
static int name_step(struct error *e, size_t number, size_t total, const char *op)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;

	error_move(&why, e);
	return error_set_code(e, why.errnum, why.code, "step %zu of %zu, '%s': %s", number, total, op,
			      error_sentence(&why));
}

/* A running VM that was started before it could grow is stopped for it, like one that cannot. */
static bool is_refused_live(const struct spec_step *step, const struct spec_plan *p, int r)
{
	return r == -EOPNOTSUPP && step->need == NEED_AWAKE && step->req->op->kind == KIND_VM &&
	       object_str_is(p->object, VM_STATE, vm_state_name(VM_STATE_RUNNING)) &&
	       json_object_get(p->document, "state");
}

/* The next step. 1 when there is none left. */
static int advance(struct work *w, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(w->job->pool));
	struct spec_plan p = {.view = view,
			      .object = view_get(view, w->kind, w->uuid),
			      .document = w->document,
			      .actor = &w->job->req->actor,
			      .no_live_size = w->no_live_size};
	size_t done = count_done(w);
	int r;

	if (!p.object)
		return error_set(e, ENOENT, "%s '%s' is gone", kind_get(w->kind)->noun, w->uuid);
	r = spec_plan_make(&p, e);
	if (r == 0 && p.count == 0)
		r = 1;
	if (r == 0) {
		struct spec_step *step = &p.steps[0];

		r = check_held(w, view, step->req, e);
		if (r == 0)
			r = do_step(w, step->req, done + p.count, e);
		if (is_refused_live(step, &p, r) && !w->no_live_size) {
			w->no_live_size = true;
			error_done(e);
			r = 0;
		} else if (r < 0) {
			r = name_step(e, done + 1, done + p.count, step->req->op->name);
		}
		r = r < 0 ? r : 0;
	}
	spec_plan_done(&p);
	return r;
}

/* ------------------------------------------------------------------ the whole */

/* Whether the VM is down because a step stopped it. */
static bool is_left_stopped(const struct work *w)
{
	_cleanup_view_ struct view *view = store_view(pool_store(w->job->pool));
	const struct object *vm = w->kind == KIND_VM ? view_get(view, KIND_VM, w->uuid) : NULL;
	const char *wanted = json_string_value(json_object_get(w->document, "state"));
	size_t i;
	json_t *step;

	if (!vm || !wanted || strcmp(wanted, "Stopped") == 0 ||
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return false;
	if (is_of(last_step(w), "StartVmInstance"))
		return false;
	json_array_foreach (w->steps, i, step)
		if (step_is(step, "Done") && is_of(step, "StopVmInstance"))
			return true;
	return false;
}

static void start_again(struct work *w)
{
	_cleanup_(request_free_p) struct request *req = NULL;
	_cleanup_(error_done) struct error ignored = ERROR_INIT;

	if (is_left_stopped(w) && request_new(operation_by_name("StartVmInstance"), w->uuid, NULL,
					      &w->job->req->actor, &req, &ignored) == 0)
		(void)do_step(w, req, count_done(w) + 1, &ignored);
}

static int go_on(struct work *w, json_t **ret_result, struct error *e)
{
	int r = 0;

	while (r == 0) {
		if (job_should_stop(w->job))
			r = job_stop_reason(w->job, e);
		else
			r = advance(w, e);
	}
	if (r > 0)
		r = store_run(pool_store(w->job->pool), keep_fn, w, e);
	if (r < 0) {
		if (!job_should_stop(w->job))
			start_again(w);
		(void)show(w, NULL);
		return r;
	}
	*ret_result = json_pack("{s:O}", "steps", w->steps);
	return *ret_result ? 0 : error_oom(e);
}

static int begin(struct job *job, struct work *ret, struct error *e)
{
	const char *text = request_str(job->req, "spec");

	*ret = (struct work){.job = job,
			     .uuid = job->req->target,
			     .text = text,
			     .kind = job->req->op->kind,
			     .steps = json_array()};
	if (!ret->steps)
		return error_oom(e);
	return spec_parse(text, strlen(text), &ret->document, e);
}

int spec_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(work_done) struct work w;
	int r = begin(job, &w, e);

	return r < 0 ? r : go_on(&w, ret_result, e);
}

/* Reads the steps of the row, and has the one that was under way settled. */
static int reconcile(struct work *w, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(w->job->pool));
	const struct object *row = view_get(view, KIND_JOB, w->job->uuid);
	json_t *shown = row ? json_loads(object_text(row, JOB_RESULT), 0, NULL) : NULL, *last;
	_cleanup_(request_free_p) struct request *req = NULL;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r = 0;

	if (json_is_array(json_object_get(shown, "steps")))
		(void)json_array_extend(w->steps, json_object_get(shown, "steps"));
	json_decref(shown);
	last = last_step(w);
	if (!last || !step_is(last, "Processing"))
		return 0;
	r = request_from_json(last, &req, e);
	if (r < 0)
		return r;
	req->actor = w->job->req->actor;
	r = job_run_step(w->job, req, true, &why);
	/* Not Done: should its recovery know too little, it is planned, and done, once more. */
	set_outcome(last, r < 0 ? "Interrupted" : "Recovered", r < 0 ? &why : NULL);
	return 0;
}

int spec_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(work_done) struct work w;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	int r = begin(job, &w, e);
	const struct object *vm = r == 0 && w.kind == KIND_VM ? view_get(view, KIND_VM, w.uuid) : NULL;
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;

	if (host)
		(void)host_wait_connected(job, host);
	if (r == 0)
		r = reconcile(&w, e);
	return r < 0 ? r : go_on(&w, ret_result, e);
}
