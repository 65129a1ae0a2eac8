/* SPDX-License-Identifier: Apache-2.0 */
/* See openapi_responses.h. What the server sends is in response_statuses() and connection.c. */
#include "rest/openapi_responses.h"

#include <stdio.h>
#include <string.h>

#include "rest/openapi_types.h"
#include "rest/response.h"

/* ------------------------------------------------------------ header fields */

static const struct {
	const char *name, *type, *pattern, *description;
	bool always; /* in each answer */
	bool maybe;  /* in any answer */
} fields[] = {
	{"Date", "string", "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$",
	 "the time of the server", .always = true},
	{"Content-Length", "integer", NULL, "bytes of the body; that of GET for HEAD", .always = true},
	{"Cache-Control", "string", "^no-store$", "answers are for this request only", .always = true},
	{"Connection", "string", "^(close|keep-alive)$",
	 "close: the server closes the connection; keep-alive: it does not, said to HTTP/1.0 only",
	 .maybe = true},
	{"Allow", "string", "^[A-Z]+(, [A-Z]+)*$", "the methods that the route has"},
	{"Accept-Encoding", "string", "^identity$", "what a body can be encoded with"},
	{"Retry-After", "integer", NULL, "seconds after which it may work"},
	{"Accept-Ranges", "string", "^bytes$", "parts can be asked for"},
	{"Content-Range", "string", "^bytes ([0-9]+-[0-9]+|[*])/[0-9]+$",
	 "which bytes the body has, of how many"},
	{"ETag", "string", "^\"[0-9a-f]{32}\"$", "of the file, for If-Range"},
	{"X-Content-Type-Options", "string", "^nosniff$", "the type is as said"},
};

json_t *openapi_headers(void)
{
	json_t *json = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		json_t *schema = json_pack("{s:s}", "type", fields[i].type);

		if (fields[i].pattern)
			openapi_set(schema, "pattern", json_string(fields[i].pattern));
		openapi_set(json, fields[i].name,
			    json_pack("{s:s, s:b, s:o}", "description", fields[i].description, "required",
				      fields[i].always, "schema", schema));
	}
	return json;
}

static bool has(const char *const *names, const char *name)
{
	while (names && *names && strcmp(*names, name) != 0)
		names++;
	return names && *names;
}

/* References to those that each answer has or may have, and to @own, which NULL ends. */
static json_t *headers(const char *const *own)
{
	json_t *json = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].always || fields[i].maybe || has(own, fields[i].name))
			openapi_set(json, fields[i].name,
				    json_pack("{s:o}", "$ref",
					      json_sprintf("#/components/headers/%s", fields[i].name)));
	return json;
}

/* ------------------------------------------------------------------ answers */

json_t *openapi_response(const char *description, const char *const *own, const char *media, json_t *schema)
{
	return json_pack("{s:s, s:o, s:{s:{s:o}}}", "description", description, "headers", headers(own),
			 "content", media, "schema", schema);
}

static json_t *response(const char *description, json_t *schema)
{
	return openapi_response(description, NULL, "application/json", schema);
}

static json_t *result_reference(const json_t *operation)
{
	char name[128];

	snprintf(name, sizeof(name), "%sResult", operation_text(operation, "name"));
	return openapi_reference(name);
}

/* What a job ends with: the result of its operation. */
static json_t *results_of_jobs(const json_t *operations)
{
	json_t *list = json_array(), *operation;
	size_t i;

	json_array_foreach (operations, i, operation)
		if (!operation_flag(operation, "sync"))
			openapi_add(list, result_reference(operation));
	return json_pack("{s:o}", "anyOf", list);
}

/* Accepted: where to ask for the result, and of which type that is. */
static json_t *accepted(const struct route *route)
{
	json_t *json = response("accepted; the location answers with the result when the job has ended",
				openapi_reference("Location"));

	openapi_set(json, "links",
		    json_pack("{s:{s:s, s:s, s:{s:s}, s:o}}", "result", "operationId", "GetApiJob",
			      "description", operation_text(route->operation, "name"), "parameters", "uuid",
			      "$request.header.X-Job-UUID", "x-schema", result_reference(route->operation)));
	return json;
}

/* A failure is an error of the pool; without a pool, a sentence. */
static json_t *failure(void)
{
	static const char *const later[] = {"Retry-After", NULL};
	json_t *json = openapi_response("it failed; a sentence: the pool is not mounted", later,
					"application/json", openapi_reference("Failure"));

	openapi_set(json_object_get(json, "content"), "text/plain",
		    json_pack("{s:{s:s}}", "schema", "type", "string"));
	return json;
}

json_t *openapi_common_responses(void)
{
	json_t *json = json_object();

	for (const struct response_status *s = response_statuses(); s->status; s++)
		if (s->name)
			openapi_set(json, s->name,
				    openapi_response(s->description, (const char *[]){s->field, NULL},
						     "text/plain", json_pack("{s:s}", "type", "string")));
	return json;
}

void openapi_add_refusals(json_t *responses)
{
	for (const struct response_status *s = response_statuses(); s->status; s++) {
		char status[8];

		snprintf(status, sizeof(status), "%d", s->status);
		if (s->name)
			openapi_set(responses, status,
				    json_pack("{s:o}", "$ref",
					      json_sprintf("#/components/responses/%s", s->name)));
	}
}

void openapi_add_result(json_t *responses, const struct route *route)
{
	json_t *result = result_reference(route->operation), *content, *media, *schema;

	if (!operation_flag(route->operation, "sync")) {
		json_decref(result);
		if (!json_object_get(responses, "202"))
			openapi_set(responses, "202", accepted(route));
		return;
	}
	content = json_object_get(json_object_get(responses, "200"), "content");
	media = json_object_get(content, "application/json");
	schema = json_object_get(media, "schema");
	if (!schema) {
		openapi_set(responses, "200", response("the answer", result));
		return;
	}
	if (!json_object_get(schema, "anyOf"))
		openapi_set(media, "schema", json_pack("{s:[O]}", "anyOf", schema));
	openapi_add(json_object_get(json_object_get(media, "schema"), "anyOf"), result);
}

json_t *openapi_responses(const json_t *operations, const struct route *route)
{
	json_t *responses = json_object();

	if (strcmp(operation_text(route->operation, "name"), "GetApiJob") == 0) {
		openapi_set(responses, "200", response("the job has ended", results_of_jobs(operations)));
		openapi_set(responses, "202",
			    response("the job has not ended", openapi_reference("Location")));
	} else {
		openapi_add_result(responses, route);
	}
	openapi_add_refusals(responses);
	openapi_set(responses, "503", failure());
	return responses;
}
