/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query language of the manual's chapter 3.9: conditions, paging, sorting,
 * grouping, and the choice of fields, over one kind and what it is related to.
 *
 * A query is parsed once and then immutable; any number of threads may run it
 * over any number of views. Nothing of it ever becomes SQL: it is evaluated on
 * the objects themselves, which an index finds when a condition allows it.
 *
 * A condition is `path operator value`. The path is a field, perhaps behind
 * relations (`vmNics.l3Network.name`, see relation.h), and ends in a field or in
 * `__systemTag__` or `__userTag__`. The operator is the leftmost in the text.
 * Values compare as the field's type does: text as text_compare(), numbers
 * exactly (`4G` is a number too), dates by the second in the formats of
 * render_parse_date(). A null field matches `is null` (`=null`) and nothing
 * else. A condition behind relations holds when it holds for at least one object
 * there; `!=`, `!?=` and `!~=` on tags hold when no tag matches.
 *
 * Errors are of two families. What is not a query at all (a `limit` that is no
 * number, a condition without operator) is EINVAL with SYS.1007: REST answers
 * 400 with the sentence as plain text. A query that names what does not exist or
 * cannot be compared is EINVAL with SYS.1000: REST answers 503 with the error
 * object (behaviour.md 1.9). -ETIMEDOUT (SYS.1001) is a query cut off.
 */
#ifndef POOLFS_QUERY_H
#define POOLFS_QUERY_H

#include <jansson.h>

#include "model/error.h"
#include "model/relation.h"
#include "model/view.h"

/* Relations in one path, conditions in one query, bytes of one query. */
#define QUERY_DEPTH_MAX	     8
#define QUERY_CONDITIONS_MAX 64
#define QUERY_LENGTH_MAX     65536
/* Objects that an answer holds when `limit` does not say. */
#define QUERY_LIMIT 1000

struct query;

/** A query without conditions; NULL when memory is short. Exported for the tests, as query_set(). */
struct query *query_new(const struct kind *kind);
/** Accepts NULL. */
void query_free(struct query *q);
DEFINE_CLEANUP(struct query *, query_free)
#define _cleanup_query_ _cleanup_(query_free_p)

/**
 * Reads what stands behind the `?` of a URL: `key=value` pairs parted by `&`, percent-encoded, `+` for a
 * space. A `%` without two hex digits stands for itself, so that a person may write `q=name~=web%`.
 */
int query_parse(const struct kind *kind, const char *text, struct query **ret_query, struct error *e);
/** One parameter, decoded: q, condition, limit, start, count, ... (behaviour.md 1.9); others are ignored. */
int query_set(struct query *q, const char *key, const char *value, struct error *e);
/** One more condition, decoded; all of them must hold. */
int query_add_condition(struct query *q, const char *text, struct error *e);
/** As `limit=`; INT64_MAX for all. */
void query_set_limit(struct query *q, int64_t limit);

/* How a query is run: for whom, and until when. */
struct query_scope {
	const char *account; /* uuid; it sees what access.h lets it see. NULL: everything */
	int64_t deadline;    /* ns of CLOCK_MONOTONIC; 0: none */
};

/* What matched, in the order asked for. Objects are borrowed from the view. */
struct query_result {
	const struct object **objects; /* owned array */
	size_t count;
	int64_t total; /* matches (groups, with groupBy) regardless of start and limit; -1 when nobody asked
			*/
};
void query_result_done(struct query_result *result);
#define _cleanup_query_result_ _cleanup_(query_result_done)

/** The objects that a query gives. */
int query_select(const struct query *q, const struct view *view, const struct query_scope *scope,
		 struct query_result *ret_result, struct error *e);
/** 1 when @o is among what the conditions let through, 0 when not; paging and grouping do not count. */
int query_match(const struct query *q, const struct view *view, const struct query_scope *scope,
		const struct object *o, struct error *e);
/** The answer as REST gives it: {"inventories":[...],"total":N,"schema":{...}}. Owned by the caller. */
int query_run(const struct query *q, const struct view *view, const struct query_scope *scope,
	      json_t **ret_json, struct error *e);

/** True when the answer may depend on objects of @kind: they are asked for, or a condition leads to or over
 * them. */
bool query_reads(const struct query *q, enum kind_id kind);
/** True when looking at an object costs little: no condition leads to others or has a pattern. */
bool query_is_quick(const struct query *q);
/** True when conditions, sort, groupBy and fields may name this field. */
bool query_may_name(const struct field *f);
/** What may be asked about a kind: class, operators, fields with types, relations. NULL when memory is short.
 */
json_t *query_schema_json(const struct kind *kind);

#endif
