/* SPDX-License-Identifier: Apache-2.0 */
/* Makes requests from text, JSON and rows. See request.h; params.c has the types of parameters. */
#include "actions/engine/request.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "actions/engine/params.h"
#include "actions/engine/request_names.h"
#include "actions/engine/shortform.h"
#include "actions/engine/url.h"
#include "model/access.h"
#include "model/json.h"
#include "model/json_out.h"
#include "model/url.h"

/* Members at the top of a document that are not parameters (behaviour.md 1.3, tree.md 18). */
static const char *const envelope[] = {"systemTags", "userTags", "jobUuid", "webHook", "params"};

struct cause request_cause(const struct request *req)
{
	struct cause cause = {.uid = req->actor.uid, .source = req->actor.source};

	snprintf(cause.job, sizeof(cause.job), "%s", req->job);
	snprintf(cause.account, sizeof(cause.account), "%s", req->actor.account);
	return cause;
}

void request_free(struct request *req)
{
	if (!req)
		return;
	json_decref(req->params);
	json_decref(req->system_tags);
	json_decref(req->user_tags);
	free(req->web_hook);
	free(req);
}

/* ---------------------------------------------------------------- parsing */

/* A request before its parameters are typed. All pointers are borrowed from `root`. */
struct parsed {
	json_t *root; /* owned */
	const struct operation *op;
	json_t *body; /* parameters, or NULL */
	bool strict;  /* short form: an unknown parameter is an error */
};

static void parsed_done(struct parsed *p)
{
	json_decref(p->root);
}

static int unknown_verb(enum kind_id kind, const char *verb, struct error *e)
{
	return error_set(e, EINVAL, "unknown verb '%s' for a %s, 'actions' lists the verbs", verb,
			 kind_get(kind)->noun);
}

static int parse_json(struct parsed *p, enum kind_id kind, const char *text, size_t len, struct error *e)
{
	json_error_t why;
	const char *name;
	json_t *value, *inner;

	p->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!p->root)
		return error_set(e, EINVAL, "bad JSON in line %d, column %d: %s", why.line, why.column,
				 why.text);
	inner = json_object_get(p->root, "params");
	if (p->op) {
		p->body = json_is_object(inner) ? inner
			  : p->op->key		? json_object_get(p->root, p->op->key)
						: NULL;
		if (!json_is_object(p->body))
			p->body = p->root;
		return 0;
	}
	/* {"startVmInstance": {...}}, or that below "params", as the manual has it, too (behaviour.md 2.7) */
	json_object_foreach (json_is_object(inner) ? inner : p->root, name, value) {
		p->op = operation_by_verb(kind, name);
		if (!p->op)
			continue;
		p->body = json_is_object(value) ? value : NULL;
		return 0;
	}
	return error_set(e, EINVAL, "the document names no verb of a %s, 'actions' lists the verbs",
			 kind_get(kind)->noun);
}

/* The short form repeats a parameter for a list: one tag is a list of one. Tags may have commas in them. */
static int listify(json_t *body, const char *name, struct error *e)
{
	json_t *value = json_object_get(body, name);

	return json_is_string(value) && json_object_set_new(body, name, json_pack("[O]", value)) < 0
		       ? error_oom(e)
		       : 0;
}

static int parse_short(struct parsed *p, enum kind_id kind, const char *text, size_t len, bool *ret_dry_run,
		       struct error *e)
{
	static const char dry[] = "dry-run ";
	_cleanup_free_ char *line = NULL;
	const char *verb;
	int r;

	if (len > sizeof(dry) - 1 && memcmp(text, dry, sizeof(dry) - 1) == 0) {
		*ret_dry_run = true;
		text += sizeof(dry) - 1;
		len -= sizeof(dry) - 1;
	}
	/* A `create` file needs no verb. */
	r = asprintf(&line, "%s%.*s", p->op ? "create " : "", (int)len, text);
	if (r < 0) {
		line = NULL;
		return error_oom(e);
	}
	r = shortform_parse(line, (size_t)r, &p->root, e);
	if (r < 0)
		return r;
	verb = json_string_value(json_object_get(p->root, "verb"));
	if (!p->op)
		p->op = operation_by_verb(kind, verb);
	if (!p->op)
		return unknown_verb(kind, verb, e);
	p->body = json_object_get(p->root, "params");
	p->strict = true;
	r = listify(p->body, "systemTags", e);
	return r < 0 ? r : listify(p->body, "userTags", e);
}

static int not_strings(const char *name, struct error *e)
{
	return error_set(e, EINVAL, "'%s' must be a list of strings", name);
}

static int take_tags(const json_t *outer, const json_t *inner, const char *name, json_t **ret,
		     struct error *e)
{
	const json_t *given = json_object_get(outer, name);
	size_t i;
	json_t *tag;

	if (!json_is_array(given))
		given = json_object_get(inner, name);
	*ret = json_array();
	if (!*ret)
		return error_oom(e);
	if (given && !json_is_array(given) && !json_is_null(given))
		return not_strings(name, e);
	if (json_array_size(given) > REQUEST_ITEMS)
		return error_set(e, E2BIG, "'%s' has %zu items, at most %d are accepted", name,
				 json_array_size(given), REQUEST_ITEMS);
	json_array_foreach (given, i, tag) {
		int r;

		if (!json_is_string(tag))
			return not_strings(name, e);
		r = strcmp(name, "systemTags") == 0 ? params_check_system_tag(name, json_string_value(tag), e)
						    : params_check_user_tag(name, json_string_value(tag), e);
		if (r < 0)
			return r;
		if (json_array_append(*ret, tag) < 0)
			return error_oom(e);
	}
	return 0;
}

/* jobUuid, webHook and tags. */
static int take_envelope(struct request *req, const struct parsed *p, struct error *e)
{
	const char *job = json_string_value(json_object_get(p->root, "jobUuid"));
	const char *hook = json_string_value(json_object_get(p->root, "webHook"));
	json_t *tag;
	size_t i;
	int r;

	if (job) {
		if (!uuid_is_hex(job))
			return error_set(e, EINVAL, "'jobUuid' must be 32 lower-case hex digits");
		memcpy(req->job, job, UUID_SIZE);
		req->job_chosen = true;
	}
	if (hook) {
		r = url_check(hook, URL_OF_WEB_HOOK, e);
		if (r < 0)
			return r;
		req->web_hook = strdup(hook);
		if (!req->web_hook)
			return error_oom(e);
	}
	req->schema = json_is_true(json_object_get(p->root, "schema"));
	r = take_tags(p->root, p->body, "systemTags", &req->system_tags, e);
	if (r < 0)
		return r;
	r = take_tags(p->root, p->body, "userTags", &req->user_tags, e);
	if (r < 0)
		return r;
	json_array_foreach (req->system_tags, i, tag) {
		if (strcmp(json_string_value(tag), "validationOnly") != 0)
			continue;
		req->dry_run = true;
		(void)json_array_remove(req->system_tags, i--);
	}
	return 0;
}

static bool is_envelope(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(envelope); i++)
		if (strcmp(envelope[i], name) == 0)
			return true;
	return false;
}

static int refuse_unknown(const struct parsed *p, struct error *e)
{
	const char *name;
	json_t *value;

	json_object_foreach (p->body, name, value) {
		if (!operation_param(p->op, name) && !is_envelope(name))
			return error_set(e, EINVAL, "'%s' takes no parameter '%s'",
					 p->op->verb ? p->op->verb : "create", name);
	}
	return 0;
}

/* The same bytes for the same operation and object have the same digest (tree.md 18), for one account. */
static void digest(struct request *req, const char *uuid, const char *text, size_t len)
{
	crypto_hash_sha256_state state;
	unsigned char out[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)req->op->name, strlen(req->op->name) + 1);
	if (uuid)
		crypto_hash_sha256_update(&state, (const unsigned char *)uuid, strlen(uuid));
	crypto_hash_sha256_update(&state, (const unsigned char *)"", 1);
	crypto_hash_sha256_update(&state, (const unsigned char *)req->actor.account,
				  strlen(req->actor.account) + 1);
	crypto_hash_sha256_update(&state, (const unsigned char *)text, len);
	crypto_hash_sha256_final(&state, out);
	(void)sodium_bin2hex(req->digest, sizeof(req->digest), out, sizeof(out));
}

/* Types the parameters and chooses the uuids that the request needs. */
static int finish(struct request *req, const char *uuid, const json_t *body, struct error *e)
{
	const struct operation *op = req->op;
	const struct param *row;
	const char *chosen;
	bool is_name;
	int r;

	r = params_type(op, op->target ? uuid : NULL, body, &req->params, e);
	if (r < 0)
		return r;
	if (!req->job_chosen)
		uuid_make(req->job);
	row = operation_param(op, "resourceUuid");
	chosen = request_str(req, "resourceUuid");
	is_name = chosen && *chosen == NAME_SIGN && (row->flags & PARAM_ANY_KIND);
	if (chosen && !is_name && !uuid_is_resource(chosen))
		return error_set(
			e, EINVAL,
			"field[resourceUuid] must be a uuid of version 1 to 5 without dashes, got '%s'",
			chosen);
	if (uuid && op->target) {
		snprintf(req->target, sizeof(req->target), "%s", uuid);
	} else if (op->form == FORM_CREATE) {
		if (chosen)
			snprintf(req->target, sizeof(req->target), "%s", chosen);
		else
			uuid_make(req->target);
	}
	/* Operations on one object that make another one read the uuid of the new one as a parameter. */
	if (!chosen && row) {
		char made[UUID_SIZE];

		uuid_make(made);
		r = json_object_set_new(req->params, "resourceUuid",
					json_string(op->form == FORM_CREATE ? req->target : made));
		if (r < 0)
			return error_oom(e);
	}
	return 0;
}

static struct request *request_alloc(const struct operation *op, const struct actor *actor)
{
	struct request *req = calloc(1, sizeof(*req));

	if (req) {
		req->op = op;
		req->actor = *actor;
	}
	return req;
}

int request_parse(const struct operation *op, enum kind_id kind, const char *uuid, const char *text,
		  size_t len, const struct actor *actor, struct request **ret_req, struct error *e)
{
	_cleanup_(parsed_done) struct parsed p = {.op = op};
	_cleanup_(request_free_p) struct request *req = NULL;
	bool dry_run = false;
	int r;

	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (!len)
		return error_set(e, EINVAL, "the request is empty");
	r = *text == '{' ? parse_json(&p, kind, text, len, e) : parse_short(&p, kind, text, len, &dry_run, e);
	if (r < 0)
		return r;
	req = request_alloc(p.op, actor);
	if (!req)
		return error_oom(e);
	req->dry_run = dry_run;
	r = p.strict ? refuse_unknown(&p, e) : 0;
	if (r < 0)
		return r;
	r = take_envelope(req, &p, e);
	if (r < 0)
		return r;
	r = finish(req, uuid, p.body, e);
	if (r < 0)
		return r;
	digest(req, uuid, text, len);
	*ret_req = steal(&req);
	return 0;
}

/* Fills in what a refused request lacks, with its parameters as given, so that it can be recorded. */
static bool complete(struct request *req, const char *uuid, json_t *params)
{
	if (uuid && req->op->target)
		snprintf(req->target, sizeof(req->target), "%s", uuid);
	if (!req->params)
		req->params = json_is_object(params) ? json_incref(params) : json_object();
	if (!req->system_tags)
		req->system_tags = json_array();
	if (!req->user_tags)
		req->user_tags = json_array();
	return req->params && req->system_tags && req->user_tags;
}

int request_from_document(const struct operation *op, const char *uuid, json_t *document, const char *text,
			  size_t len, const struct actor *actor, struct request **ret_req, struct error *e)
{
	struct parsed p = {.root = document, .op = op, .body = json_object_get(document, "params")};
	_cleanup_(request_free_p) struct request *req = request_alloc(op, actor);
	int r;

	if (!req)
		return error_oom(e);
	r = take_envelope(req, &p, e);
	if (r == 0)
		r = finish(req, uuid, p.body, e);
	if (r < 0 && (!req->job_chosen || !complete(req, uuid, p.body)))
		return r;
	digest(req, uuid, text, len);
	*ret_req = steal(&req);
	return r;
}

int request_new(const struct operation *op, const char *uuid, const json_t *params, const struct actor *actor,
		struct request **ret_req, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = request_alloc(op, actor);
	_cleanup_free_ char *text = NULL;
	int r;

	if (!req)
		return error_oom(e);
	req->system_tags = json_array();
	req->user_tags = json_array();
	text = params ? json_text(params, JSON_COMPACT | JSON_SORT_KEYS) : strdup("");
	if (!req->system_tags || !req->user_tags || !text)
		return error_oom(e);
	r = finish(req, uuid, params, e);
	if (r < 0)
		return r;
	digest(req, uuid, text, strlen(text));
	*ret_req = steal(&req);
	return 0;
}

int request_new_bare(const struct operation *op, const char *uuid, const struct actor *actor,
		     struct request **ret_req, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = request_alloc(op, actor);

	if (!req)
		return error_oom(e);
	snprintf(req->target, sizeof(req->target), "%s", uuid);
	req->system_tags = json_array();
	req->user_tags = json_array();
	req->params = json_pack("{s:s}", op->target, uuid);
	if (!req->system_tags || !req->user_tags || !req->params)
		return error_oom(e);
	if (!operation_needs_parameters(op)) {
		json_decref(steal(&req->params));
		if (params_type(op, uuid, NULL, &req->params, e) < 0)
			return -ENOMEM;
	}
	*ret_req = steal(&req);
	return 0;
}

/* ------------------------------------------------------------- for the row */

static json_t *mask_tags(const json_t *tags)
{
	json_t *out = json_array();
	size_t i;
	json_t *tag;

	json_array_foreach (tags, i, tag) {
		if (json_array_append_new(out, json_string(system_tag_shown(json_string_value(tag)))) < 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static json_t *mask_params(const struct request *req)
{
	json_t *out = json_copy(req->params);
	int r = 0;

	for (const struct param *p = req->op->params; out && r == 0 && p && p->name; p++) {
		const char *text = request_str(req, p->name);

		if ((p->flags & PARAM_SECRET) && json_object_get(out, p->name))
			r = json_object_set_new(out, p->name, json_string("******"));
		else if (text && (p->flags & PARAM_URL)) {
			_cleanup_free_ char *shown = url_shown(text);

			r = json_object_set_new(out, p->name, json_string(shown ? shown : ""));
		} else if (text && req->op->kind == KIND_SYSTEM_TAG) {
			r = json_object_set_new(out, p->name, json_string(system_tag_shown(text)));
		}
	}
	/* with what it should not show, or without what json_copy() had no memory for, which it does not say */
	if (r < 0 || json_object_size(out) != json_object_size(req->params))
		json_decref(steal(&out));
	return out;
}

static void write_part(struct json_out *out, const char *name, const json_t *part)
{
	if (part)
		json_out_value(out, name, part);
	else
		out->failed = true;
}

static void request_write(struct json_out *out, const struct request *req, bool mask_secrets)
{
	_cleanup_json_ json_t *params = mask_secrets ? mask_params(req) : json_incref(req->params);
	_cleanup_json_ json_t *tags =
		mask_secrets ? mask_tags(req->system_tags) : json_incref(req->system_tags);
	json_t *outer = json_out_object(out, NULL);

	json_out_string(out, "operation", req->op->name);
	json_out_string(out, "target", req->target);
	write_part(out, "params", params);
	write_part(out, "systemTags", tags);
	write_part(out, "userTags", req->user_tags);
	if (!mask_secrets) {
		json_out_integer(out, "uid", req->actor.uid);
		json_out_string(out, "account", req->actor.account);
		json_out_string(out, "source", req->actor.source);
		json_out_string(out, "scheduler", req->actor.scheduler);
	}
	json_out_close(out, false, outer);
}

char *request_text(const struct request *req, bool mask_secrets)
{
	struct draft draft = {0};
	struct json_out out = {.text = &draft};

	request_write(&out, req, mask_secrets);
	return json_out_text(&out);
}

json_t *request_to_json(const struct request *req, bool mask_secrets)
{
	struct json_out out = {0};

	request_write(&out, req, mask_secrets);
	return json_out_tree(&out);
}

/* Returns the static string of this source, for struct actor. */
static const char *static_source(const char *text)
{
	static const char *const sources[] = {"fs", "upload", "rest", "scheduler", "ha", "libvirt"};

	for (size_t i = 0; text && i < ARRAY_SIZE(sources); i++)
		if (strcmp(sources[i], text) == 0)
			return sources[i];
	return "fs";
}

int request_from_json(const json_t *json, struct request **ret_req, struct error *e)
{
	const char *name = json_string_value(json_object_get(json, "operation"));
	const char *target = json_string_value(json_object_get(json, "target"));
	const char *account = json_string_value(json_object_get(json, "account"));
	const char *scheduler = json_string_value(json_object_get(json, "scheduler"));
	const struct operation *op = name ? operation_by_name(name) : NULL;
	struct actor actor = {.uid = json_integer_value(json_object_get(json, "uid")),
			      .source = static_source(json_string_value(json_object_get(json, "source")))};
	_cleanup_(request_free_p) struct request *req = NULL;

	if (!op)
		return error_set(e, EPROTO, "unknown operation '%s' in a stored request", name ? name : "");
	if (account)
		snprintf(actor.account, sizeof(actor.account), "%s", account);
	if (scheduler)
		snprintf(actor.scheduler, sizeof(actor.scheduler), "%s", scheduler);
	req = request_alloc(op, &actor);
	if (!req)
		return error_oom(e);
	if (target)
		snprintf(req->target, sizeof(req->target), "%s", target);
	req->params = json_incref(json_object_get(json, "params"));
	req->system_tags = json_incref(json_object_get(json, "systemTags"));
	req->user_tags = json_incref(json_object_get(json, "userTags"));
	if (!req->params || !req->system_tags || !req->user_tags)
		return error_set(e, EPROTO, "a stored request of '%s' is incomplete", name);
	*ret_req = steal(&req);
	return 0;
}

/* ------------------------------------------------------------- parameters */

const char *request_str(const struct request *req, const char *name)
{
	return json_string_value(json_object_get(req->params, name));
}

int64_t request_int(const struct request *req, const char *name, int64_t missing)
{
	const json_t *value = json_object_get(req->params, name);

	return json_is_integer(value) ? (int64_t)json_integer_value(value) : missing;
}

bool request_bool(const struct request *req, const char *name, bool missing)
{
	const json_t *value = json_object_get(req->params, name);

	return json_is_boolean(value) ? json_is_true(value) : missing;
}

bool request_has(const struct request *req, const char *name)
{
	return json_object_get(req->params, name) != NULL;
}

const json_t *request_list(const struct request *req, const char *name)
{
	const json_t *value = json_object_get(req->params, name);

	return json_is_array(value) ? value : NULL;
}

const char *request_queue(const struct view *view, const struct request *req)
{
	const char *other = req->op->queue ? req->op->queue(view, req) : NULL;

	return other ? other : req->target;
}

const struct object *request_object(const struct view *view, const struct request *req)
{
	return view_get(view, req->op->kind, req->target);
}

const char *request_tag(const struct request *req, const char *prefix)
{
	size_t len = strlen(prefix), i;
	json_t *tag;

	json_array_foreach (req->system_tags, i, tag) {
		const char *text = json_string_value(tag);

		if (strncmp(text, prefix, len) != 0)
			continue;
		if (text[len] == '\0')
			return "";
		if (strncmp(text + len, "::", 2) == 0)
			return text + len + 2;
	}
	return NULL;
}

bool request_list_has(const struct request *req, const char *name, const char *text)
{
	const json_t *list = request_list(req, name);
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	return json_array_size(list) == 0;
}

bool request_is_enforcing(const struct request *req)
{
	const char *mode = request_str(req, "deleteMode");

	return mode && strcmp(mode, "Enforcing") == 0;
}

/* ------------------------------------------------------------------ errors */

int request_explain_error(const struct request *req, int r, struct error *e)
{
	const char *code = req->op->error_code;

	if (r >= 0)
		return r;
	if (!error_is_set(e))
		error_set(e, -r, "%s", strerror(-r));
	if (code && strcmp(e->code, code) != 0)
		error_wrap(e, code);
	return r;
}
