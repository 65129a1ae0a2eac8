/* SPDX-License-Identifier: Apache-2.0 */
/* See routes.h. */
#include "rest/routes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct routes {
	struct route_group **groups; /* owned; fewest variables first */
	size_t count;
	struct route_group
		*spares; /* owned: groups of a shape that exists already, which hold variable names */
};

const char *operation_text(const json_t *operation, const char *name)
{
	return json_string_value(json_object_get(operation, name));
}

bool operation_flag(const json_t *operation, const char *name)
{
	return json_is_true(json_object_get(operation, name));
}

json_t *operation_parameter(const json_t *operation, const char *name)
{
	json_t *param;
	size_t i;

	json_array_foreach (json_object_get(operation, "params"), i, param) {
		if (strcmp(operation_text(param, "name"), name) == 0)
			return param;
	}
	return NULL;
}

static void group_free(struct route_group *group)
{
	if (!group)
		return;
	free(group->path);
	free(group->text);
	free(group->routes);
	free(group);
}

void routes_free(struct routes *routes)
{
	if (!routes)
		return;
	for (size_t i = 0; i < routes->count; i++)
		group_free(routes->groups[i]);
	for (struct route_group *spare = routes->spares, *next; spare; spare = next) {
		next = spare->next_spare;
		group_free(spare);
	}
	free(routes->groups);
	free(routes);
}

/* The name in `{name}`, cut out in place; NULL for a fixed segment. */
static const char *variable_name(char *segment)
{
	size_t len = strlen(segment);

	if (len < 3 || segment[0] != '{' || segment[len - 1] != '}')
		return NULL;
	segment[len - 1] = '\0';
	return segment + 1;
}

static struct route_group *group_new(const char *path, const char *variables[URI_SEGMENTS])
{
	struct route_group *group = calloc(1, sizeof(*group));
	char *rest, *segment;

	if (!group)
		return NULL;
	group->path = strdup(path);
	group->text = strdup(path);
	if (!group->path || !group->text || *path != '/') {
		group_free(group);
		return NULL;
	}
	rest = group->text + 1;
	while ((segment = strsep(&rest, "/")) && group->segment_count < URI_SEGMENTS) {
		const char *variable = variable_name(segment);

		variables[group->segment_count] = variable;
		group->segments[group->segment_count++] = variable ? NULL : segment;
		group->variable_count += variable != NULL;
	}
	return group;
}

static bool same_shape(const struct route_group *a, const struct route_group *b)
{
	if (a->segment_count != b->segment_count)
		return false;
	for (size_t i = 0; i < a->segment_count; i++)
		if (!a->segments[i] != !b->segments[i] ||
		    (a->segments[i] && strcasecmp(a->segments[i], b->segments[i]) != 0))
			return false;
	return true;
}

/* The order of groups: fewer variables first; with as many, fixed segments before variables. */
static bool goes_before(const struct route_group *a, const struct route_group *b)
{
	if (a->variable_count != b->variable_count)
		return a->variable_count < b->variable_count;
	for (size_t i = 0; i < a->segment_count && i < b->segment_count; i++)
		if (!a->segments[i] != !b->segments[i])
			return a->segments[i] != NULL;
	return false;
}

static bool insert_group(struct routes *routes, struct route_group *group)
{
	struct route_group **grown =
		reallocarray(routes->groups, routes->count + 1, sizeof(struct route_group *));
	size_t at = 0;

	if (!grown)
		return false;
	routes->groups = grown;
	while (at < routes->count && !goes_before(group, grown[at]))
		at++;
	memmove(&grown[at + 1], &grown[at], (routes->count - at) * sizeof(struct route_group *));
	grown[at] = group;
	routes->count++;
	return true;
}

static bool add_route(struct route_group *group, const struct route *route)
{
	struct route *grown = reallocarray(group->routes, group->route_count + 1, sizeof(struct route));

	if (!grown)
		return false;
	group->routes = grown;
	grown[group->route_count++] = *route;
	group->unique = true;
	for (size_t i = 0; i < group->route_count; i++)
		if (grown[i].operation != grown[0].operation)
			group->unique = false;
	return true;
}

static bool add(struct routes *routes, json_t *operation, const char *method, const char *path)
{
	struct route route = {.method = method, .operation = operation};
	struct route_group *group = group_new(path, route.variables);

	if (!group)
		return false;
	for (size_t i = 0; i < routes->count; i++)
		if (same_shape(routes->groups[i], group)) {
			group->next_spare = routes->spares;
			routes->spares = group;
			return add_route(routes->groups[i], &route);
		}
	if (add_route(group, &route) && insert_group(routes, group))
		return true;
	group_free(group);
	return false;
}

/* An alias is "METHOD /path". */
static bool add_alias(struct routes *routes, json_t *operation, const char *alias)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		size_t len = strlen(methods[i]);

		if (strncmp(alias, methods[i], len) == 0 && alias[len] == ' ')
			return add(routes, operation, methods[i], alias + len + 1);
	}
	return true;
}

static bool add_operation(struct routes *routes, json_t *operation)
{
	json_t *path;
	size_t i;

	json_array_foreach (json_object_get(operation, "paths"), i, path) {
		if (!add(routes, operation, operation_text(operation, "method"), json_string_value(path)))
			return false;
	}
	json_array_foreach (json_object_get(operation, "aliases"), i, path) {
		if (!add_alias(routes, operation, json_string_value(path)))
			return false;
	}
	return true;
}

struct routes *routes_new(const json_t *operations)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	json_t *operation;
	size_t i;

	if (!routes)
		return NULL;
	json_array_foreach (json_object_get(operations, "operations"), i, operation) {
		if (!add_operation(routes, operation)) {
			routes_free(routes);
			return NULL;
		}
	}
	return routes;
}

static bool serves(const struct route_group *group, const char *const *segments, size_t count)
{
	if (group->segment_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (group->segments[i] ? strcasecmp(group->segments[i], segments[i]) != 0 : !*segments[i])
			return false;
	return true;
}

const struct route_group *routes_find(const struct routes *routes, const char *const *segments, size_t count)
{
	for (size_t i = 0; i < routes->count; i++)
		if (serves(routes->groups[i], segments, count))
			return routes->groups[i];
	return NULL;
}

size_t routes_groups(const struct routes *routes, struct route_group *const **ret_groups)
{
	*ret_groups = routes->groups;
	return routes->count;
}
