/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See openapi.h. Several operations with the same path and method (the `actions`
 * of an object) become one OpenAPI operation with a choice of bodies (oneOf).
 */
#include "rest/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "model/json.h"
#include "rest/openapi_paths.h"
#include "rest/openapi_responses.h"
#include "rest/openapi_types.h"

/* What the parts of the document share. */
struct document {
	const json_t *operations; /* borrowed */
	json_t *ids;		  /* of operations, as members; owned by openapi_make() */
};

static json_t *copy_of(json_t *json, const char *name)
{
	return json_copy_whole(json_object_get(json, name));
}

static json_t *schema_of(json_t *param)
{
	static const char *const types[][3] = {{"string", "string", NULL},   {"int", "integer", "int32"},
					       {"long", "integer", "int64"}, {"boolean", "boolean", NULL},
					       {"list", "array", NULL},	     {"map", "object", NULL}};
	static const char *const limits[][2] = {
		{"maxLength", "maxLength"}, {"min", "minimum"}, {"max", "maximum"}, {"values", "enum"}};
	const char *type = operation_text(param, "type");
	json_t *schema = json_object();

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(types[i][0], type) == 0) {
			openapi_set(schema, "type", json_string(types[i][1]));
			if (types[i][2])
				openapi_set(schema, "format", json_string(types[i][2]));
		}
	if (strcmp(type, "list") == 0)
		openapi_set(schema, "items", json_pack("{s:s}", "type", "string"));
	if (operation_flag(param, "nonempty"))
		openapi_set(schema, "minItems", json_integer(1));
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (json_object_get(param, limits[i][0]))
			openapi_set(schema, limits[i][1], copy_of(param, limits[i][0]));
	if (strcmp(type, "string") == 0 && json_object_get(param, "default"))
		openapi_set(schema, "default", copy_of(param, "default"));
	if (operation_flag(param, "secret"))
		openapi_set(schema, "writeOnly", json_true());
	if (json_object_get(param, "resource"))
		openapi_set(schema, "description",
			    json_sprintf("uuid of %s, or @ and its name", operation_text(param, "resource")));
	return schema;
}

/* The parameters in the body. */
static json_t *body_members(const struct route *route)
{
	json_t *members = json_object(), *required = json_array(), *param, *schema;
	size_t i;

	json_array_foreach (json_object_get(route->operation, "params"), i, param) {
		if (strcmp(operation_text(param, "in"), "body") != 0)
			continue;
		openapi_set(members, operation_text(param, "name"), schema_of(param));
		if (operation_flag(param, "required"))
			openapi_add(required, json_incref(json_object_get(param, "name")));
	}
	schema = json_pack("{s:s, s:o}", "type", "object", "properties", members);
	if (json_array_size(required))
		openapi_set(schema, "required", json_incref(required));
	json_decref(required);
	return schema;
}

static json_t *body_of(const struct route *route)
{
	const char *key = operation_text(route->operation, "key");
	json_t *members = json_object();
	json_t *tags = json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");

	openapi_set(members, key ? key : "params", body_members(route));
	openapi_set(members, "systemTags", json_incref(tags));
	openapi_set(members, "userTags", tags);
	return json_pack("{s:s, s:s?, s:o, s:[s]}", "type", "object", "title",
			 operation_text(route->operation, "name"), "properties", members, "required",
			 key ? key : "params");
}

static void add_parameter(json_t *list, const char *name, const char *in, bool required, json_t *schema)
{
	openapi_add(list, json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", in, "required", required,
				    "schema", schema));
}

/* Path variables, by their names in the path of the group. */
static void add_variables(json_t *list, const struct route_group *group)
{
	for (size_t i = 0; i < group->segment_count; i++)
		if (group->routes[0].variables[i])
			add_parameter(list, group->routes[0].variables[i], "path", true,
				      json_pack("{s:s}", "type", "string"));
}

static void add_query(json_t *list, const struct route *route)
{
	static const char *const plain[] = {"q", "sort", "fields", "groupBy"},
				 *const numbers[] = {"limit", "start"},
				 *const flags[] = {"count", "replyWithCount"};
	json_t *param;
	size_t i;

	json_array_foreach (json_object_get(route->operation, "params"), i, param) {
		if (strcmp(operation_text(param, "in"), "query") == 0)
			add_parameter(list, operation_text(param, "name"), "query",
				      operation_flag(param, "required"), schema_of(param));
	}
	if (!operation_flag(route->operation, "query"))
		return;
	for (i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		add_parameter(list, plain[i], "query", false,
			      json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string"));
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		add_parameter(list, numbers[i], "query", false, json_pack("{s:s}", "type", "integer"));
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		add_parameter(list, flags[i], "query", false, json_pack("{s:s}", "type", "boolean"));
}

/*
 * The name of the operation; of a query of one object with ByUuid behind it; of several operations on an object
 * ActOn with the kind. What comes again, on another path, gets a number.
 */
static json_t *id_of(struct document *d, const struct route_group *group, const struct route *route,
		     bool alone)
{
	const char *kind = operation_text(route->operation, "kind");
	bool one = operation_flag(route->operation, "query") && group->variable_count > 0;
	char base[128], id[160];

	if (alone)
		snprintf(base, sizeof(base), "%s%s", operation_text(route->operation, "name"),
			 one ? "ByUuid" : "");
	else
		snprintf(base, sizeof(base), "ActOn%s", kind ? kind : "Pool");
	snprintf(id, sizeof(id), "%s", base);
	for (int n = 2; json_object_get(d->ids, id); n++)
		snprintf(id, sizeof(id), "%s%d", base, n);
	openapi_set(d->ids, id, json_true());
	return json_string(id);
}

static json_t *new_operation(struct document *d, const struct route_group *group, const struct route *route,
			     bool alone)
{
	bool has_body = strcmp(route->method, "POST") == 0 || strcmp(route->method, "PUT") == 0;
	json_t *parameters = json_array(), *operation;

	add_variables(parameters, group);
	if (!has_body)
		add_query(parameters, route);
	if (!operation_flag(route->operation, "sync"))
		add_parameter(parameters, "X-Job-UUID", "header", false,
			      json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9a-fA-F]{32}$"));
	operation = json_pack("{s:o, s:s, s:[o], s:o, s:o}", "operationId", id_of(d, group, route, alone),
			      "summary", operation_text(route->operation, "help"), "tags",
			      json_string(group->segments[0] ? group->segments[0] : "other"), "parameters",
			      parameters, "responses", openapi_responses(d->operations, route));
	if (has_body)
		openapi_set(
			operation, "requestBody",
			json_pack("{s:{s:{s:o}}}", "content", "application/json", "schema", body_of(route)));
	if (operation_flag(route->operation, "noSession"))
		openapi_set(operation, "security", json_array());
	return operation;
}

/* Another operation of the same path and method: adds its body and its answer to the choice. */
static void add_choice(json_t *operation, const struct route *route)
{
	json_t *content = json_object_get(json_object_get(operation, "requestBody"), "content");
	json_t *media = json_object_get(content, "application/json"),
	       *schema = json_object_get(media, "schema");

	openapi_add_result(json_object_get(operation, "responses"), route);
	if (!schema)
		return;
	if (!json_object_get(schema, "oneOf"))
		openapi_set(media, "schema", json_pack("{s:[O]}", "oneOf", schema));
	openapi_add(json_object_get(json_object_get(media, "schema"), "oneOf"), body_of(route));
	openapi_set(operation, "summary",
		    json_string("operations on the object; the member of the body selects one"));
}

static json_t *path_of(struct document *d, const struct route_group *group)
{
	json_t *path = json_object();

	for (size_t i = 0; i < group->route_count; i++) {
		const struct route *route = &group->routes[i];
		char method[8] = "";
		size_t same = 0;

		for (size_t c = 0; route->method[c] && c < sizeof(method) - 1; c++)
			method[c] = (char)tolower((unsigned char)route->method[c]);
		for (size_t j = 0; j < group->route_count; j++)
			same += strcmp(group->routes[j].method, route->method) == 0;
		if (json_object_get(path, method))
			add_choice(json_object_get(path, method), route);
		else
			openapi_set(path, method, new_operation(d, group, route, same == 1));
	}
	return path;
}

static json_t *schemas_component(const json_t *catalog)
{
	json_t *schemas = openapi_types(catalog), *operation;
	size_t i;

	openapi_set(schemas, "Location",
		    json_pack("{s:s, s:[s], s:{s:{s:s, s:s}}}", "type", "object", "required", "location",
			      "properties", "location", "type", "string", "format", "uri"));
	openapi_set(schemas, "Failure",
		    json_pack("{s:s, s:[s], s:{s:o}}", "type", "object", "required", "error", "properties",
			      "error", openapi_reference("Error")));
	openapi_set(schemas, "Error",
		    json_pack("{s:s, s:[sss], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:o}}", "type", "object",
			      "required", "code", "description", "details", "properties", "code", "type",
			      "string", "description", "type", "string", "details", "type", "string", "cause",
			      openapi_reference("Error")));
	json_array_foreach (json_object_get(catalog, "operations"), i, operation) {
		char name[128];

		snprintf(name, sizeof(name), "%sResult", operation_text(operation, "name"));
		openapi_set(schemas, name, openapi_result(operation));
	}
	return schemas;
}

static json_t *components(const json_t *catalog)
{
	return json_pack("{s:o, s:o, s:o, s:{s:{s:s, s:s, s:s, s:s}}}", "schemas", schemas_component(catalog),
			 "responses", openapi_common_responses(), "headers", openapi_headers(),
			 "securitySchemes", "session", "type", "apiKey", "in", "header", "name",
			 "Authorization", "description",
			 "OAuth <uuid of the session>, or ZStack <id of an access key>:<signature>");
}

json_t *openapi_make(const struct routes *routes, const json_t *catalog, const char *version)
{
	json_t *paths = json_object(), *ids = json_object();
	struct document d = {.operations = json_object_get(catalog, "operations"), .ids = ids};
	struct route_group *const *groups;
	size_t count = routes_groups(routes, &groups);
	json_t *made;

	openapi_begin();
	for (size_t i = 0; i < count; i++)
		openapi_set(paths, groups[i]->path, path_of(&d, groups[i]));
	openapi_add_paths(paths);
	json_decref(ids);
	made = json_pack("{s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:[{s:[]}], s:o, s:o}", "openapi",
			 "3.1.0", "info", "title", "poolfs", "version", version, "license", "name",
			 "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", "/zstack/v1", "security",
			 "session", "paths", paths, "components", components(catalog));
	if (!openapi_is_whole())
		json_decref(steal(&made));
	return made;
}
