/* SPDX-License-Identifier: Apache-2.0 */
/* See query_operation.h. */
#include "actions/engine/query_operation.h"

#include "model/access.h"
#include "model/query_condition.h"

/* NULL: an administrator, who sees everything. */
static const char *limited_account(const struct view *view, const char *account)
{
	return *account && !access_is_admin(view, account) ? account : NULL;
}

int query_operation_restrict(const struct operation *op, const struct view *view, const char *account,
			     struct query *q, struct error *e)
{
	if ((op->flags & OP_ADMIN) && limited_account(view, account))
		return error_set_code(e, EACCES, "ID.1002",
				      "'%s' is for administrators, the account '%s' is not one", op->name,
				      account);
	return op->data ? query_add_condition(q, op->data, e) : 0;
}

int query_operation_run(const struct operation *op, const struct view *view, const char *account,
			const struct query *q, int64_t deadline, struct json_out *out, struct error *e)
{
	struct query_scope scope = {.account = limited_account(view, account), .deadline = deadline};
	_cleanup_view_ struct view *derived =
		op->derive ? op->derive(view, scope.account, query_uuid(q)) : NULL;

	if (op->derive && !derived)
		return error_oom(e);
	return query_answer(q, derived ? derived : view, &scope, out, e);
}
