/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing table, made of the operation table that the mount shows. Paths
 * without variables go before those with (behaviour.md 1.1).
 */
#ifndef POOLFS_REST_ROUTES_H
#define POOLFS_REST_ROUTES_H

#include <jansson.h>

#include "rest/uri.h"

struct routes;

/** @operations (the content of operations.json) is borrowed for as long as the routes live. NULL without
 * memory. */
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
	char *text;			    /* owned: what the segments lie in */
	const char *segments[URI_SEGMENTS]; /* NULL: a variable */
	size_t segment_count, variable_count;
	struct route *routes; /* owned */
	size_t route_count;
	bool unique; /* one operation only */
	struct route_group *next_spare;
};

/** The group that serves these segments (behind /v1); NULL when there is none. */
const struct route_group *routes_find(const struct routes *routes, const char *const *segments, size_t count);
/** All groups, for walks. */
size_t routes_groups(const struct routes *routes, struct route_group *const **ret_groups);

/** Text of an operation's member; NULL. */
const char *operation_text(const json_t *operation, const char *name);
/** True when an operation's member is true. */
bool operation_flag(const json_t *operation, const char *name);
/** The parameter's row; NULL. */
json_t *operation_parameter(const json_t *operation, const char *name);

#endif
