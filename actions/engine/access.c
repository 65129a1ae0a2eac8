/* SPDX-License-Identifier: Apache-2.0 */
/* See access.h. */
#include "actions/engine/access.h"

#include "model/access.h"

static int refuse(const struct request *req, const struct object *o, struct error *e)
{
	return error_set_code(e, EACCES, "ID.1002", "the account '%s' may not do '%s' to %s '%s'",
			      req->actor.account, req->op->name, o->kind->noun, object_uuid(o));
}

/* An account may use what it may see. */
static int check_use(const struct view *view, const struct request *req, const struct object *o,
		     struct error *e)
{
	return !o || access_may_see(view, o, req->actor.account) ? 0 : refuse(req, o, e);
}

static int check_param(const struct view *view, const struct request *req, const struct param *p,
		       struct error *e)
{
	const json_t *value = json_object_get(req->params, p->name), *item;
	int r = check_use(view, req, view_get(view, p->resource, json_string_value(value)), e);
	size_t i;

	if (r < 0)
		return r;
	json_array_foreach (value, i, item) {
		r = check_use(view, req, view_get(view, p->resource, json_string_value(item)), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int access_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct operation *op = req->op;
	int r;

	if (!*req->actor.account || access_is_admin(view, req->actor.account))
		return 0;
	if (op->flags & OP_ADMIN)
		return error_set_code(e, EACCES, "ID.1002",
				      "'%s' is for administrators, the account '%s' is not one", op->name,
				      req->actor.account);
	if (op->target) {
		r = check_use(view, req, request_object(view, req), e);
		if (r < 0)
			return r;
	}
	for (const struct param *p = op->params; p && p->name; p++) {
		if (p->resource == KIND_NONE)
			continue;
		r = check_param(view, req, p, e);
		if (r < 0)
			return r;
	}
	return 0;
}
