/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing table, built from the operation table in the mount. Paths without
 * variables take precedence over those with variables (behaviour.md 1.1).
 */
#ifndef POOLFS_REST_ROUTES_H
#define POOLFS_REST_ROUTES_H

#include <jansson.h>

#include "rest/uri.h"

struct routes;

/** @operations (the content of operations.json) is borrowed for the lifetime of the routes. NULL when memory
 * is short. */
struct routes *routes_new(const json_t *operations);
/** Accepts NULL. */
void routes_free(struct routes *routes);

/* One operation on one path. */
struct route {
	const char *method;
	json_t *operation;		     /* borrowed: its row in operations.json */
	const char *variables[URI_SEGMENTS]; /* name of the variable in each segment, NULL: a fixed one */
};

/* All operations whose paths differ at most in the names of variables. */
struct route_group {
	char *path;			    /* owned: as in the table */
	char *text;			    /* owned: storage of the segments */
	const char *segments[URI_SEGMENTS]; /* NULL: a variable */
	size_t segment_count, variable_count;
	struct route *routes; /* owned */
	size_t route_count;
	bool unique; /* all routes belong to one operation */
	struct route_group *next_spare;
};

/** The group that serves these segments (after /v1); NULL when there is none. */
const struct route_group *routes_find(const struct routes *routes, const char *const *segments, size_t count);
/** All groups, in the order of precedence. Borrowed. Returns their number. */
size_t routes_groups(const struct routes *routes, struct route_group *const **ret_groups);

/** Text of a member of an operation; NULL when there is none. */
const char *operation_text(const json_t *operation, const char *name);
/** True when this member of an operation is true. */
bool operation_flag(const json_t *operation, const char *name);
/** The row of a parameter; NULL when there is none. */
json_t *operation_parameter(const json_t *operation, const char *name);

#endif
