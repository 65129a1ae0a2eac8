/* SPDX-License-Identifier: Apache-2.0 */
/* See access.h. */
#include "actions/engine/access.h"

#include <string.h>

#include "actions/engine/system_tag.h"
#include "model/access.h"

/*
 * What the operation changes must be the account's own, what it only uses visible to it. @name: the parameter or tag
 * that names @o; the sentence does not repeat its value, since it is shown with the account's jobs.
 */
static int check_object(const struct view *view, const struct request *req, const struct object *o,
			const char *name, bool changes, struct error *e)
{
	const char *account = req->actor.account;

	if (!o || (changes ? access_owns(view, o, account) : access_may_see(view, o, account)))
		return 0;
	return error_set_code(e, EACCES, "ID.1002", "the account '%s' may not do '%s' to the %s in '%s'",
			      account, req->op->name, o->kind->noun, name);
}

static const struct object *named_object(const struct view *view, const struct param *p, const json_t *value)
{
	const char *uuid = json_string_value(value);

	return p->flags & PARAM_ANY_KIND ? view_get_any(view, uuid) : view_get(view, p->resource, uuid);
}

static int check_param(const struct view *view, const struct request *req, const struct param *p,
		       struct error *e)
{
	const json_t *value = json_object_get(req->params, p->name), *item;
	bool changes = p->flags & PARAM_CHANGES;
	size_t i;
	int r;

	if (p->flags & PARAM_ADDRESS)
		return 0;
	if (!json_is_array(value))
		return check_object(view, req, named_object(view, p, value), p->name, changes, e);
	json_array_foreach (value, i, item) {
		r = check_object(view, req, named_object(view, p, item), p->name, changes, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_tag(const struct view *view, const struct request *req, const char *tag, struct error *e)
{
	const char *value;
	const struct system_tag *row = tag ? system_tag_find(tag, &value) : NULL;
	char uuid[UUID_SIZE];

	if (!row)
		return 0;
	if (row->admin)
		return error_set_code(e, EACCES, "ID.1002", "the system tag '%s' is for administrators",
				      row->prefix);
	if (row->resource == KIND_NONE)
		return 0;
	snprintf(uuid, sizeof(uuid), "%.*s", UUID_SIZE - 1, value);
	return check_object(view, req, view_get(view, row->resource, uuid), row->prefix, row->changes, e);
}

static int check_tags(const struct view *view, const struct request *req, struct error *e)
{
	const json_t *tag;
	size_t i;

	json_array_foreach (req->system_tags, i, tag) {
		int r = check_tag(view, req, json_string_value(tag), e);

		if (r < 0)
			return r;
	}
	for (const struct param *p = req->op->params; p && p->name; p++) {
		int r = p->flags & PARAM_TAG ? check_tag(view, req, request_str(req, p->name), e) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* An operation changes its target unless it only answers, or says so. Secrets are for the owner, too. */
static bool needs_own_target(const struct operation *op)
{
	return op->form != FORM_QUERY && !(op->flags & OP_USES_TARGET) &&
	       (!op->get || (op->flags & OP_SECRET));
}

/* True for an administrator, and the pool itself. */
static bool is_unlimited(const struct view *view, const struct actor *actor)
{
	return !*actor->account || access_is_admin(view, actor->account);
}

bool access_shows(const struct view *view, const struct actor *actor, const struct object *o)
{
	return is_unlimited(view, actor) || access_may_see(view, o, actor->account);
}

int access_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct operation *op = req->op;
	int r = 0;

	if (op->flags & OP_NO_SESSION)
		return 0;
	if (access_is_closed(view, req->actor.account))
		return error_set_code(e, EACCES, "ID.1002", "the account '%s' is being deleted",
				      req->actor.account);
	if (is_unlimited(view, &req->actor))
		return 0;
	if (op->flags & OP_ADMIN)
		return error_set_code(e, EACCES, "ID.1002",
				      "'%s' is for administrators, the account '%s' is not one", op->name,
				      req->actor.account);
	for (const struct param *p = op->params; p && p->name; p++)
		if ((p->flags & PARAM_ADMIN) && request_has(req, p->name))
			return error_set_code(e, EACCES, "ID.1002",
					      "'%s' is for administrators, the account '%s' is not one",
					      p->name, req->actor.account);
	if (op->target)
		r = check_object(view, req, request_object(view, req), op->target, needs_own_target(op), e);
	for (const struct param *p = op->params; r == 0 && p && p->name; p++)
		if (p->resource != KIND_NONE || (p->flags & PARAM_ANY_KIND))
			r = check_param(view, req, p, e);
	return r < 0 ? r : check_tags(view, req, e);
}
