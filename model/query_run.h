/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a query: grouped, sorted, one page of it, and as JSON. */
#ifndef POOLFS_QUERY_RUN_H
#define POOLFS_QUERY_RUN_H

#include <jansson.h>

#include "model/json_out.h"
#include "model/query_eval.h"

/* The matching objects in the requested order, borrowed from the view. */
struct query_result {
	const struct object **objects; /* owned array */
	size_t count;
	int64_t total; /* matches (groups, with groupBy) regardless of start and limit; -1 = not requested */
};
void query_result_done(struct query_result *result);
#define _cleanup_query_result_ _cleanup_(query_result_done)

/** Finds the objects that a query selects. */
int query_select(const struct query *q, const struct view *view, const struct query_scope *scope,
		 struct query_result *ret_result, struct error *e);
/**
 * Writes the answer as in REST: {"inventories":[...],"total":N,"schema":{...}}. On an error, what has been written is of
 * no use.
 */
int query_answer(const struct query *q, const struct view *view, const struct query_scope *scope,
		 struct json_out *out, struct error *e);
/** The same as a tree, owned by the caller; for tests. */
int query_run(const struct query *q, const struct view *view, const struct query_scope *scope,
	      json_t **ret_json, struct error *e);

/** What queries on a kind may use: class, operators, fields with types, relations. NULL when memory is short.
 */
json_t *query_schema_json(const struct kind *kind);

#endif
