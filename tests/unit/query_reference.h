/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What queries over a random pool must give, found without the query engine: relations are joins over the columns of
 * rows, patterns are matched by recursion, everything is a nested loop.
 */
#ifndef POOLFS_QUERY_REFERENCE_H
#define POOLFS_QUERY_REFERENCE_H

#include "tests/unit/random_pool.h"

#include <stdbool.h>

struct condition {
	const struct join *path[6];
	int depth;
	const char *column; /* with its type; NULL: a tag */
	enum kind_id tag;
	const char *op;
	char value[128];
	char text[512];
};

struct random_query {
	enum kind_id kind;
	struct condition conditions[3];
	int condition_count;
	const char *sort, *group; /* columns, or NULL */
	bool descending, count, with_total;
	long limit, start; /* -1 = not given */
	char text[8192];
};

/* Whether the condition holds for a row, seen from the end of @level relations of its path. */
bool reference_holds(const struct condition *c, int level, const json_t *row);

/* Uuids in order, owned by the caller, and the total. */
json_t *reference_run(const struct random_query *q, json_int_t *ret_total);

#endif
