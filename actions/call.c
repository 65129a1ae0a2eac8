/* SPDX-License-Identifier: Apache-2.0 */
/* See call.h. */
#include "actions/call.h"

#include <inttypes.h>
#include <string.h>

#include "actions/account/access_key.h"
#include "actions/account/session.h"
#include "actions/engine/query_operation.h"
#include "actions/engine/request_names.h"
#include "actions/engine/result.h"
#include "actions/engine/submit.h"
#include "model/access.h"
#include "model/json.h"
#include "model/json_out.h"
#include "model/query_run.h"

/* Queries over more objects than this run in a worker, when it is the turn of their client. */
#define QUICK_QUERY 64

struct call {
	struct pool *pool;
	struct view *view; /* owned */
	const struct operation *op;
	json_t *document; /* owned; without `signed` */
	json_t *signed_;  /* owned: the member `signed`, or NULL */
	char *text;	  /* owned: the document without that member; NULL: as it was given */
	struct actor actor;
	bool schema;
	const char *
		ended; /* uuid of a session of the client that has ended, borrowed from `document`; or NULL */
	bool serves_others;  /* as in struct call_user */
	bool is_for_client;  /* it has an `address` */
	char job[UUID_SIZE]; /* as in struct call_user; "" = any */
	call_answer_fn *answer;
	void *arg;
	/* For queries: */
	struct query *query; /* owned */
	int64_t deadline;    /* as pool_query_deadline() */
};

static void call_free(struct call *call)
{
	query_free(call->query);
	view_unref(call->view);
	json_decref(call->document);
	json_decref(call->signed_);
	free(call->text);
	free(call);
}

/* ----------------------------------------------------------------- answers */

/* Answers with the text of the whole answer, without its last newline; ends the call. */
static void finish_text(struct call *call, struct draft *text)
{
	draft_add(text, "\n", 1);
	call->answer(call->arg, draft_end(text, store_now()));
	call_free(call);
}

/* Answers with the word @what, and with @body (taken over) or @sentence, one of which is NULL; ends the call. */
static void finish(struct call *call, const char *what, json_t *body, const char *sentence)
{
	struct draft text = {0};
	struct json_out out = {.text = &text};

	draft_add(&text, what, strlen(what));
	draft_add(&text, "\n", 1);
	if (body)
		json_out_value(&out, NULL, body);
	text.failed = json_out_failed(&out);
	if (sentence)
		draft_add(&text, sentence, strlen(sentence));
	json_decref(body);
	finish_text(call, &text);
}

static void finish_error(struct call *call, const char *what, const struct error *e)
{
	finish(call, what, json_pack("{s:o}", "error", error_to_json(e)), NULL);
}

/* The result of a job has the schema of the job's operation. */
static void add_schema(const struct call *call, json_t *body)
{
	const char *uuid =
		json_string_value(json_object_get(json_object_get(call->document, "params"), "uuid"));
	const struct object *job = NULL;
	const struct operation *op = call->op;
	_cleanup_view_ struct view *view = store_view(pool_store(call->pool));

	if (op->flags & OP_JOB_RESULT)
		job = uuid ? view_get(view, KIND_JOB, uuid) : NULL;
	if (job)
		op = operation_by_name(object_text(job, JOB_OPERATION));
	if (op)
		(void)result_add_schema(op, view, body);
}

/* ----------------------------------------------------------------- queries */

static void query_work(void *arg)
{
	struct call *call = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct draft text = {0};
	struct json_out out = {.text = &text};
	char what[32];

	snprintf(what, sizeof(what), "ok %" PRId64 "\n", store_stamp(pool_store(call->pool), call->view));
	draft_add(&text, what, strlen(what));
	if (query_operation_run(call->op, call->view, call->actor.account, call->query, call->deadline, &out,
				&e) < 0) {
		draft_done(&text);
		finish_error(call, "error", &e);
		return;
	}
	finish_text(call, &text);
}

static int parse_query(struct call *call, const char *uuid, struct error *e)
{
	const char *text = json_string_value(json_object_get(call->document, "query"));
	const struct name_place place = {call->view, call->actor.account, call->op->kind, "uuid"};
	_cleanup_free_ char *condition = NULL;
	int r = query_parse(kind_get(call->op->kind), text ? text : "", &call->query, e);

	if (r == 0)
		r = query_operation_restrict(call->op, call->view, call->actor.account, call->query, e);
	if (r < 0 || !uuid)
		return r;
	/*
	 * A single object is `inventory` in the manual but a list in its server: answer both (behaviour.md
	 * 2.7).
	 */
	query_show_single(call->query);
	r = request_name_find(&place, uuid, &uuid, e);
	if (r < 0)
		return r;
	if (asprintf(&condition, "uuid=%s", uuid) < 0) {
		condition = NULL;
		return error_oom(e);
	}
	return query_add_condition(call->query, condition, e);
}

static void start_query(struct call *call)
{
	const char *uuid =
		json_string_value(json_object_get(json_object_get(call->document, "params"), "uuid"));
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char client[64];

	if (parse_query(call, uuid, &e) < 0) {
		if (error_is_set(&e) && strcmp(e.code, "SYS.1007") == 0)
			finish(call, "invalid", NULL, error_sentence(&e));
		else
			finish_error(call, "error", &e);
		return;
	}
	call->deadline = pool_query_deadline(call->view);
	if (!call->op->derive && query_is_quick(call->query) && kind_get(call->op->kind)->end_field < 0 &&
	    (uuid || view_count(call->view, call->op->kind) <= QUICK_QUERY)) {
		query_work(call);
		return;
	}
	snprintf(client, sizeof(client), "account %s", call->actor.account);
	if (pool_take_turn(call->pool, client, query_work, call) < 0) {
		(void)error_oom(&e);
		finish_error(call, "error", &e);
	}
}

/* -------------------------------------------------------- Gets and requests */

static void answer_get(void *arg, int result, json_t *json, const struct error *e)
{
	struct call *call = arg;

	if (result == 0) {
		if (call->schema)
			add_schema(call, json);
		finish(call, "ok", json, NULL);
	} else if (result == -EINPROGRESS) {
		finish(call, "wait", NULL, NULL);
	} else if (result == -ENODATA) {
		finish(call, "gone", NULL, NULL);
	} else {
		finish_error(call, "error", e);
	}
}

/* With @body, taken over; NULL: memory is short. */
static void answer_ok(struct call *call, json_t *body)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (body) {
		finish(call, "ok", body, NULL);
		return;
	}
	(void)error_oom(&e);
	finish_error(call, "error", &e);
}

static void answer_request(void *arg, int result, const char *job, const json_t *answer,
			   const struct error *e)
{
	struct call *call = arg;

	if (job)
		finish(call, "job", json_pack("{s:s}", "job", job), NULL);
	else if (result == -EEXIST)
		finish_error(call, "conflict", e);
	else if (result < 0)
		finish_error(call, "error", e);
	else
		answer_ok(call, answer ? json_copy_whole(answer) : json_object());
}

static void start_operation(struct call *call, const char *target, const char *text, size_t len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct request *req = NULL;
	int r = request_from_document(call->op, target, call->document, text, len, &call->actor, &req, &e);

	if (req && !req->job_chosen && *call->job)
		memcpy(req->job, call->job, UUID_SIZE);
	if (r < 0 && (!req || call->op->get)) {
		request_free(req);
		finish_error(call, "error", &e);
	} else if (r < 0) {
		pool_refuse(call->pool, req, &e, answer_request, call);
	} else if (call->op->get) {
		pool_get(call->pool, req, answer_get, call);
	} else {
		pool_submit(call->pool, req, answer_request, call);
	}
}

/* ----------------------------------------------------------------- the call */

static bool shares_route(const struct operation *a, const struct operation *b)
{
	return a->method == b->method && a->target && b->target && strcmp(a->paths[0], b->paths[0]) == 0 &&
	       (a->key ? b->key && strcmp(a->key, b->key) == 0 : !b->key);
}

/* Of several operations with the same route, returns that of the kind of the object (`/tags/{uuid}`). */
static const struct operation *operation_of_target(const struct view *view, const struct operation *op,
						   const char *target)
{
	if (!target || !op->target || view_get(view, op->kind, target))
		return op;
	for (const struct operation *const *other = operations(); *other; other++)
		if (shares_route(op, *other) && view_get(view, (*other)->kind, target))
			return *other;
	return op;
}

/* Not of what is shown to nobody, and not of long texts, for which the thread that receives would have to wait. */
#define NOT_LOOKED_AT (F_HIDDEN | F_SECRET | F_COMPRESSED)

/* True when all members of @params that are fields of the kind, not parameters, have the values of @o. */
static bool has_fields(const struct operation *op, const struct object *o, json_t *params)
{
	const char *name;
	json_t *value;
	int fields = 0;

	json_object_foreach (params, name, value) {
		int field = operation_param(op, name) ? -1 : kind_field(o->kind, name);

		if (field < 0 || o->kind->fields[field].type != FIELD_STRING ||
		    (o->kind->fields[field].flags & NOT_LOOKED_AT))
			continue;
		if (!object_str_is(o, field, json_string_value(value)))
			return false;
		fields++;
	}
	return fields > 0;
}

/*
 * The uuid of the object, from the parameters or by its fields (`/global-configurations/{category}/{name}`).
 */
static const char *find_target(const struct call *call, json_t *params)
{
	const char *given =
		call->op->target ? json_string_value(json_object_get(params, call->op->target)) : NULL;

	if (given || !call->op->target || call->op->form != FORM_VERB)
		return given;
	view_for_each (o, call->view, call->op->kind)
		if (has_fields(call->op, o, params))
			return object_uuid(o);
	return NULL;
}

/* Two requests that differ in their signatures only are the same request, whose digest is made of the text. */
static int take_signature(struct call *call, struct error *e)
{
	json_t *given = json_object_get(call->document, "signed");

	if (!given)
		return 0;
	if (!call->serves_others || !json_is_object(given))
		return error_set(e, EINVAL, "'signed' is for a program that serves others, see 'rest-user'");
	call->signed_ = json_incref(given);
	(void)json_object_del(call->document, "signed");
	call->text = json_text(call->document, JSON_COMPACT);
	return call->text ? 0 : error_oom(e);
}

static int parse_document(struct call *call, const char *text, size_t len, struct error *e)
{
	json_error_t why;
	const char *name, *address;

	call->document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!call->document)
		return error_set(e, EINVAL, "bad JSON in line %d, column %d: %s", why.line, why.column,
				 why.text);
	address = json_string_value(json_object_get(call->document, "address"));
	call->is_for_client = address != NULL;
	if (address && call->serves_others)
		snprintf(call->actor.address, sizeof(call->actor.address), "%s", address);
	name = json_string_value(json_object_get(call->document, "operation"));
	if (!name)
		return error_set(e, EINVAL, "the document names no 'operation'");
	call->op = operation_by_name(name);
	if (!call->op)
		return error_set(e, EINVAL, "there is no operation '%.64s'", name);
	call->schema = json_is_true(json_object_get(call->document, "schema"));
	call->ended = json_string_value(json_object_get(call->document, "endedSession"));
	return take_signature(call, e);
}

/* False when the call was ended. */
static bool take_document(struct call *call, const char *text, size_t len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (parse_document(call, text, len, &e) == 0)
		return true;
	finish(call, "invalid", NULL, error_sentence(&e));
	return false;
}

static int error_session(struct error *e)
{
	return error_set_code(e, EACCES, "ID.1001", "Session expired");
}

static const char *signed_text(const struct call *call, const char *name)
{
	const char *text = json_string_value(json_object_get(call->signed_, name));

	return text ? text : "";
}

/* As take_session(), for a request that is signed. */
static bool take_signer(struct call *call)
{
	const json_t *named = json_object_get(call->signed_, "east");
	const int east = (int)json_integer_value(named);
	const struct signed_request request = {.id = signed_text(call, "id"),
					       .signature = signed_text(call, "signature"),
					       .method = signed_text(call, "method"),
					       .date = signed_text(call, "date"),
					       .path = signed_text(call, "path"),
					       .east = json_is_integer(named) ? &east : NULL};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const char *account;

	if (access_key_verify(call->view, &request, store_now(), &account, &e) < 0) {
		finish(call, "forbidden", NULL, error_sentence(&e));
		return false;
	}
	snprintf(call->actor.account, sizeof(call->actor.account), "%s", account);
	return true;
}

/* Sets the account that the call acts as. False when the call was ended. */
static bool take_session(struct call *call, const char *session, const char *user_account)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct object *o = session ? session_find(call->view, session) : NULL;

	if (call->signed_ && !(call->op->flags & OP_NO_SESSION))
		return take_signer(call);
	if (o) {
		session_touch(call->pool, call->view, o);
		snprintf(call->actor.account, sizeof(call->actor.account), "%s",
			 object_text(o, SESSION_ACCOUNT_UUID));
		return true;
	}
	if (call->op->flags & OP_NO_SESSION)
		return true;
	if (!session && !call->is_for_client && *user_account) {
		snprintf(call->actor.account, sizeof(call->actor.account), "%s", user_account);
		return true;
	}
	(void)error_session(&e);
	finish_error(call, "session", &e);
	return false;
}

/*
 * Whoever waits for a web hook does not poll: its call becomes a failed job of the account that the session was of.
 * Others, who may never have logged in, cannot make the pool call anybody.
 */
static bool tell_ended(struct call *call, const char *text, size_t len)
{
	const char *account = session_ended_account(call->view, call->ended);
	json_t *params = json_object_get(call->document, "params");
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct request *req = NULL;
	int r;

	if (!account || call->op->get || call->op->form == FORM_QUERY)
		return false;
	snprintf(call->actor.account, sizeof(call->actor.account), "%s", account);
	r = request_from_document(call->op, find_target(call, params), call->document, text, len,
				  &call->actor, &req, &e);
	if (!req || !req->web_hook || !req->job_chosen) {
		request_free(req);
		return false;
	}
	if (r == 0)
		(void)error_session(&e);
	pool_refuse(call->pool, req, &e, answer_request, call);
	return true;
}

void pool_call(struct pool *pool, const char *session, const struct call_user *user, const char *text,
	       size_t len, call_answer_fn *answer, void *arg)
{
	struct call *call = calloc(1, sizeof(*call));
	const char *target;

	if (!call) {
		answer(arg, NULL);
		return;
	}
	*call = (struct call){.pool = pool,
			      .view = store_view(pool_store(pool)),
			      .actor = {.uid = user->uid, .source = "rest"},
			      .serves_others = user->serves_others,
			      .answer = answer,
			      .arg = arg};
	if (user->job)
		memcpy(call->job, user->job, UUID_SIZE);
	if (!user->serves_others)
		snprintf(call->actor.address, sizeof(call->actor.address), "user %" PRId64, user->uid);
	if (!take_document(call, text, len) || tell_ended(call, text, len) ||
	    !take_session(call, session, user->account ? user->account : ""))
		return;
	if (call->text) {
		text = call->text;
		len = strlen(text);
	}
	target = find_target(call, json_object_get(call->document, "params"));
	call->op = operation_of_target(call->view, call->op, target);
	if (call->op->form == FORM_QUERY)
		start_query(call);
	else
		start_operation(call, target, text, len);
}
