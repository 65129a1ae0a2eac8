/* SPDX-License-Identifier: Apache-2.0 */
/* See spec.h. */
#include "actions/spec/spec.h"

#include <string.h>

#include "actions/engine/job.h"
#include "actions/engine/request_check.h"
#include "actions/spec/devices.h"
#include "actions/spec/members.h"
#include "model/json.h"
#include "model/render.h"

int spec_parse(const char *text, size_t len, json_t **ret, struct error *e)
{
	json_error_t why;
	json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!document)
		return error_set(e, EINVAL, "bad JSON in line %d, column %d: %s", why.line, why.column,
				 why.text);
	if (!json_is_object(document)) {
		json_decref(document);
		return error_set(e, EINVAL, "a spec must be a JSON object");
	}
	*ret = document;
	return 0;
}

/* --------------------------------------------------------------------- plan */

void spec_plan_done(struct spec_plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		request_free(p->steps[i].req);
	free(p->steps);
	p->steps = NULL;
	p->count = p->room = 0;
}

/* Inserts an operation on the VM's state before the step @at. */
static int add_power(struct spec_plan *p, size_t at, const char *op, struct error *e)
{
	struct spec_step step;
	int r = spec_plan_add(p, NULL, op, object_uuid(p->object), json_object(), NULL, NEED_NOTHING, e);

	if (r < 0)
		return r;
	step = p->steps[p->count - 1];
	memmove(&p->steps[at + 1], &p->steps[at], (p->count - 1 - at) * sizeof(step));
	p->steps[at] = step;
	return 0;
}

/* True for a VM that a spec cannot change in any way. */
static bool is_lost(const struct object *o)
{
	return o->kind->id == KIND_VM && (object_str_is(o, VM_STATE, vm_state_name(VM_STATE_DESTROYED)) ||
					  object_str_is(o, VM_STATE, vm_state_name(VM_STATE_EXPUNGING)));
}

static int refuse_state(const struct object *vm, struct error *e)
{
	return error_set(e, EBUSY, "the VM is %s, which a spec cannot change", object_text(vm, VM_STATE));
}

int spec_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *o = request_object(view, req);

	return o && is_lost(o) ? refuse_state(o, e) : 0;
}

/*
 * Inserts the operations on a VM's state between those of its members. For changes that are not possible in
 * the current state the VM is stopped or resumed, but only if the document says in which state it is to be
 * afterwards.
 */
static int plan_power(struct spec_plan *p, struct error *e)
{
	const char *wanted = json_string_value(json_object_get(p->document, "state"));
	int want = vm_state_parse(wanted), now = vm_state_parse(object_str(p->object, VM_STATE));
	bool active = now == VM_STATE_RUNNING || now == VM_STATE_PAUSED;
	enum spec_need need = NEED_NOTHING;
	size_t at = 0;
	int r = 0;

	if (is_lost(p->object) || (wanted && !active && now != VM_STATE_STOPPED && now != VM_STATE_CREATED))
		return refuse_state(p->object, e);
	if (now == VM_STATE_CREATED && want == VM_STATE_STOPPED)
		return error_set(e, EBUSY,
				 "the VM was never started, so it can only become Running or Paused");
	for (size_t i = 0; i < p->count; i++)
		need = p->steps[i].need > need ? p->steps[i].need : need;
	while (at < p->count && spec_member_is_early(p->steps[at].member))
		at++;
	if (!wanted && ((active && need == NEED_STOPPED) || (now == VM_STATE_PAUSED && need == NEED_AWAKE)))
		return error_set(e, EBUSY,
				 "not everything can be changed while the VM is %s; with a 'state' in the "
				 "spec the VM is %s for the change",
				 object_text(p->object, VM_STATE),
				 need == NEED_STOPPED ? "stopped" : "resumed");
	if (active && (want == VM_STATE_STOPPED || need == NEED_STOPPED)) {
		r = add_power(p, at, "StopVmInstance", e);
		now = VM_STATE_STOPPED;
	} else if (now == VM_STATE_PAUSED && need == NEED_AWAKE) {
		r = add_power(p, at, "ResumeVmInstance", e);
		now = VM_STATE_RUNNING;
	}
	if (r < 0 || !wanted || want == now || want == VM_STATE_STOPPED)
		return r;
	if (now == VM_STATE_PAUSED)
		return add_power(p, p->count, "ResumeVmInstance", e);
	if (now != VM_STATE_RUNNING)
		r = add_power(p, p->count, "StartVmInstance", e);
	return r < 0 || want == VM_STATE_RUNNING ? r : add_power(p, p->count, "PauseVmInstance", e);
}

int spec_plan_make(struct spec_plan *p, struct error *e)
{
	int r = spec_members_plan(p, e);

	if (r < 0 || p->object->kind->id != KIND_VM)
		return r;
	return plan_power(p, e);
}

/* The number of steps to @text, or an error. */
static int count_steps(const struct view *view, const struct object *o, const char *text,
		       const struct actor *actor, struct error *e)
{
	_cleanup_json_ json_t *document = NULL;
	_cleanup_(spec_plan_done) struct spec_plan p = {.view = view, .object = o, .actor = actor};
	int r = spec_parse(text, strlen(text), &document, e);

	if (r < 0)
		return r;
	p.document = document;
	r = spec_members_resolve(view, o, document, e);
	if (r == 0)
		r = spec_plan_make(&p, e);
	return r < 0 ? r : (int)p.count;
}

/* True when @text describes the object, whoever asks. */
static bool is_current(const struct view *view, const struct object *o, const char *text)
{
	const struct actor pool = {.source = "fs"};

	return count_steps(view, o, text, &pool, NULL) == 0;
}

int spec_check_text(const struct view *view, const struct object *o, const char *text,
		    const struct actor *actor, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r = count_steps(view, o, text, actor, &why);

	/* -EBUSY depends on a state that may be another one when the job runs. */
	return r >= 0 || r == -EBUSY ? 0 : error_move(e, &why);
}

/* --------------------------------------------------------------------- file */

/* The row of the document that was written last; NULL when there is none. */
static const struct object *row_of(const struct view *view, const char *uuid)
{
	return view_next_where(view, KIND_SPEC, SPEC_RESOURCE_UUID, uuid, 0);
}

int spec_put(struct txn *t, const char *uuid, const char *text, struct error *e)
{
	const struct object *before = row_of(txn_view(t), uuid);
	struct object *o = before ? object_copy(before) : object_new(kind_get(KIND_SPEC));
	char own[UUID_SIZE];

	if (!before) {
		uuid_make(own);
		object_set_str(o, SPEC_UUID, own);
		object_set_str(o, SPEC_RESOURCE_UUID, uuid);
	}
	object_set_str(o, SPEC_TEXT, text);
	return txn_put(t, o, NULL, e);
}

/* The last pending job that writes a spec of the object; NULL when there is none. */
static const struct object *pending_of(const struct view *view, const struct object *o)
{
	const struct operation *op = operation_by_spec(o->kind->id);
	const struct object *last = NULL;

	view_for_each_where (job, view, KIND_JOB, JOB_QUEUE, object_uuid(o)) {
		if (op && object_str_is(job, JOB_OPERATION, op->name))
			last = job;
	}
	return last;
}

static struct document *document_of_job(const struct object *job)
{
	_cleanup_json_ json_t *request = object_json(job, JOB_SECRET_REQUEST);
	const char *text = json_string_value(json_object_get(json_object_get(request, "params"), "spec"));

	return text ? document_new(text, strlen(text), object_int(job, JOB_CREATED)) : NULL;
}

/* The same as spec_document() if it is what was written, NULL if it shows the object. */
static struct document *spec_written(const struct view *view, const struct object *o)
{
	const struct object *job = pending_of(view, o), *row = row_of(view, object_uuid(o));

	if (job)
		return document_of_job(job);
	if (!row || !is_current(view, o, object_text(row, SPEC_TEXT)))
		return NULL;
	return document_new(object_text(row, SPEC_TEXT), strlen(object_text(row, SPEC_TEXT)), row->changed);
}

/* When the rendering of the object changed last: the object with its inventory, or its tags. */
static int64_t changed_at(const struct view *view, const struct object *o)
{
	static const struct {
		enum kind_id kind;
		int field;
	} tags[] = {{KIND_USER_TAG, USER_TAG_RESOURCE_UUID}, {KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID}};
	int64_t changed = o->changed;

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		view_for_each_where (tag, view, tags[i].kind, tags[i].field, object_uuid(o))
			changed = tag->changed > changed ? tag->changed : changed;
	return changed;
}

struct document *spec_document(const struct view *view, const struct object *o)
{
	struct document *d = spec_written(view, o);

	return d ? d : render_json(spec_members_render(view, o), changed_at(view, o));
}

bool spec_is_present(const struct view *view, const struct object *o, const char *text, size_t len)
{
	const struct object *pending = pending_of(view, o);
	_cleanup_document_ struct document *d = NULL;

	/* Another pending job may undo what the document says now. */
	if (pending ? view_next_where(view, KIND_JOB, JOB_QUEUE, object_uuid(o), pending->id) != NULL
		    : job_is_pending_for(view, object_uuid(o)))
		return false;
	d = spec_document(view, o);
	return d && d->len == len && memcmp(d->data, text, len) == 0;
}

/* ----------------------------------------------------------------- requests */

/* Plans a request. The caller frees the plan and *ret_document, which it borrows, also on failure. */
static int plan_request(const struct view *view, const struct request *req, struct spec_plan *ret,
			json_t **ret_document, struct error *e)
{
	const char *text = request_str(req, "spec");
	int r = spec_parse(text, strlen(text), ret_document, e);

	if (r < 0)
		return r;
	*ret = (struct spec_plan){.view = view,
				  .object = request_object(view, req),
				  .document = *ret_document,
				  .actor = &req->actor};
	r = spec_members_resolve(view, ret->object, *ret_document, e);
	return r < 0 ? r : spec_plan_make(ret, e);
}

/*
 * The first step of each member can be checked in full, until a step changes the VM's state. For later steps
 * only the existence of the objects in their parameters is checked.
 */
int spec_check(const struct view *view, const struct request *req, struct error *e)
{
	_cleanup_json_ json_t *document = NULL;
	_cleanup_(spec_plan_done) struct spec_plan p = {0};
	const struct spec_member *before = NULL;
	bool later = false;
	int r = plan_request(view, req, &p, &document, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < p.count; i++) {
		const struct spec_member *m = p.steps[i].member;
		bool follows = i > 0 && (m == before || spec_member_follows(m));

		r = request_check(view, p.steps[i].req, later || follows, e);
		if (r < 0)
			return r;
		before = m;
		later = later || !m;
	}
	return 0;
}

/* The volumes that are attached or are to be attached: other jobs on them have to wait. */
json_t *spec_queues(const struct view *view, const struct request *req)
{
	const struct object *vm = request_object(view, req);
	_cleanup_json_ json_t *document = NULL, *present = NULL;
	const char *text = request_str(req, "spec");
	json_t *queues;

	/* what has been checked in the same change fails for want of memory alone */
	if (vm && (spec_parse(text, strlen(text), &document, NULL) < 0 ||
		   spec_members_resolve(view, vm, document, NULL) < 0))
		return NULL;
	queues = json_object();
	if (!json_object_get(document, "volumes"))
		return queues;
	present = spec_members_render(view, vm);
	if (!present)
		json_decref(steal(&queues));
	spec_volumes_of(present, &queues);
	spec_volumes_of(document, &queues);
	return queues;
}

/* The answer to a dry run: {"steps": [...]} as in the result of the job. */
static json_t *answer_of(const struct spec_plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->count; i++)
		json_add_item(&list, request_to_json(p->steps[i].req, true));
	return json_pack("{s:o}", "steps", list);
}

int spec_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	_cleanup_json_ json_t *document = NULL;
	_cleanup_(spec_plan_done) struct spec_plan p = {0};
	int r = plan_request(txn_view(t), req, &p, &document, e);

	if (r < 0)
		return r;
	if (req->dry_run) {
		*ret_result = answer_of(&p);
		if (!*ret_result)
			return error_oom(e);
	}
	if (p.count)
		return OP_NEEDS_RUN;
	r = spec_put(t, req->target, request_str(req, "spec"), e);
	return r < 0 ? r : OP_NOTHING;
}
