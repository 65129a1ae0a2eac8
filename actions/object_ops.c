/* SPDX-License-Identifier: Apache-2.0 */
/* See object_ops.h; also the two operations that work the same on every kind: Update... and Change...State.
 */
#include "actions/object_ops.h"

#include <string.h>

#include "actions/bootstrap.h"
#include "actions/handlers.h"
#include "actions/job.h"

/* ---------------------------------------------------------------- creating */

/* The uuid of the object that the request makes: operations in a `create` file have it as their target. */
static const char *new_uuid(const struct request *req)
{
	return req->op->place == PLACE_CREATE ? req->target : request_str(req, "resourceUuid");
}

int object_check_uuid(const struct view *view, const struct request *req, struct error *e)
{
	const char *uuid = new_uuid(req);
	const struct object *taken = uuid ? view_get_any(view, uuid) : NULL;

	if (!taken)
		return 0;
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

void object_set_from_param(struct object *o, int field, const struct request *req, const char *param)
{
	const json_t *value = json_object_get(req->params, param);

	if (value)
		set_field(o, field, value);
}

/* Every given parameter that is a stored field of the object's kind, but not its uuid. */
static void set_all_from_params(struct object *o, const struct request *req)
{
	for (const struct param *p = req->op->params; p && p->name; p++) {
		int field = kind_field(o->kind, p->name);

		if (field > FIELD_UUID && field_is_stored(&o->kind->fields[field]))
			object_set_from_param(o, field, req, p->name);
	}
}

/* The account that a request acts for; without one it is the admin's. */
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
		return error_set(e, ENOMEM, "out of memory");
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
	const struct object *made;
	int r = txn_put(t, o, &made, e);

	if (r == 0)
		r = object_put_tags(t, req, kind, new_uuid(req), e);
	return r < 0 ? r : result_inventory(txn_view(t), kind, new_uuid(req), ret_result, e);
}

/* -------------------------------------------------------------------- tags */

bool system_tag_is_ephemeral(const char *tag)
{
	return strcmp(tag, "shareable") == 0 || strcmp(tag, "validationOnly") == 0 ||
	       strncmp(tag, "ephemeral::", strlen("ephemeral::")) == 0;
}

const struct object *object_find_tag(const struct view *view, enum kind_id tag_kind, const char *uuid,
				     const char *tag)
{
	int resource = tag_kind == KIND_SYSTEM_TAG ? SYSTEM_TAG_RESOURCE_UUID : USER_TAG_RESOURCE_UUID;
	int text = tag_kind == KIND_SYSTEM_TAG ? SYSTEM_TAG_TAG : USER_TAG_TAG;

	view_for_each_where (o, view, tag_kind, resource, uuid)
		if (object_str_is(o, text, tag))
			return o;
	return NULL;
}

const struct object *object_find_system_tag(const struct view *view, const char *uuid, const char *prefix,
					    const char **ret_value)
{
	size_t len = strlen(prefix);

	view_for_each_where (row, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, uuid) {
		const char *tag = object_text(row, SYSTEM_TAG_TAG);

		if (strncmp(tag, prefix, len) != 0 || (tag[len] != '\0' && strncmp(tag + len, "::", 2) != 0))
			continue;
		if (ret_value)
			*ret_value = tag[len] == '\0' ? "" : tag + len + 2;
		return row;
	}
	return NULL;
}

int object_put_user_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			const char *tag, struct error *e)
{
	struct object *o = object_new(kind_get(KIND_USER_TAG));

	if (!o)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(o, USER_TAG_UUID, tag_uuid);
	object_set_str(o, USER_TAG_RESOURCE_UUID, uuid);
	object_set_str(o, USER_TAG_RESOURCE_TYPE, kind_get(kind)->vo);
	object_set_str(o, USER_TAG_TAG, tag);
	object_set_str(o, USER_TAG_TYPE, "User");
	return txn_put(t, o, NULL, e);
}

int object_put_system_tag(struct txn *t, const char *tag_uuid, enum kind_id kind, const char *uuid,
			  const char *tag, bool inherent, struct error *e)
{
	struct object *o = object_new(kind_get(KIND_SYSTEM_TAG));

	if (!o)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(o, SYSTEM_TAG_UUID, tag_uuid);
	object_set_int(o, SYSTEM_TAG_INHERENT, inherent);
	object_set_str(o, SYSTEM_TAG_RESOURCE_UUID, uuid);
	object_set_str(o, SYSTEM_TAG_RESOURCE_TYPE, kind_get(kind)->vo);
	object_set_str(o, SYSTEM_TAG_TAG, tag);
	object_set_str(o, SYSTEM_TAG_TYPE, "System");
	return txn_put(t, o, NULL, e);
}

int object_add_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *tag, bool inherent,
			  struct error *e)
{
	char tag_uuid[UUID_SIZE];

	if (object_find_tag(txn_view(t), KIND_SYSTEM_TAG, uuid, tag))
		return 0;
	uuid_make(tag_uuid);
	return object_put_system_tag(t, tag_uuid, kind, uuid, tag, inherent, e);
}

static int remove_system_tags(struct txn *t, const char *uuid, const char *prefix, struct error *e)
{
	const struct object *row;
	int r = 0;

	while (r == 0 && (row = object_find_system_tag(txn_view(t), uuid, prefix, NULL)))
		r = txn_remove(t, row, e);
	return r;
}

int object_set_system_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *prefix,
			  const char *value, bool inherent, struct error *e)
{
	const struct object *row = object_find_system_tag(txn_view(t), uuid, prefix, NULL);
	_cleanup_free_ char *tag = NULL;
	struct object *changed;

	if (!value)
		return remove_system_tags(t, uuid, prefix, e);
	if (asprintf(&tag, "%s%s%s", prefix, *value ? "::" : "", value) < 0) {
		tag = NULL;
		return error_set(e, ENOMEM, "out of memory");
	}
	if (!row)
		return object_add_system_tag(t, kind, uuid, tag, inherent, e);
	changed = object_copy(row);
	if (!changed)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(changed, SYSTEM_TAG_TAG, tag);
	return txn_put(t, changed, NULL, e);
}

static int add_user_tag(struct txn *t, enum kind_id kind, const char *uuid, const char *tag, struct error *e)
{
	char tag_uuid[UUID_SIZE];

	if (object_find_tag(txn_view(t), KIND_USER_TAG, uuid, tag))
		return 0;
	uuid_make(tag_uuid);
	return object_put_user_tag(t, tag_uuid, kind, uuid, tag, e);
}

int object_put_tags(struct txn *t, const struct request *req, enum kind_id kind, const char *uuid,
		    struct error *e)
{
	json_t *tag;
	size_t i;
	int r;

	json_array_foreach (req->system_tags, i, tag) {
		if (system_tag_is_ephemeral(json_string_value(tag)))
			continue;
		r = object_add_system_tag(t, kind, uuid, json_string_value(tag), false, e);
		if (r < 0)
			return r;
	}
	json_array_foreach (req->user_tags, i, tag) {
		r = add_user_tag(t, kind, uuid, json_string_value(tag), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---------------------------------------------------------------- removing */

int object_remove_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e)
{
	const struct object *o;
	int r = 0;

	while (r == 0 && (o = view_next_where(txn_view(t), kind, field, value, 0)))
		r = object_remove(t, o, e);
	return r;
}

int object_remove(struct txn *t, const struct object *o, struct error *e)
{
	_cleanup_object_ const struct object *held = object_ref(o);
	int r = 0;

	if (o->kind->id != KIND_SYSTEM_TAG && o->kind->id != KIND_USER_TAG) {
		r = object_remove_where(t, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, object_uuid(held), e);
		if (r == 0)
			r = object_remove_where(t, KIND_USER_TAG, USER_TAG_RESOURCE_UUID, object_uuid(held),
						e);
		if (r == 0 && operation_by_spec(held->kind->id))
			r = object_remove_where(t, KIND_SPEC, SPEC_RESOURCE_UUID, object_uuid(held), e);
	}
	return r < 0 ? r : txn_remove(t, held, e);
}

int object_clear_where(struct txn *t, enum kind_id kind, int field, const char *value, struct error *e)
{
	const struct object *o;
	int r = 0;

	while (r == 0 && (o = view_next_where(txn_view(t), kind, field, value, 0))) {
		struct object *copy = object_copy(o);

		if (!copy)
			return error_set(e, ENOMEM, "out of memory");
		object_set_null(copy, field);
		r = txn_put(t, copy, NULL, e);
	}
	return r;
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

	if (!o)
		return error_set(e, ENOMEM, "out of memory");
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

bool request_list_has(const struct request *req, const char *name, const char *text)
{
	const json_t *list = request_list(req, name);
	const char *item;

	for (size_t i = 0; i < json_array_size(list); i++) {
		item = json_string_value(json_array_get(list, i));
		if (item && strcmp(item, text) == 0)
			return true;
	}
	return json_array_size(list) == 0;
}

bool request_is_enforcing(const struct request *req)
{
	const char *mode = request_str(req, "deleteMode");

	return mode && strcmp(mode, "Enforcing") == 0;
}

/* -------------------------------------------------------------- operations */

/* An editable copy of the object that the request acts on. */
static int edit_target(struct txn *t, const struct request *req, struct object **ret_copy, struct error *e)
{
	const struct object *o = request_object(txn_view(t), req);

	if (!o)
		return error_set(e, ENOENT, "%s '%s' is gone", kind_get(req->op->kind)->noun, req->target);
	*ret_copy = object_copy(o);
	return *ret_copy ? 0 : error_set(e, ENOMEM, "out of memory");
}

int object_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object *copy;
	int r = edit_target(t, req, &copy, e);

	if (r < 0)
		return r;
	set_all_from_params(copy, req);
	r = txn_put(t, copy, NULL, e);
	return r < 0 ? r : result_inventory(txn_view(t), req->op->kind, req->target, ret_result, e);
}

int object_change_state_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *event = request_str(req, "stateEvent");
	struct object *copy;
	int r = edit_target(t, req, &copy, e);

	if (r < 0)
		return r;
	object_set_str(copy, kind_field(copy->kind, "state"),
		       event && strcmp(event, "enable") == 0 ? "Enabled" : "Disabled");
	r = txn_put(t, copy, NULL, e);
	return r < 0 ? r : result_inventory(txn_view(t), req->op->kind, req->target, ret_result, e);
}
