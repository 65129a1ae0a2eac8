/* SPDX-License-Identifier: Apache-2.0 */
/* See request.h. The choice of the operation is in choice.c. */
#include "rest/request.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "model/json.h"
#include "rest/choice.h"
#include "rest/zone.h"

void plan_done(struct plan *plan)
{
	free(plan->call);
	free(plan->key_id);
	free(plan->signature);
	free(plan->event);
	*plan = (struct plan){0};
}

char *plan_of_ended_session(const struct plan *plan)
{
	json_t *document = json_loads(plan->call, 0, NULL);
	char *text =
		document && json_object_set_new(document, "endedSession", json_string(plan->session)) == 0
			? json_text(document, JSON_COMPACT)
			: NULL;

	json_decref(document);
	return text;
}

bool plan_refuse(struct plan *plan, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(plan->text, sizeof(plan->text), format, args);
	va_end(args);
	plan->status = status;
	return false;
}

bool plan_refuse_memory(struct plan *plan)
{
	return plan_refuse(plan, 500, "out of memory");
}

const char *request_api_path(const char *target)
{
	static const char *const bases[] = {"/zstack/v1", "/v1"};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		size_t len = strlen(bases[i]);

		if (strncmp(target, bases[i], len) == 0 && target[len] == '/')
			return target + len;
	}
	return NULL;
}

/* ------------------------------------------------------------------ headers */

/* "ID:SIGNATURE", with the Date that was signed. */
static bool take_signature(struct plan *plan, const struct http_request *request, const char *value)
{
	const char *colon;

	while (isspace((unsigned char)*value))
		value++;
	colon = strchr(value, ':');
	if (!colon || !colon[1])
		return plan_refuse(plan, 400, "Invalid authKey format");
	if (!request->date)
		return plan_refuse(plan, 400, "missing header 'Date'");
	plan->key_id = strndup(value, (size_t)(colon - value));
	plan->signature = strdup(colon + 1);
	return (plan->key_id && plan->signature) || plan_refuse_memory(plan);
}

static bool take_authorization(struct plan *plan, const struct http_request *request)
{
	const char *value = request->authorization;
	size_t len;

	if (operation_flag(plan->operation, "noSession"))
		return true;
	if (!value)
		return plan_refuse(plan, 400, "missing header 'Authorization'");
	if (strncmp(value, "ZStack ", 7) == 0)
		return take_signature(plan, request, value + 7);
	if (strncmp(value, "OAuth", 5) != 0)
		return plan_refuse(plan, 400, "Authorization type must be 'OAuth'");
	/* The manual's samples write `OAuth: <id>`. */
	value += 5;
	value += *value == ':';
	while (isspace((unsigned char)*value))
		value++;
	len = strlen(value);
	while (len && isspace((unsigned char)value[len - 1]))
		len--;
	snprintf(plan->session, sizeof(plan->session), "%.*s", (int)(len < MOUNT_UUID_SIZE ? len : 0), value);
	plan->bad_session = len != MOUNT_UUID_SIZE - 1 || !mount_uuid_is_valid(plan->session);
	return true;
}

/* A random (version 4) uuid. */
static bool make_uuid(char ret[MOUNT_UUID_SIZE])
{
	unsigned char raw[16];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return false;
	raw[6] = (raw[6] & 0x0f) | 0x40;
	raw[8] = (raw[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(ret + 2 * i, 3, "%02x", raw[i]);
	return true;
}

bool request_job_uuid_is_valid(const char *value)
{
	return strlen(value) == MOUNT_UUID_SIZE - 1 &&
	       strspn(value, "0123456789abcdefABCDEF") == MOUNT_UUID_SIZE - 1;
}

bool plan_take_job_uuid(struct plan *plan, const char *value)
{
	if (value) {
		if (!request_job_uuid_is_valid(value))
			return plan_refuse(plan, 400,
					   "Invalid header[X-Job-UUID], it must be a UUID with '-' stripped");
		for (size_t i = 0; i < MOUNT_UUID_SIZE; i++)
			plan->job[i] = (char)tolower((unsigned char)value[i]);
		return true;
	}
	return make_uuid(plan->job) || plan_refuse(plan, 500, "no random numbers are available");
}

/* --------------------------------------------------------------- parameters */

static bool is_type(const json_t *param, const char *type)
{
	return strcmp(operation_text(param, "type"), type) == 0;
}

/* What the real server refuses before it looks at anything else (behaviour.md 1.3). */
static bool check_type(struct plan *plan, const json_t *param, const json_t *value)
{
	const char *name = operation_text(param, "name"), *text = json_string_value(value);
	double real = json_real_value(value);
	char *end = NULL;

	if (is_type(param, "int") || is_type(param, "long")) {
		bool number = json_is_integer(value) || (json_is_real(value) && real == floor(real));

		if (text && isdigit((unsigned char)text[*text == '-'])) {
			(void)strtod(text, &end);
			number = !*end || strchr("KMGTPkmgtp", *end);
		}
		if (!number && !json_is_null(value)) {
			_cleanup_free_ char *shown =
				text ? strdup(text) : json_text(value, JSON_ENCODE_ANY | JSON_COMPACT);

			return plan_refuse(plan, 400,
					   "[%s] field is excepted an int or long, but was [%.100s].", name,
					   shown ? shown : "");
		}
	} else if (is_type(param, "boolean")) {
		if (!json_is_boolean(value) && !json_is_null(value) &&
		    !(text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)))
			return plan_refuse(
				plan, 400,
				"Invalid value for boolean field [%s], [%.100s] is not a valid boolean string[true, false].",
				name, text ? text : "");
	}
	return true;
}

static bool check_types(struct plan *plan, json_t *params)
{
	const char *name;
	json_t *value;

	json_object_foreach (params, name, value) {
		json_t *param = operation_parameter(plan->operation, name);

		if (param && !check_type(plan, param, value))
			return false;
	}
	return true;
}

/* The list @name in @into, created when it does not exist. */
static json_t *list_in(json_t *into, const char *name)
{
	json_t *list = json_object_get(into, name);

	if (!list) {
		(void)json_object_set_new(into, name, json_array());
		list = json_object_get(into, name);
	}
	return list;
}

/* One decoded parameter of a query string (behaviour.md 1.3). */
static bool add_query_parameter(struct plan *plan, json_t *document, json_t *params, char *name,
				const char *value)
{
	char *dot = strchr(name, '.');
	json_t *param, *text = json_string(value);

	if (!text)
		return plan_refuse(plan, 400, "the query string is not UTF-8");
	if (strcmp(name, "systemTags") == 0 || strcmp(name, "userTags") == 0)
		return json_array_append_new(list_in(document, name), text) == 0 || plan_refuse_memory(plan);
	param = operation_parameter(plan->operation, name);
	if (!param && dot) {
		*dot = '\0';
		param = operation_parameter(plan->operation, name);
	}
	/* Clients send parameters of other versions, and empty ones of this (behaviour.md 6.2). */
	if (!param || (json_object_get(param, "values") && !*value)) {
		json_decref(text);
		return true;
	}
	if (is_type(param, "list"))
		return json_array_append_new(list_in(params, name), text) == 0 || plan_refuse_memory(plan);
	if (is_type(param, "map") && dot) {
		json_t *map = json_object_get(params, name);

		if (!map && json_object_set_new(params, name, json_object()) == 0)
			map = json_object_get(params, name);
		return json_object_set_new(map, dot + 1, text) == 0 || plan_refuse_memory(plan);
	}
	if (json_object_get(params, name)) {
		json_decref(text);
		return plan_refuse(plan, 400, "Invalid query parameter[%.100s], only one value is allowed",
				   name);
	}
	return json_object_set_new(params, name, text) == 0 || plan_refuse_memory(plan);
}

static bool take_query_string(struct plan *plan, const char *query, json_t *document, json_t *params)
{
	_cleanup_free_ char *copy = strdup(query);
	char *rest = copy, *part;

	if (!copy)
		return plan_refuse_memory(plan);
	while ((part = strsep(&rest, "&"))) {
		char *value = strchr(part, '=');

		if (value)
			*value++ = '\0';
		if (!uri_decode(part, true) || (value && !uri_decode(value, true)))
			return plan_refuse(plan, 400, "bad percent-escape in the query string");
		if (*part && !add_query_parameter(plan, document, params, part, value ? value : ""))
			return false;
	}
	return true;
}

/* Variables in the path take precedence over everything of the same name. */
static bool take_variables(struct plan *plan, const struct route *route, const struct uri_path *path,
			   json_t *params)
{
	/* The segments start after the base path, see request_plan(). */
	for (size_t i = 0; i < path->count; i++)
		if (route->variables[i] &&
		    json_object_set_new(params, route->variables[i], json_string(path->segments[i])) < 0)
			return plan_refuse(plan, 400, "the path is not UTF-8");
	return true;
}

bool plan_take_tags(struct plan *plan, const json_t *body, json_t *document)
{
	static const char *const names[] = {"systemTags", "userTags"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_t *tags = json_object_get(body, names[i]);

		if (json_is_array(tags) && json_object_set(document, names[i], tags) < 0)
			return plan_refuse_memory(plan);
	}
	return true;
}

/* --------------------------------------------------------------------- body */

/* Deepest nesting of brackets outside strings. */
static int depth_of(const char *text, size_t len)
{
	int depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
	}
	return deepest;
}

bool request_parse_body(struct plan *plan, const struct http_request *request, json_t **ret)
{
	json_error_t why;
	size_t blank = 0;

	while (blank < request->body_len && isspace((unsigned char)request->body[blank]))
		blank++;
	if (blank == request->body_len) {
		*ret = json_object();
		return *ret || plan_refuse_memory(plan);
	}
	if (request->body_len >= 3 && memcmp(request->body, "\xEF\xBB\xBF", 3) == 0)
		return plan_refuse(plan, 400, "the body begins with a byte order mark; JSON has none");
	if (depth_of(request->body, request->body_len) > BODY_DEPTH)
		return plan_refuse(plan, 400, "the body is nested deeper than %d", BODY_DEPTH);
	*ret = json_loadb(request->body, request->body_len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
	if (!*ret)
		return plan_refuse(plan, 400, "bad JSON in line %d, column %d: %s", why.line, why.column,
				   why.text);
	if (json_is_null(*ret)) {
		json_decref(*ret);
		*ret = json_object();
	}
	return json_is_object(*ret) || plan_refuse(plan, 400, "the body must be a JSON object");
}

/* --------------------------------------------------------------------- plan */

static bool set_text(json_t *document, const char *name, const char *text)
{
	return !text || json_object_set_new(document, name, json_string(text)) == 0;
}

/* What was signed: the path without the context, decoded as the clients have it. */
static bool set_signature(const struct plan *plan, const struct http_request *request, json_t *document)
{
	const char *api = request_api_path(request->target), *query;
	size_t len = uri_path_length(api, &query);
	_cleanup_free_ char *path = NULL;
	json_t *json;
	int east;

	if (asprintf(&path, "/v1%.*s", (int)len, api) < 0) {
		path = NULL;
		return false;
	}
	if (!uri_decode(path, false))
		return false;
	json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", plan->key_id, "signature", plan->signature,
			 "method", request->signed_method, "date", request->date, "path", path);
	if (zone_of_date(request->date, &east) == 0 &&
	    json_object_set_new(json, "east", json_integer(east)) < 0) {
		json_decref(json);
		return false;
	}
	return json && json_object_set_new(document, "signed", json) == 0;
}

bool plan_set_base(const struct plan *plan, const struct http_request *request, json_t *params)
{
	json_t *param;
	size_t i;

	json_array_foreach (json_object_get(plan->operation, "params"), i, param) {
		const char *name = operation_text(param, "name");

		if (operation_flag(param, "base") && request->base && !json_object_get(params, name) &&
		    json_object_set_new(params, name, json_string(request->base)) < 0)
			return false;
	}
	return true;
}

/* False when a header is not UTF-8. */
static bool set_envelope(const struct plan *plan, const struct http_request *request, json_t *document)
{
	if (!set_text(document, "operation", operation_text(plan->operation, "name")))
		return false;
	if (request->schema && json_object_set_new(document, "schema", json_true()) < 0)
		return false;
	if (plan->key_id && !set_signature(plan, request, document))
		return false;
	if (plan->sync)
		return set_text(document, "address", request->address);
	return set_text(document, "jobUuid", plan->job) && set_text(document, "webHook", request->web_hook);
}

bool plan_set_call(struct plan *plan, const json_t *document)
{
	plan->call = json_text(document, JSON_COMPACT);
	return plan->call || plan_refuse_memory(plan);
}

/* Fills in the document of the call. */
static bool build(struct plan *plan, const struct http_request *request, const struct choice *choice,
		  const struct uri_path *path, const char *query, json_t *body, json_t *document)
{
	json_t *params = choice->params ? json_copy_whole(choice->params) : json_object();
	const char *method = choice->route->method;

	if (!params || json_object_set_new(document, "params", params) < 0)
		return plan_refuse_memory(plan);
	if (operation_flag(plan->operation, "query")) {
		if (!set_text(document, "query", query))
			return plan_refuse(plan, 400, "the query string is not UTF-8");
	} else if (strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0) {
		if (!take_query_string(plan, query, document, params))
			return false;
	} else if (!plan_take_tags(plan, choice->params, document) || !plan_take_tags(plan, body, document)) {
		return false;
	}
	if (!plan_set_base(plan, request, params))
		return plan_refuse_memory(plan);
	if (!check_types(plan, params) || !take_variables(plan, choice->route, path, params))
		return false;
	return set_envelope(plan, request, document) || plan_refuse(plan, 400, "a header is not UTF-8");
}

static bool make_call(struct plan *plan, const struct http_request *request, const struct choice *choice,
		      const struct uri_path *path, const char *query, json_t *body)
{
	json_t *document = json_object();
	bool ok = document && build(plan, request, choice, path, query, body, document) &&
		  plan_set_call(plan, document);

	json_decref(document);
	return ok;
}

static bool plan_operation(const struct http_request *request, const struct choice *choice,
			   const struct uri_path *path, const char *query, json_t *body, struct plan *plan)
{
	plan->operation = choice->route->operation;
	plan->sync = operation_flag(plan->operation, "sync");
	plan->poll = strcmp(operation_text(plan->operation, "name"), "GetApiJob") == 0;
	plan->hook = !plan->sync && request->web_hook;
	if (!take_authorization(plan, request) || !plan_take_job_uuid(plan, request->job_uuid) ||
	    !make_call(plan, request, choice, path, query, body))
		return false;
	if (plan->poll)
		snprintf(plan->job, sizeof(plan->job), "%s", path->segments[path->count - 1]);
	return true;
}

static bool plan_route(const struct http_request *request, const struct route_group *group,
		       const struct uri_path *path, const char *shown, const char *query, struct plan *plan)
{
	struct choice choice = {0};
	json_t *body = NULL;
	bool ok = (!choice_reads_body(group, request->method) || request_parse_body(plan, request, &body)) &&
		  choose(group, request->method, body, shown, &choice, &plan->status, plan->text,
			 sizeof(plan->text)) &&
		  plan_operation(request, &choice, path, query, body, plan);

	json_decref(body);
	if (plan->status == 405)
		choice_list_methods(group, plan->allow, sizeof(plan->allow));
	return ok;
}

void request_plan(const struct routes *routes, const struct http_request *request, struct plan *ret)
{
	const char *api = request_api_path(request->target), *query;
	const struct route_group *group = NULL;
	_cleanup_(uri_path_done) struct uri_path path = {0};
	char shown[256];
	size_t len;

	*ret = (struct plan){0};
	if (api) {
		len = uri_path_length(api, &query);
		if (uri_path_parse(api, len, &path))
			group = routes_find(routes, path.segments, path.count);
	} else {
		api = request->target;
		len = uri_path_length(api, &query);
	}
	snprintf(shown, sizeof(shown), "%s%.*s", request_api_path(request->target) ? "/v1" : "",
		 (int)(len < 200 ? len : 200), api);
	if (!group)
		(void)plan_refuse(ret, 404, "no api mapping to %s", shown);
	else
		(void)plan_route(request, group, &path, shown, query, ret);
}
