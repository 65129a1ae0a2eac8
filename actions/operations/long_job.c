/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long jobs (actions/engine/long_job.h): submitted with the name of an API message and its parameters as a text, they
 * are jobs of that operation. What is checked of a request when it comes in is checked when the long job is submitted.
 */
#include <errno.h>
#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/long_job.h"
#include "actions/engine/request_check.h"
#include "actions/engine/request_names.h"
#include "actions/engine/result.h"
#include "actions/operations/table.h"
#include "model/json.h"
#include "model/states.h"

/* A run of a long job, before it is written. */
struct run {
	const char *uuid;     /* of the long job; borrowed */
	const char *base_url; /* as in P_BASE_URL, or NULL; borrowed */
	const struct operation *op;
	struct request *request; /* owned */
	json_t *kept; /* owned: name, description and target of the long job, and its data, as far as they are kept */
};

static void run_done(struct run *run)
{
	request_free(run->request);
	json_decref(run->kept);
}

/* ---------------------------------------------------------------- its request */

/* The operation of a message "APIAddImageMsg", also with its package, that can run as a job; NULL: none. */
static const struct operation *find_operation(const char *name)
{
	const char *dot = strrchr(name, '.');

	name = dot ? dot + 1 : name;
	for (const struct operation *const *op = operations(); *op; op++)
		if (strcmp(strrchr((*op)->message, '.') + 1, name) == 0)
			return (*op)->apply || (*op)->run ? *op : NULL;
	return NULL;
}

/*
 * What of the parameters @given may be kept and shown: what the operation knows, as it is shown with its job. Sets
 * *ret_secrets when that is less than was given.
 */
static json_t *shown_data(const struct request *req, const json_t *given, bool *ret_secrets)
{
	_cleanup_json_ json_t *shown = request_to_json(req, true);
	const json_t *params = json_object_get(shown, "params");
	const json_t *tags = json_object_get(shown, "systemTags");
	json_t *data = json_object();

	if (!shown)
		json_decref(steal(&data));
	*ret_secrets = !json_equal(tags, req->system_tags);
	for (const struct param *p = req->op->params; p && p->name; p++) {
		json_t *value = json_object_get(given, p->name), *masked = json_object_get(params, p->name);

		if (!value || (p->flags & PARAM_BASE))
			continue;
		if (masked && !json_equal(masked, json_object_get(req->params, p->name))) {
			*ret_secrets = true;
			value = masked;
		}
		json_add_member(&data, p->name, json_incref(value));
	}
	if (json_array_size(tags))
		json_add_member(&data, "systemTags", json_incref_const(tags));
	if (json_array_size(req->user_tags))
		json_add_member(&data, "userTags", json_incref(req->user_tags));
	return data;
}

/* The parameters as the operation takes them: where poolfs-rest is, only that says. */
static json_t *own_params(const struct run *run, json_t *given)
{
	json_t *params = json_copy_whole(given);

	for (const struct param *p = run->op->params; params && p && p->name; p++) {
		if (!(p->flags & PARAM_BASE))
			continue;
		(void)json_object_del(params, p->name);
		if (run->base_url)
			json_add_member(&params, p->name, json_string(run->base_url));
	}
	return params;
}

/* Makes the request of the run with the parameters @given (borrowed), and keeps them. */
static int make_request(struct run *run, json_t *given, const struct actor *actor, struct error *e)
{
	const struct operation *op = run->op;
	const char *target = op->target ? json_string_value(json_object_get(given, op->target)) : NULL;
	_cleanup_json_ json_t *params = own_params(run, given);
	_cleanup_json_ json_t *document = params ? json_pack("{s:O}", "params", params) : NULL;
	_cleanup_free_ char *text = json_text(given, JSON_COMPACT);
	bool secrets = false;
	int r;

	if (!document || !text)
		return error_oom(e);
	if (op->target && !target)
		return error_set_code(e, EINVAL, "SYS.1007", "jobData has no '%s', which '%s' needs",
				      op->target, op->name);
	r = request_from_document(op, target, document, text, strlen(text), actor, &run->request, e);
	if (r < 0)
		return r;
	if (run->request->dry_run)
		return error_set(e, EINVAL, "'validationOnly' is for requests, not for long jobs");
	if (json_object_set_new(run->kept, "data", shown_data(run->request, given, &secrets)) < 0 ||
	    json_object_set_new(run->kept, "secrets", json_boolean(secrets)) < 0)
		return error_oom(e);
	return 0;
}

/* As request_check(), of the request of the run as one that comes in. */
static int check_run(const struct view *view, struct run *run, struct error *e)
{
	int r = request_names_resolve(view, run->request, e);
	bool busy = run->op->target && job_is_pending_for(view, request_queue(view, run->request));

	return r < 0 ? r : request_check(view, run->request, busy, e);
}

/* ---------------------------------------------------------------- submitting */

static int prepare_submission(const struct request *req, struct run *run, struct error *e)
{
	const char *name = request_str(req, "jobName");
	_cleanup_json_ json_t *data = json_loads(request_str(req, "jobData"), JSON_REJECT_DUPLICATES, NULL);

	run->op = find_operation(name);
	if (!run->op || run->op->kind == KIND_LONG_JOB)
		return error_set_code(e, EINVAL, "SYS.1007",
				      "'%s' is no operation that can be a long job, 'APIAddImageMsg' is one",
				      name);
	if (!json_is_object(data))
		return error_set_code(e, EINVAL, "SYS.1007",
				      "jobData must be a JSON object, with the parameters of '%s'", name);
	run->uuid = request_str(req, "resourceUuid");
	run->base_url = request_str(req, "baseUrl");
	run->kept =
		json_pack("{s:s?, s:s?, s:s?}", "name", request_str(req, "name"), "description",
			  request_str(req, "description"), "target", request_str(req, "targetResourceUuid"));
	if (!run->kept)
		return error_oom(e);
	return make_request(run, data, &req->actor, e);
}

static int submit_check(const struct view *view, const struct request *req, struct error *e)
{
	_cleanup_(run_done) struct run run = {0};
	int r = prepare_submission(req, &run, e);

	if (r < 0)
		return r;
	if (view_get_any(view, run.uuid) || long_job_row(view, run.uuid))
		return error_set(e, EEXIST, "the uuid '%s' is in use already", run.uuid);
	r = check_run(view, &run, e);
	return r < 0 ? r : 0;
}

/* Writes the job of the run; @done: what check_run() says. */
static int write_run(struct txn *t, const struct run *run, int done, struct error *e)
{
	const struct object *row;
	struct object *job;
	int r = job_insert(t, run->request, &row, e);

	if (r < 0)
		return r;
	job = object_copy(row);
	if (!job)
		return error_oom(e);
	object_set_str(job, JOB_LONG_JOB_UUID, run->uuid);
	if (job_set_json(job, JOB_LONG_JOB, json_incref(run->kept)) < 0) {
		object_unref(job);
		return error_oom(e);
	}
	r = txn_put(t, job, NULL, e);
	if (r < 0 || done == 0)
		return r;
	return job_finish(t, run->request->job, NULL, NULL, e); /* there is nothing to do */
}

static int submit_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	_cleanup_(run_done) struct run run = {0};
	int r = prepare_submission(req, &run, e);

	if (r < 0)
		return r;
	r = check_run(txn_view(t), &run, e);
	if (r >= 0)
		r = write_run(t, &run, r, e);
	return r < 0 ? r : long_job_result(txn_view(t), run.uuid, ret_result, e);
}

/* ---------------------------------------------------- those that are there */

/*
 * The row of the long job `uuid`, borrowed; NULL: none that the account may see. Only its owner sees it, and what it may
 * see it may change.
 */
static const struct object *find_row(const struct view *view, const struct request *req)
{
	const struct object *job = long_job_row(view, request_str(req, "uuid"));

	return job && access_shows(view, &req->actor, job) ? job : NULL;
}

static int error_unknown(struct error *e, const struct request *req)
{
	return error_set_code(e, ENOENT, "SYS.1003",
			      "invalid field[uuid], resource[uuid:%s, type:%s] not found",
			      request_str(req, "uuid"), kind_get(KIND_LONG_JOB)->vo);
}

static bool has_ended(const struct object *job)
{
	return job_state_is_final(object_text(job, JOB_STATE));
}

/* The sentences are those of the manual's server. */
static int cancel_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *job = find_row(view, req);

	if (!job)
		return error_unknown(e, req);
	if (object_str_is(job, JOB_STATE, JOB_STATE_DONE))
		return error_set(e, EBUSY, "cannot cancel longjob that is succeeded");
	if (object_str_is(job, JOB_STATE, JOB_STATE_FAILED))
		return error_set(e, EBUSY, "cannot cancel longjob that is failed");
	return 0;
}

static int cancel_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *job = find_row(txn_view(t), req);
	int r = 0;

	if (!job)
		return error_unknown(e, req);
	if (!has_ended(job))
		r = job_cancel(t, object_uuid(job), e);
	return r < 0 ? r : long_job_result(txn_view(t), request_str(req, "uuid"), ret_result, e);
}

static int delete_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *job = find_row(view, req);

	return !job || has_ended(job)
		       ? 0
		       : error_set(e, EBUSY, "delete longjob only when it's succeeded, canceled, or failed");
}

static int delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *job = find_row(txn_view(t), req);

	(void)ret_result;
	return job ? txn_remove(t, job, e) : 0;
}

/* Also one that an administrator runs again stays its account's, and may do what that account may. */
static int prepare_again(const struct request *req, const struct object *job, struct run *run,
			 struct error *e)
{
	struct actor actor = req->actor;

	snprintf(actor.account, sizeof(actor.account), "%s", object_text(job, JOB_ACCOUNT_UUID));
	run->uuid = request_str(req, "uuid");
	run->op = operation_by_name(object_text(job, JOB_OPERATION));
	run->base_url = request_str(req, "baseUrl");
	run->kept = object_json(job, JOB_LONG_JOB);
	if (!run->op || !run->kept)
		return error_set(e, EPROTO, "the long job '%s' is of an operation that is no more",
				 run->uuid);
	if (json_is_true(json_object_get(run->kept, "secrets")))
		return error_set(
			e, EBUSY,
			"the long job '%s' was submitted with secrets, which are not kept: submit it anew",
			run->uuid);
	return make_request(run, json_object_get(run->kept, "data"), &actor, e);
}

static int rerun_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *job = find_row(view, req);
	_cleanup_(run_done) struct run run = {0};
	int r;

	if (!job)
		return error_unknown(e, req);
	if (!has_ended(job))
		return error_set(e, EBUSY, "rerun longjob only when it's succeeded, canceled, or failed");
	r = prepare_again(req, job, &run, e);
	if (r == 0)
		r = check_run(view, &run, e);
	return r < 0 ? r : 0;
}

/* A worker may still be busy with the former job, which has run out of time: so it is another job. */
static int rerun_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *job = find_row(txn_view(t), req);
	_cleanup_(run_done) struct run run = {0};
	int r, done;

	if (!job)
		return error_unknown(e, req);
	r = prepare_again(req, job, &run, e);
	if (r < 0)
		return r;
	done = check_run(txn_view(t), &run, e);
	if (done < 0)
		return done;
	r = txn_remove(t, job, e);
	if (r == 0)
		r = write_run(t, &run, done, e);
	return r < 0 ? r : long_job_result(txn_view(t), run.uuid, ret_result, e);
}

static int update_check(const struct view *view, const struct request *req, struct error *e)
{
	return find_row(view, req) ? 0 : error_unknown(e, req);
}

static int update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *row = find_row(txn_view(t), req);
	_cleanup_json_ json_t *kept = row ? object_json(row, JOB_LONG_JOB) : NULL;
	struct object *job;
	int r;

	if (!row)
		return error_unknown(e, req);
	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "description" : "name", *text = request_str(req, name);

		if (text && json_object_set_new(kept, name, json_string(text)) < 0)
			return error_oom(e);
	}
	job = object_copy(row);
	if (!job || job_set_json(job, JOB_LONG_JOB, json_incref(kept)) < 0) {
		object_unref(job);
		return error_oom(e);
	}
	r = txn_put(t, job, NULL, e);
	return r < 0 ? r : long_job_result(txn_view(t), request_str(req, "uuid"), ret_result, e);
}

/* ---------------------------------------------------------------- queries */

static int derive_one(struct view *derived, const struct view *view, const struct object *job)
{
	_cleanup_object_ struct object *o = long_job_object(view, job);

	if (!o)
		return -ENOMEM;
	o->id = job->id;
	return view_put(derived, o);
}

/* Clients ask for one again and again until it has ended: all of them would be a lot of work, and of memory. */
static struct view *long_jobs_derive(const struct view *view, const char *account, const char *uuid)
{
	_cleanup_view_ struct view *derived = view_copy(view, view_version(view));
	int64_t after = 0;
	const struct object *job;
	struct view_walk walk;

	view_walk_init(&walk, view, KIND_JOB, JOB_LONG_JOB_UUID);
	while (derived && (job = uuid ? view_next_where(view, KIND_JOB, JOB_LONG_JOB_UUID, uuid, after)
				      : view_walk_next(&walk))) {
		after = job->id;
		if (object_is_null(job, JOB_LONG_JOB_UUID) ||
		    (account && !object_str_is(job, JOB_ACCOUNT_UUID, account)))
			continue;
		if (derive_one(derived, view, job) < 0)
			return NULL;
	}
	return steal(&derived);
}

/* ------------------------------------------------------------------- the rows */

/* An object that is made for each query: see find_row(). */
#define P_LONG_JOB                                                                                           \
	{                                                                                                    \
		.name = "uuid", .type = PARAM_STRING, .in = IN_PATH, .flags = PARAM_REQUIRED | PARAM_MAYBE,  \
		.resource = KIND_LONG_JOB                                                                    \
	}

static const struct operation submit_long_job = {
	.section = "5.4",
	.name = "SubmitLongJob",
	.message = "org.zstack.header.longjob.APISubmitLongJobMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/longjobs", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			{.name = "name", .type = PARAM_STRING, .in = IN_BODY, .max_length = NAME_LENGTH_MAX},
			P_DESCRIPTION,
			{.name = "jobName",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .max_length = 255},
			{.name = "jobData",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED | PARAM_SECRET | PARAM_LINES},
			{.name = "targetResourceUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_ANY_KIND},
			P_RESOURCE_UUID,
			P_BASE_URL,
			{0}},
	.results = (const char *const[]){"inventory:LongJobInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_LONG_JOB,
	.help = "runs an operation, jobName=APIAddImageMsg, with the parameters in jobData, a text with a JSON object, as a long job",
	.check = submit_check,
	.apply = submit_apply,
};

static const struct operation query_long_job = {
	.section = "5.4",
	.name = "QueryLongJob",
	.message = "org.zstack.header.longjob.APIQueryLongJobMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/longjobs", "/longjobs/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_LONG_JOB,
	.flags = OP_SYNC,
	.help = "lists long jobs",
	.derive = long_jobs_derive,
};

static const struct operation cancel_long_job = {
	.section = "5.4",
	.name = "CancelLongJob",
	.message = "org.zstack.header.longjob.APICancelLongJobMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/longjobs/{uuid}/actions", NULL},
	.key = "cancelLongJob",
	.params = (const struct param[]){P_LONG_JOB, {0}},
	.own_results = (const char *const[]){"inventory:LongJobInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_LONG_JOB,
	.flags = OP_DESTROYS,
	.help = "cancels the job that runs the long job, see CancelJob",
	.check = cancel_check,
	.apply = cancel_apply,
};

static const struct operation rerun_long_job = {
	.section = "5.4",
	.name = "RerunLongJob",
	.message = "org.zstack.header.longjob.APIRerunLongJobMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/longjobs/{uuid}/actions", NULL},
	.key = "rerunLongJob",
	.params = (const struct param[]){P_LONG_JOB, P_BASE_URL, {0}},
	.results = (const char *const[]){"inventory:LongJobInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_LONG_JOB,
	.help = "runs a long job that has ended once more, by another job",
	.check = rerun_check,
	.apply = rerun_apply,
};

static const struct operation update_long_job = {
	.section = "5.4",
	.name = "UpdateLongJob",
	.message = "org.zstack.header.longjob.APIUpdateLongJobMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/longjobs/{uuid}/actions", NULL},
	.key = "updateLongJob",
	.params = (const struct param[]){P_LONG_JOB, P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:LongJobInventory", NULL},
	.form = FORM_CALL,
	.kind = KIND_LONG_JOB,
	.help = "changes name and description of a long job",
	.check = update_check,
	.apply = update_apply,
};

static const struct operation delete_long_job = {
	.section = "5.4",
	.name = "DeleteLongJob",
	.message = "org.zstack.header.longjob.APIDeleteLongJobMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/longjobs/{uuid}", NULL},
	.params = (const struct param[]){P_LONG_JOB, P_DELETE_MODE, {0}},
	.form = FORM_CALL,
	.kind = KIND_LONG_JOB,
	.flags = OP_DESTROYS,
	.help = "forgets a long job that has ended, with the job that has run it",
	.check = delete_check,
	.apply = delete_apply,
};

const struct operation *const operations_long_job[] = {
	&submit_long_job,
	&query_long_job,
	&cancel_long_job,
	&rerun_long_job,
	&update_long_job,
	&delete_long_job,
	NULL,
};
