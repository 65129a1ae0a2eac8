/* SPDX-License-Identifier: Apache-2.0 */
/* See request_check.h. */
#include "actions/engine/request_check.h"

#include "actions/engine/access.h"
#include "actions/engine/system_tag.h"
#include "actions/engine/url_policy.h"

static int not_found(const char *field, const char *uuid, enum kind_id kind, struct error *e)
{
	return error_set_code(e, ENOENT, "SYS.1003",
			      "invalid field[%s], resource[uuid:%s, type:%s] not found", field, uuid,
			      kind_get(kind)->vo);
}

/* Checks that the objects that the parameters name exist. */
static int check_references(const struct view *view, const struct request *req, struct error *e)
{
	for (const struct param *p = req->op->params; p && p->name; p++) {
		const json_t *value = json_object_get(req->params, p->name);
		const char *uuid = json_string_value(value);
		const json_t *item;
		size_t i;

		if (p->resource == KIND_NONE || (p->flags & PARAM_MAYBE))
			continue;
		if (uuid && !view_has(view, p->resource, uuid)) {
			if (!(p->flags & PARAM_SINE))
				return not_found(p->name, uuid, p->resource, e);
			if (uuid_is_hex(uuid))
				return OP_MISSING_OK;
			return error_set_code(e, EINVAL, "SYS.1003", "invalid value[%s] of field [%s]", uuid,
					      p->name);
		}
		json_array_foreach (value, i, item) {
			if (!view_has(view, p->resource, json_string_value(item)))
				return not_found(p->name, json_string_value(item), p->resource, e);
		}
	}
	if (req->op->target && !view_has(view, req->op->kind, req->target))
		return not_found(req->op->target, req->target, req->op->kind, e);
	return 0;
}

/* behaviour.md 3.1.1: VM.1010 with the list of legal states, wrapped in the operation's own code. */
static int check_state(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = req->op->kind == KIND_VM ? request_object(view, req) : NULL;
	char allowed[256] = "";
	size_t len = 0;

	if (!vm || !req->op->states)
		return 0;
	for (int i = 0; i < VM_STATE_COUNT; i++) {
		if (!(req->op->states & (1u << i)))
			continue;
		if (object_str_is(vm, VM_STATE, vm_state_name((enum vm_state)i)))
			return 0;
		len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len ? ", " : "",
					vm_state_name((enum vm_state)i));
	}
	error_set_code(
		e, EBUSY, "VM.1010",
		"current vm instance state[%s] doesn't allow to proceed message[%s], allowed states are [%s]",
		object_text(vm, VM_STATE), req->op->message, allowed);
	error_wrap(e, req->op->state_code ? req->op->state_code : "SYS.1006");
	return -EBUSY;
}

/* What can be said without knowing the parameters. */
static int check_allowed(const struct view *view, const struct request *req, struct error *e)
{
	int r = check_state(view, req, e);

	return r < 0 || !req->op->allows ? r : req->op->allows(view, req, e);
}

int request_check(const struct view *view, const struct request *req, bool busy, struct error *e)
{
	int r = check_references(view, req, e);

	if (r != 0)
		return r;
	r = access_check(view, req, e);
	if (r == 0 && req->web_hook)
		r = url_policy_check(view, req->actor.account, req->web_hook, URL_OF_WEB_HOOK, e);
	if (r < 0 || busy)
		return r;
	r = check_allowed(view, req, e);
	if (r < 0)
		return r;
	r = system_tags_check_request(view, req, e);
	return r < 0 || !req->op->check ? r : req->op->check(view, req, e);
}

int request_check_possible(const struct view *view, const struct operation *op, const char *uuid,
			   const struct actor *actor, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = NULL;
	_cleanup_(error_done) struct error said = ERROR_INIT;
	int r = request_new_bare(op, uuid, actor, &req, e);

	if (r < 0)
		return r;
	r = access_check(view, req, e);
	if (r == 0)
		r = check_allowed(view, req, e);
	if (r < 0 || !op->check || operation_needs_parameters(op))
		return r;
	r = op->check(view, req, &said);
	if (r >= 0 || r == -EINVAL) /* what is missing or wrong is a parameter */
		return 0;
	error_move(e, &said);
	return r;
}
