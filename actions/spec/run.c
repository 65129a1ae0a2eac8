/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out a spec: one job whose steps are operations of the table.
 *
 * The steps are carried out by this job itself, in its place in the queues, and
 * not by jobs of their own: those would wait in the VM's queue for this job, which
 * waits for them, and other requests could come between them. So from the start
 * the job is in the queues of the VM and of every volume that it may attach or
 * detach (spec_queues()), as the operations of its steps would be.
 *
 * Before each step the plan is made anew from the current state, and the request
 * of the step is written into the job's row. There the steps that are done stay
 * visible, also when a later one fails. When the daemon starts again, it calls the
 * recovery of the operation that was running, and plans from the state after that:
 * so no step is repeated, since one that is done is not planned any more.
 *
 * The first step that fails fails the job. A VM that was stopped only for a change
 * is started again all the same.
 */
#include "actions/spec/run.h"

#include <string.h>

#include "actions/engine/job_run.h"
#include "actions/engine/kill_point.h"
#include "actions/host/wait.h"
#include "actions/spec/members.h"
#include "actions/spec/spec.h"
#include "model/json.h"
#include "model/states.h"

/* Far more than any document needs. */
#define STEPS_MAX 1024

struct work {
	struct job *job;
	const char *uuid, *text;
	json_t *document;  /* owned */
	json_t *steps;	   /* owned; as in the row: requests with their state */
	bool no_live_size; /* see struct spec_plan */
	enum kind_id kind;
};

static void work_done(struct work *w)
{
	json_decref(w->document);
	json_decref(w->steps);
}

/* ---------------------------------------------------------------------- rows */

/* Writes the steps so far into the job's row. */
static int show_fn(struct txn *t, void *arg, struct error *e)
{
	struct work *w = arg;
	_cleanup_json_ json_t *result = json_pack("{s:O}", "steps", w->steps);
	_cleanup_free_ char *text = result ? json_text(result, JSON_COMPACT) : NULL;
	struct object *job;
	int r;

	if (!text)
		return error_oom(e);
	r = txn_edit(t, KIND_JOB, w->job->uuid, &job, e);
	if (r < 0)
		return r;
	object_set_str(job, JOB_RESULT, text);
	return txn_put(t, job, NULL, e);
}

static int show(struct work *w, struct error *e)
{
	return store_run(pool_store(w->job->pool), show_fn, w, e);
}

static int put_document_fn(struct txn *t, void *arg, struct error *e)
{
	struct work *w = arg;

	if (!view_get(txn_view(t), w->kind, w->uuid))
		return error_gone(e, w->kind, w->uuid);
	return spec_put(t, w->uuid, w->text, e);
}

/* The last step, borrowed; NULL when there is none. */
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

static bool is_operation(const json_t *step, const char *operation)
{
	const char *own = json_string_value(json_object_get(step, "operation"));

	return own && strcmp(own, operation) == 0;
}

/* The end of a step: -ENOMEM if that cannot be noted. */
static int set_outcome(json_t *step, const char *state, const struct error *e)
{
	if (json_object_set_new(step, "state", json_string(state)) < 0)
		return -ENOMEM;
	return e && error_is_set(e) &&
			       json_object_set_new(step, "error", json_string_nocheck(error_sentence(e))) < 0
		       ? -ENOMEM
		       : 0;
}

static size_t count_done(const struct work *w)
{
	size_t n = 0, i;
	json_t *step;

	json_array_foreach (w->steps, i, step)
		n += step_is(step, JOB_STATE_DONE);
	return n;
}

static bool same_member(const json_t *a, const json_t *b, const char *name)
{
	return json_equal(json_object_get(a, name), json_object_get(b, name));
}

/* True when the same step is done already. */
static bool was_done(const struct work *w, const json_t *entry)
{
	size_t i;
	json_t *step;

	json_array_foreach (w->steps, i, step)
		if (step_is(step, JOB_STATE_DONE) && same_member(step, entry, "operation") &&
		    same_member(step, entry, "target") && same_member(step, entry, "params"))
			return true;
	return false;
}

/* -------------------------------------------------------------------- a step */

/* Refuses a volume that is not in the job's queues, since it was attached later, while other jobs want it. */
static int check_held(const struct work *w, const struct view *view, const struct request *req,
		      struct error *e)
{
	if (req->op->kind != KIND_VOLUME || w->kind == KIND_VOLUME)
		return 0;
	view_for_each_where (ref, view, KIND_QUEUE_REF, QUEUE_REF_JOB_UUID, w->job->uuid) {
		if (object_str_is(ref, QUEUE_REF_OBJECT_UUID, req->target))
			return 0;
	}
	if (!job_is_pending_for(view, req->target))
		return 0;
	return error_set(e, EBUSY, "volume '%s' was given other jobs after the spec was written",
			 req->target);
}

/* Adds the request to the steps and carries it out. */
static int do_step(struct work *w, struct request *req, size_t total, struct error *e)
{
	_cleanup_json_ json_t *entry = request_to_json(req, true);
	size_t done = count_done(w);
	int r;

	if (!entry || json_object_set_new(entry, "state", json_string(JOB_STATE_PROCESSING)) < 0)
		return error_oom(e);
	if (was_done(w, entry) || json_array_size(w->steps) >= STEPS_MAX)
		return error_set(e, EIO, "it was done before, without lasting effect");
	if (json_array_append(w->steps, entry) < 0)
		return error_oom(e);
	r = show(w, e);
	if (r < 0)
		return r;
	kill_point("spec-step-written");
	w->job->step_from = (int)(done * 100 / total);
	w->job->step_to = (int)((done + 1) * 100 / total);
	r = job_run_step(w->job, req, false, e);
	kill_point("spec-step-done");
	w->job->step_from = w->job->step_to = 0;
	if (set_outcome(entry, r < 0 ? JOB_STATE_FAILED : JOB_STATE_DONE, r < 0 ? e : NULL) < 0 && r == 0)
		r = error_oom(e);
	job_progress(w->job, (int)((done + 1) * 100 / total));
	return r;
}

/* Adds the step that failed to its message. */
static int name_step(struct error *e, size_t number, size_t total, const char *op)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;

	error_move(&why, e);
	return error_set_code(e, why.errnum, why.code, "step %zu of %zu, '%s': %s", number, total, op,
			      error_sentence(&why));
}

/*
 * True when the guest cannot be resized while it runs, though the plan said so: it was started before the
 * pool gave VMs room to grow. Then the VM is stopped for the change.
 */
static bool is_refused_live(const struct spec_step *step, const struct spec_plan *p, int r)
{
	return r == -EOPNOTSUPP && step->need == NEED_AWAKE && step->req->op->kind == KIND_VM &&
	       object_str_is(p->object, VM_STATE, vm_state_name(VM_STATE_RUNNING)) &&
	       json_object_get(p->document, "state");
}

/* Plans anew and carries out the next step. 1 when there is none left. */
static int advance(struct work *w, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(w->job->pool));
	_cleanup_(spec_plan_done) struct spec_plan p = {.view = view,
							.object = view_get(view, w->kind, w->uuid),
							.document = w->document,
							.actor = &w->job->req->actor,
							.no_live_size = w->no_live_size};
	size_t done = count_done(w);
	const struct spec_step *step;
	int r;

	if (!p.object)
		return error_gone(e, w->kind, w->uuid);
	r = spec_plan_make(&p, e);
	if (r < 0)
		return r;
	if (p.count == 0)
		return 1;
	step = &p.steps[0];
	r = check_held(w, view, step->req, e);
	if (r == 0)
		r = do_step(w, step->req, done + p.count, e);
	if (r >= 0)
		return 0;
	if (is_refused_live(step, &p, r) && !w->no_live_size) {
		w->no_live_size = true;
		error_done(e);
		return 0;
	}
	return name_step(e, done + 1, done + p.count, step->req->op->name);
}

/* ------------------------------------------------------------------- the job */

/* True when the VM is stopped because of a step, and the document wants it otherwise. */
static bool is_left_stopped(const struct work *w)
{
	_cleanup_view_ struct view *view = store_view(pool_store(w->job->pool));
	const struct object *vm = w->kind == KIND_VM ? view_get(view, KIND_VM, w->uuid) : NULL;
	const char *wanted = json_string_value(json_object_get(w->document, "state"));
	size_t i;
	json_t *step;

	if (!vm || !wanted || vm_state_parse(wanted) == VM_STATE_STOPPED ||
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return false;
	if (is_operation(last_step(w), "StartVmInstance"))
		return false;
	json_array_foreach (w->steps, i, step)
		if (step_is(step, JOB_STATE_DONE) && is_operation(step, "StopVmInstance"))
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

/* Leaves a VM that was stopped only for a change as it was, and returns @r. */
static int give_up(struct work *w, int r)
{
	if (!job_should_stop(w->job))
		start_again(w);
	(void)show(w, NULL);
	return r;
}

static int work_on(struct work *w, json_t **ret_result, struct error *e)
{
	int r = 0;

	while (r == 0)
		r = job_should_stop(w->job) ? job_stop_reason(w->job, e) : advance(w, e);
	if (r > 0)
		r = store_run(pool_store(w->job->pool), put_document_fn, w, e);
	if (r < 0)
		return give_up(w, r);
	*ret_result = json_pack("{s:O}", "steps", w->steps);
	return *ret_result ? 0 : error_oom(e);
}

static int begin(struct job *job, struct work *ret, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *text = request_str(job->req, "spec");
	const struct object *o;
	int r;

	*ret = (struct work){.job = job,
			     .uuid = job->req->target,
			     .text = text,
			     .kind = job->req->op->kind,
			     .steps = json_array()};
	if (!ret->steps)
		return error_oom(e);
	r = spec_parse(text, strlen(text), &ret->document, e);
	if (r < 0)
		return r;
	o = request_object(view, job->req);
	if (!o)
		return error_gone(e, ret->kind, ret->uuid);
	return spec_members_resolve(view, o, ret->document, e);
}

int spec_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(work_done) struct work w;
	int r = begin(job, &w, e);

	return r < 0 ? r : work_on(&w, ret_result, e);
}

/* Reads the steps from the row, and recovers the one that was running. */
static int recover_step(struct work *w, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(w->job->pool));
	const struct object *row = view_get(view, KIND_JOB, w->job->uuid);
	_cleanup_json_ json_t *shown = row ? object_json(row, JOB_RESULT) : NULL;
	_cleanup_(request_free_p) struct request *req = NULL;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	json_t *last;
	int r;

	if (json_is_array(json_object_get(shown, "steps")) &&
	    json_array_extend(w->steps, json_object_get(shown, "steps")) < 0)
		return error_oom(e);
	last = last_step(w);
	if (!last || !step_is(last, JOB_STATE_PROCESSING))
		return 0;
	r = request_from_json(last, &req, e);
	if (r < 0)
		return r;
	req->actor = w->job->req->actor;
	r = job_run_step(w->job, req, true, &why);
	/* Not Done: if the recovery could not tell, the step is planned and carried out once more. */
	return set_outcome(last, r < 0 ? "Interrupted" : "Recovered", r < 0 ? &why : NULL) < 0 ? error_oom(e)
											       : 0;
}

int spec_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(work_done) struct work w;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm;
	int r = begin(job, &w, e);

	if (r < 0)
		return r;
	vm = w.kind == KIND_VM ? view_get(view, KIND_VM, w.uuid) : NULL;
	if (vm && object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	r = recover_step(&w, e);
	if (r == 0 && !job_should_stop(job) && !job_may_go_on(job))
		return give_up(&w, error_set_code(e, EINTR, "SYS.1000",
						  "the daemon ended too often while '%s' was being changed",
						  w.uuid));
	return r < 0 ? r : work_on(&w, ret_result, e);
}
