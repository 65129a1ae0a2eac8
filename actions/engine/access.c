/* SPDX-License-Identifier: Apache-2.0 */
/* See access.h. */
#include "actions/engine/access.h"

#include "model/access.h"

/* ------------------------------------------------------------- who may what */

static int refuse(const struct request *req, const struct object *o, struct error *e)
{
	return error_set_code(e, EACCES, "ID.1002", "the account '%s' may not do '%s' to %s '%s'",
			      req->actor.account, req->op->name, o->kind->noun, object_uuid(o));
}

/* What one may see one may use. */
static int check_use(const struct view *view, const struct request *req, const struct object *o,
		     struct error *e)
{
	return !o || access_may_see(view, o, req->actor.account) ? 0 : refuse(req, o, e);
}

static int check_param(const struct view *view, const struct request *req, const struct param *p,
		       struct error *e)
{
	json_t *value = json_object_get(req->params, p->name), *item;
	int r = check_use(view, req, view_get(view, p->resource, json_string_value(value)), e);
	size_t i;

	json_array_foreach (value, i, item) {
		if (r == 0)
			r = check_use(view, req, view_get(view, p->resource, json_string_value(item)), e);
	}
	return r;
}

int access_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct operation *op = req->op;
	int r = 0;

	if (!*req->actor.account || access_is_admin(view, req->actor.account))
		return 0;
	if (op->flags & OP_ADMIN)
		return error_set_code(e, EACCES, "ID.1002",
				      "'%s' is for administrators, the account '%s' is none", op->name,
				      req->actor.account);
	if (op->target)
		r = check_use(view, req, request_object(view, req), e);
	for (const struct param *p = op->params; r == 0 && p && p->name; p++)
		if (p->resource != KIND_NONE)
			r = check_param(view, req, p, e);
	return r;
}
