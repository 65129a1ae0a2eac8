/* SPDX-License-Identifier: Apache-2.0 */
/* A query as an operation of the table: what it lists, and for whom. */
#ifndef POOLFS_ENGINE_QUERY_OPERATION_H
#define POOLFS_ENGINE_QUERY_OPERATION_H

#include "actions/engine/operation.h"
#include "model/query_run.h"

/**
 * Restricts @q, parsed for the kind of @op, a FORM_QUERY, to what the operation lists. Those that are for
 * administrators are refused to other accounts: -EACCES. @account: "" = an administrator. Other errors as
 * query_add_condition().
 */
int query_operation_restrict(const struct operation *op, const struct view *view, const char *account,
			     struct query *q, struct error *e);

/**
 * Runs the query over what @account may see, until @deadline (pool_query_deadline()). Writes as
 * query_answer(). Takes long: not in the store's and the FUSE thread, unless it is known to be quick.
 */
int query_operation_run(const struct operation *op, const struct view *view, const char *account,
			const struct query *q, int64_t deadline, struct json_out *out, struct error *e);

#endif
