/* SPDX-License-Identifier: Apache-2.0 */
/* See message.h. The form is that of the public library `apibinding`. */
#include "rest/message.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "model/json.h"

static const char path_call[] = "/zstack/api";
static const char path_result[] = "/zstack/api/result/";

/* What follows @path in @target; NULL when it does not begin with it. */
static const char *below(const char *target, const char *path)
{
	size_t len = strlen(path);

	return strncmp(target, path, len) == 0 ? target + len : NULL;
}

bool message_is_target(const char *target)
{
	const char *rest = below(target, path_call);

	return rest && (!*rest || strcmp(rest, "/") == 0 || below(target, path_result));
}

/* ------------------------------------------------------------------- the name */

/* The operation of the message class @name, `org.zstack.header.zone.APICreateZoneMsg`; NULL: none. */
static const json_t *find_operation(const json_t *operations, const char *name)
{
	const char *dot = strrchr(name, '.'), *api = dot ? dot + 1 : name;
	size_t len = strlen(api), i;
	const json_t *operation;

	if (len < 7 || strncmp(api, "API", 3) != 0 || strcmp(api + len - 3, "Msg") != 0)
		return NULL;
	json_array_foreach (json_object_get(operations, "operations"), i, operation) {
		const char *text = operation_text(operation, "name");

		if (strlen(text) == len - 6 && strncmp(text, api + 3, len - 6) == 0)
			return operation;
	}
	return NULL;
}

/* ----------------------------------------------------------------- conditions */

static const struct {
	const char *word, *sign;
	bool bare; /* without a value */
} operators[] = {
	{"=", "=", false},	    {"!=", "!=", false},	{">", ">", false},
	{">=", ">=", false},	    {"<", "<", false},		{"<=", "<=", false},
	{"in", "?=", false},	    {"not in", "!?=", false},	{"like", "~=", false},
	{"not like", "!~=", false}, {"is null", "=null", true}, {"is not null", "!=null", true},
};

/* A query string that grows. */
struct query {
	char *text; /* owned */
	size_t len;
	bool broken;
};

static void add_text(struct query *q, const char *text, bool escaped)
{
	char *grown = q->broken ? NULL : realloc(q->text, q->len + 3 * strlen(text) + 1);

	if (!grown) {
		q->broken = true;
		return;
	}
	q->text = grown;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (escaped && !isalnum(c))
			q->len += (size_t)snprintf(q->text + q->len, 4, "%%%02X", c);
		else
			q->text[q->len++] = *text;
	}
	q->text[q->len] = '\0';
}

/* A parameter, whose value is @first, @second and @third one after the other. */
static void add_parameter(struct query *q, const char *name, const char *first, const char *second,
			  const char *third)
{
	if (q->len)
		add_text(q, "&", false);
	add_text(q, name, false);
	add_text(q, "=", false);
	add_text(q, first, true);
	add_text(q, second, true);
	add_text(q, third, true);
}

/* The text of a value; NULL for objects, lists and null. */
static char *text_of(const json_t *value)
{
	if (json_is_string(value))
		return strdup(json_string_value(value));
	return json_is_number(value) || json_is_boolean(value) ? json_text(value, JSON_ENCODE_ANY) : NULL;
}

static void add_value(struct query *q, const char *name, const json_t *value)
{
	_cleanup_free_ char *text = text_of(value);

	if (text)
		add_parameter(q, name, text, "", "");
}

static bool add_condition(struct query *q, const json_t *condition)
{
	const char *name = json_string_value(json_object_get(condition, "name")),
		   *op = json_string_value(json_object_get(condition, "op"));
	_cleanup_free_ char *value = text_of(json_object_get(condition, "value"));

	for (size_t i = 0; name && op && i < ARRAY_SIZE(operators); i++) {
		if (strcmp(operators[i].word, op) != 0)
			continue;
		add_parameter(q, "q", name, operators[i].sign, value && !operators[i].bare ? value : "");
		return true;
	}
	return false;
}

/* The parameter `sort`: the direction and the field. */
static void add_order(struct query *q, const json_t *message)
{
	const char *field = json_string_value(json_object_get(message, "sortBy")),
		   *direction = json_string_value(json_object_get(message, "sortDirection"));

	if (field && *field)
		add_parameter(q, "sort", direction && strcmp(direction, "desc") == 0 ? "-" : "+", field, "");
}

/* The query of the message in our form; false when a condition is none. */
static bool make_query(const json_t *message, struct query *q)
{
	static const char *const names[] = {"limit", "start", "count", "replyWithCount", "groupBy"};
	const json_t *item;
	size_t i;

	add_text(q, "", false);
	json_array_foreach (json_object_get(message, "conditions"), i, item)
		if (!add_condition(q, item))
			return false;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		add_value(q, names[i], json_object_get(message, names[i]));
	json_array_foreach (json_object_get(message, "fields"), i, item)
		add_value(q, "fields", item);
	add_order(q, message);
	return true;
}

/* ------------------------------------------------------------------- the call */

/* Members of a message that are not parameters of its operation. */
static const char *const framing[] = {"session", "timeout", "systemTags", "userTags", "headers", "id"};

static json_t *make_params(const json_t *message)
{
	json_t *params = json_copy_whole(message);
	const char *name;
	json_t *value;
	void *next;

	for (size_t i = 0; params && i < ARRAY_SIZE(framing); i++)
		(void)json_object_del(params, framing[i]);
	json_object_foreach_safe(params, next, name, value) if (json_is_null(value))(void)
		json_object_del(params, name);
	return params;
}

static bool set(json_t *document, const char *name, json_t *value)
{
	return json_object_set_new(document, name, value) == 0;
}

static bool fill(struct plan *plan, const struct http_request *request, const json_t *message,
		 json_t *document)
{
	if (!set(document, "operation", json_string(operation_text(plan->operation, "name"))) ||
	    !set(document, "params", make_params(message)) ||
	    !plan_set_base(plan, request, json_object_get(document, "params")) ||
	    !plan_take_tags(plan, message, document))
		return false;
	return plan->sync ? set(document, "address", json_string(request->address ? request->address : ""))
			  : set(document, "jobUuid", json_string(plan->job));
}

static bool make_call(struct plan *plan, const struct http_request *request, const json_t *message)
{
	json_t *document = json_object();
	struct query q = {0};
	bool ok = document != NULL;

	if (ok && operation_flag(plan->operation, "query")) {
		if (!make_query(message, &q))
			ok = plan_refuse(
				plan, 400,
				"a condition is {name, op, value}, op one of =, !=, >, >=, <, <=, in, "
				"not in, like, not like, is null, is not null");
		else
			ok = (!q.broken && set(document, "query", json_string(q.text))) ||
			     plan_refuse_memory(plan);
	}
	if (ok)
		ok = fill(plan, request, message, document) ? plan_set_call(plan, document)
							    : plan_refuse_memory(plan);
	free(q.text);
	json_decref(document);
	return ok;
}

/* "org.zstack.header.zone.APICreateZoneEvent", from the class of the message. */
static bool set_event(struct plan *plan, const char *name)
{
	int len = (int)(strlen(name) - strlen("Msg"));

	if (asprintf(&plan->event, "%.*s%s", len, name, plan->sync ? "Reply" : "Event") < 0)
		plan->event = NULL;
	return plan->event || plan_refuse_memory(plan);
}

static bool take_session(struct plan *plan, const json_t *message)
{
	const char *uuid = json_string_value(json_object_get(json_object_get(message, "session"), "uuid"));

	if (operation_flag(plan->operation, "noSession"))
		return true;
	if (uuid && strlen(uuid) == MOUNT_UUID_SIZE - 1)
		snprintf(plan->session, sizeof(plan->session), "%s", uuid);
	plan->bad_session = !mount_uuid_is_valid(plan->session);
	return true;
}

static bool plan_message(const json_t *operations, const struct http_request *request, const json_t *body,
			 struct plan *plan)
{
	void *first = json_object_iter((json_t *)(uintptr_t)body);
	const char *name = first ? json_object_iter_key(first) : "";
	const json_t *message = first ? json_object_iter_value(first) : NULL;

	if (json_object_size(body) != 1 || !json_is_object(message))
		return plan_refuse(plan, 400,
				   "the body must be an object with one member, the class of a message");
	plan->operation = find_operation(operations, name);
	if (!plan->operation)
		return plan_refuse(plan, 400, "no message is called %.200s", name);
	plan->sync = operation_flag(plan->operation, "sync");
	return set_event(plan, name) && take_session(plan, message) && plan_take_job_uuid(plan, NULL) &&
	       make_call(plan, request, message);
}

static bool plan_result(const json_t *operations, const char *uuid, struct plan *plan)
{
	plan->operation = find_operation(operations, "APIGetApiJobEventMsg");
	plan->sync = plan->poll = true;
	if (!request_job_uuid_is_valid(uuid) || !plan->operation)
		return plan_refuse(plan, 404, "No api result[uuid:%.64s] found", uuid);
	snprintf(plan->job, sizeof(plan->job), "%s", uuid);
	plan->event = strdup("");
	if (asprintf(&plan->call, "{\"operation\":\"GetApiJobEvent\",\"params\":{\"uuid\":\"%s\"}}", uuid) <
	    0)
		plan->call = NULL;
	return (plan->event && plan->call) || plan_refuse_memory(plan);
}

void message_plan(const json_t *operations, const struct http_request *request, struct plan *ret)
{
	const char *uuid = below(request->target, path_result);
	bool put = strcmp(request->method, "PUT") == 0;
	json_t *body = NULL;

	*ret = (struct plan){0};
	if (!put && strcmp(request->method, uuid ? "GET" : "POST") != 0) {
		(void)plan_refuse(ret, 405, "%s is not possible here", request->method);
		snprintf(ret->allow, sizeof(ret->allow), "%s", uuid ? "GET, HEAD, PUT" : "POST, PUT");
		return;
	}
	if (uuid)
		(void)plan_result(operations, uuid + strspn(uuid, "/"), ret);
	else if (request_parse_body(ret, request, &body))
		(void)plan_message(operations, request, body, ret);
	json_decref(body);
}

/* ------------------------------------------------------------------- the answer */

/* As the manual's server writes dates: "Nov 29, 2026 7:42:00 AM". */
static json_t *date(int64_t seconds)
{
	char text[64] = "";
	time_t time = (time_t)seconds;
	struct tm tm;

	(void)strftime(text, sizeof(text), "%b %-d, %Y %-I:%M:%S %p", localtime_r(&time, &tm));
	return json_string(text);
}

/* What GetApiJobEvent answers has the class of the event, and the times; replaces *body by the result. */
static const char *take_event(json_t **body, int64_t *ret_created, int64_t *ret_finished, json_t **ret_class)
{
	json_t *result = json_incref(json_object_get(*body, "result"));

	*ret_created = json_integer_value(json_object_get(*body, "created"));
	*ret_finished = json_integer_value(json_object_get(*body, "finished"));
	*ret_class = json_incref(json_object_get(*body, "event"));
	json_decref(*body);
	*body = result;
	return json_string_value(*ret_class);
}

/* {"<class>": {..., "success": true}} as a text. Takes over @body. NULL: no memory, or it is no object. */
static json_t *result_text(const char *class, json_t *body)
{
	json_t *event, *json;
	_cleanup_free_ char *text = NULL;

	if (!set(body, "success", json_boolean(!json_object_get(body, "error")))) {
		json_decref(body);
		return NULL;
	}
	event = json_pack("{s:o}", class, body);
	text = event ? json_text(event, JSON_COMPACT) : NULL;
	json_decref(event);
	json = text ? json_string(text) : NULL;
	return json;
}

char *message_answer(const struct plan *plan, const char *body)
{
	json_t *json = json_object(), *result = body ? json_loads(body, 0, NULL) : NULL, *class = NULL;
	int64_t created = time(NULL), finished = created;
	const char *event = plan->event;
	char *text = NULL;
	bool whole;

	if (result && plan->poll)
		event = take_event(&result, &created, &finished, &class);
	whole = set(json, "state", json_string(result ? "Done" : "Processing")) &&
		((plan->sync && !plan->poll) || set(json, "uuid", json_string(plan->job))) &&
		set(json, "createdDate", date(created));
	if (body)
		whole = whole && result && event && set(json, "finishedDate", date(finished)) &&
			set(json, "result", result_text(event, steal(&result)));
	if (whole)
		text = json_text(json, JSON_COMPACT);
	json_decref(result);
	json_decref(class);
	json_decref(json);
	return text;
}
