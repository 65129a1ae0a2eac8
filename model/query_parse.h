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
#ifndef POOLFS_QUERY_PARSE_H
#define POOLFS_QUERY_PARSE_H

#include "model/error.h"
#include "model/kind.h"

/* Maximum number of relations in a path, of conditions in a query, and of bytes in a query. */
#define QUERY_DEPTH_MAX	     8
#define QUERY_CONDITIONS_MAX 64
#define QUERY_LENGTH_MAX     65536
/* The default of `limit`. */
#define QUERY_LIMIT 1000

struct query;

/** A query without conditions; NULL when memory is short. Exported for tests. */
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
/** Sets one decoded parameter: q, condition, limit, start, ... (behaviour.md 1.9). Ignores unknown ones.
 * Exported for tests. */
int query_set(struct query *q, const char *key, const char *value, struct error *e);
/** Adds a decoded condition; all conditions must hold. */
int query_add_condition(struct query *q, const char *text, struct error *e);
/** As the parameter `limit`; INT64_MAX for no limit. */
void query_set_limit(struct query *q, int64_t limit);
/** The answer has the member `inventory`, too, when it has one object. */
void query_show_single(struct query *q);

#endif
