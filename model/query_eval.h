/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects a query matches: its conditions, evaluated on a view. See query_eval.c. */
#ifndef POOLFS_QUERY_EVAL_H
#define POOLFS_QUERY_EVAL_H

#include "model/query_parse.h"
#include "model/view.h"

/* On whose behalf a query runs, and until when. */
struct query_scope {
	const char *account; /* uuid; only objects it may see (access.h) count. NULL: all objects */
	int64_t deadline;    /* ns of CLOCK_MONOTONIC; 0: none */
};

/** 1 when all conditions hold for @o, else 0; paging and grouping have no influence. */
int query_match(const struct query *q, const struct view *view, const struct query_scope *scope,
		const struct object *o, struct error *e);

/** True when the answer may depend on objects of @kind: the query selects them, or a condition follows a
 * relation to or through them. */
bool query_reads(const struct query *q, enum kind_id kind);
/** The uuid of the only object that can match, borrowed, when a condition says so; NULL: none does. */
const char *query_uuid(const struct query *q);
/** True when testing an object is cheap: no condition follows a relation or has a pattern. */
bool query_is_quick(const struct query *q);

/* Matching objects in the order of their creation. */
struct matches {
	const struct object **objects; /* owned; borrowed objects */
	size_t count, room;
};

/** Finds matches until there are @enough of them. */
int query_find(const struct query *q, const struct view *view, const struct query_scope *scope, size_t enough,
	       struct matches *m, struct error *e);
/** -ETIMEDOUT when the deadline has passed. */
int query_check_time(const struct query_scope *scope, struct error *e);

#endif
