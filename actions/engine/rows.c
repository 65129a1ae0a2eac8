/* SPDX-License-Identifier: Apache-2.0 */
/* See rows.h. */
#include "actions/engine/rows.h"

#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/result.h"
#include "actions/engine/tags.h"
#include "model/json.h"
#include "model/states.h"
#include "model/text.h"

/* ---------------------------------------------------------------- creating */

/* The uuid of the object that the request creates: the target of operations in a `create` file. */
static const char *new_uuid(const struct request *req)
{
	return req->op->form == FORM_CREATE ? req->target : request_str(req, "resourceUuid");
}

int object_check_uuid(const struct view *view, const struct request *req, struct error *e)
{
	const char *uuid = new_uuid(req);
	const struct object *taken = uuid ? view_get_any(view, uuid) : NULL;

	if (!taken)
		return 0;
	if (!access_shows(view, &req->actor, taken))
		return error_set_code(e, EEXIST, "SYS.1007", "resourceUuid '%s' is already taken", uuid);
	return error_set_code(e, EEXIST, "SYS.1007", "resourceUuid '%s' is already taken by %s '%s'", uuid,
			      taken->kind->noun, object_name(taken));
}

static void set_field(struct object *o, int field, const json_t *value)
{
	if (json_is_string(value) && o->kind->fields[field].type == FIELD_STRING)
		object_set_str(o, field, json_string_value(value));
	else if (json_is_integer(value) && field_is_integer(&o->kind->fields[field]))
		object_set_int(o, field, json_integer_value(value));
	else if (json_is_boolean(value) && o->kind->fields[field].type == FIELD_BOOL)
		object_set_int(o, field, json_is_true(value));
	else if (json_is_null(value))
		object_set_null(o, field);
}

void object_name_after(const char *prefix, const struct object *o, char ret_name[NAME_BYTES_MAX])
{
	const char *name = object_name(o);
	size_t room = NAME_LENGTH_MAX - strlen(prefix);

	snprintf(ret_name, NAME_BYTES_MAX, "%s%.*s", prefix, (int)text_prefix(name, room), name);
}

void object_set_from_param(struct object *o, int field, const struct request *req, const char *param)
{
	const json_t *value = json_object_get(req->params, param);

	if (value)
		set_field(o, field, value);
}

/* Sets each field of the object, except its uuid, that the request has a parameter for. */
static void set_all_from_params(struct object *o, const struct request *req)
{
	for (const struct param *p = req->op->params; p && p->name; p++) {
		int field = kind_field(o->kind, p->name);

		if (field > FIELD_UUID && field_is_stored(&o->kind->fields[field]))
			object_set_from_param(o, field, req, p->name);
	}
}

/* The account that makes the request. */
static const char *actor_account(const struct request *req)
{
	return req->actor.account[0] ? req->actor.account : ADMIN_ACCOUNT_UUID;
}

int object_from_request(const struct view *view, enum kind_id kind, const struct request *req,
			struct object **ret_object, struct error *e)
{
	const struct kind *k = kind_get(kind);
	int account = kind_field(k, "accountUuid");
	struct object *o;
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	o = object_new(k);
	if (!o)
		return error_oom(e);
	set_all_from_params(o, req);
	object_set_str(o, FIELD_UUID, new_uuid(req));
	if (account >= 0)
		object_set_str(o, account, actor_account(req));
	*ret_object = o;
	return 0;
}

int object_create(struct txn *t, struct object *o, const struct request *req, json_t **ret_result,
		  struct error *e)
{
	enum kind_id kind = o->kind->id;
	int r = txn_put(t, o, NULL, e);

	if (r < 0)
		return r;
	r = object_put_tags(t, req, kind, new_uuid(req), e);
	return r < 0 ? r : result_inventory(txn_view(t), kind, new_uuid(req), ret_result, e);
}

/* ---------------------------------------------------------------- removing */

int object_remove_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e)
{
	const struct object *o;

	while ((o = view_next_where(txn_view(t), kind, field, value, 0))) {
		int r = object_remove(t, o, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Removes the tags on the object, its shares, and its spec. */
static int remove_attached(struct txn *t, const struct object *o, struct error *e)
{
	int r;

	if (o->kind->id == KIND_SYSTEM_TAG || o->kind->id == KIND_USER_TAG)
		return 0;
	r = object_remove_where(t, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, object_uuid(o), e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_USER_TAG, USER_TAG_RESOURCE_UUID, object_uuid(o), e);
	if (r < 0)
		return r;
	if (o->kind->owner == OWNER_SHAREABLE)
		r = object_remove_where(t, KIND_SHARED_RESOURCE, SHARED_RESOURCE_UUID, object_uuid(o), e);
	if (r < 0 || !operation_by_spec(o->kind->id))
		return r;
	return object_remove_where(t, KIND_SPEC, SPEC_RESOURCE_UUID, object_uuid(o), e);
}

int object_remove(struct txn *t, const struct object *o, struct error *e)
{
	_cleanup_object_ const struct object *held = object_ref(o);
	int r = remove_attached(t, held, e);

	return r < 0 ? r : txn_remove(t, held, e);
}

int object_clear_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e)
{
	const struct object *o;

	while ((o = view_next_where(txn_view(t), kind, field, value, 0))) {
		struct object *copy = object_copy(o);
		int r;

		object_set_null(copy, field);
		r = txn_put(t, copy, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int object_remove_key(struct txn *t, void *arg, struct error *e)
{
	const struct object_key *key = arg;
	const struct object *o = view_get(txn_view(t), key->kind, key->uuid);

	return o ? object_remove(t, o, e) : 0;
}

/* ------------------------------------------------------------------- links */

int link_put(struct txn *t, enum kind_id kind, int field_a, const char *a, int field_b, const char *b,
	     struct error *e)
{
	struct object *o = object_new(kind_get(kind));
	char uuid[UUID_SIZE];

	uuid_make(uuid);
	object_set_str(o, FIELD_UUID, uuid);
	object_set_str(o, field_a, a);
	object_set_str(o, field_b, b);
	return txn_put(t, o, NULL, e);
}

const struct object *link_find(const struct view *view, enum kind_id kind, int field_a, const char *a,
			       int field_b, const char *b)
{
	view_for_each_where (o, view, kind, field_a, a)
		if (object_str_is(o, field_b, b))
			return o;
	return NULL;
}

/* -------------------------------------------------------------- operations */

int object_update_fn(struct txn *t, void *request, struct error *e)
{
	const struct request *req = request;
	struct object *copy;
	int r = txn_edit(t, req->op->kind, req->target, &copy, e);

	if (r < 0)
		return r;
	set_all_from_params(copy, req);
	return txn_put(t, copy, NULL, e);
}

int object_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return object_update_fn(t, (void *)(uintptr_t)req, e);
}

int object_change_state_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *event = request_str(req, "stateEvent");
	struct object *copy;
	int r = txn_edit(t, req->op->kind, req->target, &copy, e);

	(void)ret_result;
	if (r < 0)
		return r;
	object_set_str(copy, kind_field(copy->kind, "state"),
		       event && strcmp(event, "enable") == 0 ? STATE_ENABLED : STATE_DISABLED);
	return txn_put(t, copy, NULL, e);
}
