/* SPDX-License-Identifier: Apache-2.0 */
/* See choice.h. */
#include "rest/choice.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_method(const struct route *route, const char *method)
{
	return strcmp(route->method, method) == 0;
}

static json_t *object_member(json_t *json, const char *name)
{
	json_t *value = json_object_get(json, name);

	return json_is_object(value) ? value : NULL;
}

/* Finds the member of @body that has the route's key or one of its aliases as its name. The alias "params"
 * does not count: it does not identify an operation. */
static bool find_key(const struct route *route, json_t *body, json_t **ret_params)
{
	const char *key = operation_text(route->operation, "key"), *member;
	json_t *value, *alias;
	size_t i;

	json_object_foreach (body, member, value) {
		bool found = key && strcasecmp(key, member) == 0;

		json_array_foreach (json_object_get(route->operation, "keyAliases"), i, alias) {
			if (strcmp(json_string_value(alias), "params") != 0 &&
			    strcasecmp(json_string_value(alias), member) == 0)
				found = true;
		}
		if (found) {
			*ret_params = json_is_object(value) ? value : NULL;
			return true;
		}
	}
	return false;
}

/* True when the manual uses `params` instead of the key for this operation. */
static bool takes_params(const struct route *route)
{
	json_t *alias;
	size_t i;

	json_array_foreach (json_object_get(route->operation, "keyAliases"), i, alias) {
		if (strcmp(json_string_value(alias), "params") == 0)
			return true;
	}
	return false;
}

/* The number of body parameters of the operation, when @params holds all required ones and no unknown one;
 * else -1. */
static int fit(const struct route *route, json_t *params)
{
	const char *name;
	json_t *value, *param;
	size_t i;
	int count = 0;

	json_object_foreach (params, name, value) {
		if (!operation_parameter(route->operation, name))
			return -1;
	}
	json_array_foreach (json_object_get(route->operation, "params"), i, param) {
		if (strcmp(operation_text(param, "in"), "body") != 0)
			continue;
		if (operation_flag(param, "required") &&
		    !json_object_get(params, operation_text(param, "name")))
			return -1;
		count++;
	}
	return count;
}

/* `params` without a key: the operation that fits best, never one that destroys something. */
static const struct route *infer(const struct route_group *group, const char *method, json_t *params)
{
	const struct route *best = NULL;
	int best_fit = -1;

	for (size_t i = 0; i < group->route_count; i++) {
		const struct route *route = &group->routes[i];
		int count;

		if (!is_method(route, method) || !takes_params(route) ||
		    operation_flag(route->operation, "destroys"))
			continue;
		count = fit(route, params);
		if (count >= 0 && (best_fit < 0 || count < best_fit)) {
			best = route;
			best_fit = count;
		}
	}
	return best;
}

static bool choose_put(const struct route_group *group, json_t *body, struct choice *ret)
{
	json_t *params = object_member(body, "params");

	for (size_t i = 0; i < group->route_count; i++) {
		const struct route *route = &group->routes[i];

		/* The manual also shows the key inside `params`. */
		if (is_method(route, "PUT") &&
		    (find_key(route, body, &ret->params) || find_key(route, params, &ret->params))) {
			ret->route = route;
			return true;
		}
	}
	ret->route = params ? infer(group, "PUT", params) : NULL;
	ret->params = params;
	return ret->route != NULL;
}

static const struct route *first_of(const struct route_group *group, const char *method)
{
	for (size_t i = 0; i < group->route_count; i++)
		if (is_method(&group->routes[i], method))
			return &group->routes[i];
	return NULL;
}

/*
 * The real server runs the only operation of a path whatever the method, and clients rely on it (a login by POST).
 * Here GET stays safe, and nothing is destroyed by mistake.
 */
static const struct route *only_one(const struct route_group *group, const char *method)
{
	static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"};
	const struct route *only = &group->routes[0];

	for (size_t i = 0; i < sizeof(safe) / sizeof(*safe); i++)
		if (strcmp(method, safe[i]) == 0)
			return NULL;
	return group->unique && !operation_flag(only->operation, "destroys") &&
			       strcmp(operation_text(only->operation, "name"), "GetApiJob") != 0
		       ? only
		       : NULL;
}

bool choice_reads_body(const struct route_group *group, const char *method)
{
	const struct route *route = first_of(group, method);

	if (!route)
		route = only_one(group, method);
	method = route ? route->method : method;
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

void choice_list_methods(const struct route_group *group, char *ret_text, size_t size)
{
	static const char *const methods[][2] = {
		{"GET", "GET, HEAD"}, {"POST", "POST"}, {"PUT", "PUT"}, {"DELETE", "DELETE"}};
	size_t len = 0;

	*ret_text = '\0';
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (first_of(group, methods[i][0]) && len < size)
			len += (size_t)snprintf(ret_text + len, size - len, "%s%s", len ? ", " : "",
						methods[i][1]);
}

static void explain(const struct route_group *group, const char *method, const char *path, int *ret_status,
		    char *text, size_t size)
{
	static const char *const none[][2] = {{"POST", "creational"}, {"GET", "query"}, {"DELETE", "delete"}};

	*ret_status = 405;
	snprintf(text, size, "The method[%.16s] is not allowed for the path[%s]", method, path);
	if (strncmp(path, "/v1/api-jobs/", 13) == 0) {
		snprintf(text, size, "only GET method is allowed for querying job status");
		return;
	}
	if (group->unique)
		return;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		if (strcmp(none[i][0], method) == 0) {
			*ret_status = 500;
			snprintf(text, size, "No %s API found for the path[%s]", none[i][1], path);
		}
	if (strcmp(method, "PUT") == 0) {
		*ret_status = 400;
		snprintf(text, size, "the body doesn't contain action mapping to the URL[%s]", path);
	}
}

bool choose(const struct route_group *group, const char *method, json_t *body, const char *path,
	    struct choice *ret, int *ret_status, char *ret_text, size_t size)
{
	const struct route *first = first_of(group, method);

	if (!first)
		first = only_one(group, method);
	if (first && is_method(first, "PUT")) {
		if (choose_put(group, body, ret))
			return true;
		*ret_status = 400;
		snprintf(ret_text, size, "the body doesn't contain action mapping to the URL[%s]", path);
		return false;
	}
	if (!first) {
		explain(group, method, path, ret_status, ret_text, size);
		return false;
	}
	ret->route = first;
	ret->params = object_member(body, "params");
	/* A route alias of a PUT operation may carry its key. */
	if (!ret->params)
		(void)find_key(first, body, &ret->params);
	return true;
}
