/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query language of the manual's chapter 3.9: conditions, paging, sorting,
 * grouping and the selection of fields, for one kind and the kinds related to it.
 *
 * A query is parsed once and is immutable then; any number of threads may run it
 * on any number of views. No part of it becomes SQL: it is evaluated on the
 * objects themselves, which an index finds when a condition allows it.
 *
 * A condition is `path operator value`. The path consists of any number of
 * relations (`vmNics.l3Network.name`, see relation.h) and ends in a field, in
 * `__systemTag__` or in `__userTag__`. The operator is the leftmost in the text.
 * Values compare by the type of the field: text as text_compare(), numbers
 * exactly (`4G` is a number, too), dates by the second in the formats of
 * render_parse_date(). A null field matches `is null` (`=null`) and nothing else.
 * A condition with relations holds when it holds for at least one object at
 * their end; `!=`, `!?=` and `!~=` on tags hold when no tag matches.
 *
 * There are two classes of errors. Text that is not a query (a `limit` that is
 * not a number, a condition without an operator) is EINVAL with SYS.1007: REST
 * answers 400 with the sentence as plain text. A query that names an unknown
 * field, or compares values that do not compare, is EINVAL with SYS.1000: REST
 * answers 503 with the error object (behaviour.md 1.9). A query that exceeds its
 * time limit is -ETIMEDOUT (SYS.1001).
 */
#ifndef POOLFS_QUERY_H
#define POOLFS_QUERY_H

#include <jansson.h>

#include "model/error.h"
#include "model/relation.h"
#include "model/view.h"

/* Maximum number of relations in a path, of conditions in a query, and of bytes in a query. */
#define QUERY_DEPTH_MAX	     8
#define QUERY_CONDITIONS_MAX 64
#define QUERY_LENGTH_MAX     65536
/* The default of `limit`. */
#define QUERY_LIMIT 1000

struct query;

/** A query without conditions; NULL when memory is short. Exported for the tests, as query_set(). */
struct query *query_new(const struct kind *kind);
/** Accepts NULL. */
void query_free(struct query *q);
DEFINE_CLEANUP(struct query *, query_free)
#define _cleanup_query_ _cleanup_(query_free_p)

/**
 * Parses the query string of a URL: `key=value` pairs separated by `&`, percent-encoded, with `+` for a
 * space. A `%` that is not followed by two hex digits is literal, so that a person may write `q=name~=web%`.
 */
int query_parse(const struct kind *kind, const char *text, struct query **ret_query, struct error *e);
/** Sets one decoded parameter: q, condition, limit, start, ... (behaviour.md 1.9). Ignores unknown ones. */
int query_set(struct query *q, const char *key, const char *value, struct error *e);
/** Adds a decoded condition; all conditions must hold. */
int query_add_condition(struct query *q, const char *text, struct error *e);
/** As the parameter `limit`; INT64_MAX for no limit. */
void query_set_limit(struct query *q, int64_t limit);

/* On whose behalf a query runs, and until when. */
struct query_scope {
	const char *account; /* uuid; only objects it may see (access.h) count. NULL: all objects */
	int64_t deadline;    /* ns of CLOCK_MONOTONIC; 0: none */
};

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
/** 1 when all conditions hold for @o, else 0; paging and grouping have no influence. */
int query_match(const struct query *q, const struct view *view, const struct query_scope *scope,
		const struct object *o, struct error *e);
/** The answer as in REST: {"inventories":[...],"total":N,"schema":{...}}. Owned by the caller. */
int query_run(const struct query *q, const struct view *view, const struct query_scope *scope,
	      json_t **ret_json, struct error *e);

/** True when the answer may depend on objects of @kind: the query selects them, or a condition follows a
 * relation to or through them. */
bool query_reads(const struct query *q, enum kind_id kind);
/** True when testing an object is cheap: no condition follows a relation or has a pattern. */
bool query_is_quick(const struct query *q);
/** True when conditions, sort, groupBy and fields may name this field. */
bool query_may_name(const struct field *f);
/** What queries on a kind may use: class, operators, fields with types, relations. NULL when memory is short.
 */
json_t *query_schema_json(const struct kind *kind);

#endif
