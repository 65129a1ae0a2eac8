/* SPDX-License-Identifier: Apache-2.0 */
/* One condition of a query, `path operator value`, compiled. query_parse.h describes the language. */
#ifndef POOLFS_QUERY_CONDITION_H
#define POOLFS_QUERY_CONDITION_H

#include "model/error.h"
#include "model/kind.h"

struct condition;

/** True when conditions, sort, groupBy and fields may name this field. */
bool query_may_name(const struct field *f);
/** Index of the field with this name that queries may use; -1 when there is none. */
int query_field(const struct kind *kind, const char *name, size_t len);

/** Compiles one condition on objects of @kind. @text is UTF-8. */
int condition_new(const struct kind *kind, const char *text, struct condition **ret_condition,
		  struct error *e);
/** Accepts NULL. */
void condition_free(struct condition *c);
DEFINE_CLEANUP(struct condition *, condition_free)

#endif
