/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharing objects, and giving them to others (behaviour.md 5.4; paths and fields as
 * the public client libraries of ZStack 3.0 have them). What sharing means:
 * account/sharing.h.
 */
#include "actions/account/sharing.h"

#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/operations/table.h"
#include "actions/vm/affinity.h"
#include "model/access.h"
#include "model/render.h"

/* The object of this uuid, which must be of a kind that has owners. */
static int find_resource(const struct view *view, const char *field, const char *uuid,
			 const struct object **ret_object, struct error *e)
{
	const struct object *o = view_get_any(view, uuid);

	if (!o)
		return error_set_code(e, ENOENT, "SYS.1003",
				      "invalid field[%s], resource[uuid:%s, type:ResourceVO] not found",
				      field, uuid ? uuid : "");
	if (o->kind->owner != OWNER_SHAREABLE)
		return error_set(e, EINVAL,
				 "%s '%s' cannot be shared or given away, since objects of its kind have no "
				 "owner of their own",
				 o->kind->noun, uuid);
	*ret_object = o;
	return 0;
}

/* -------------------------------------------------------------------- sharing */

/* Each object is shared with each account, so two long lists would be a million rows in one change. */
static int check_length(const struct request *req, struct error *e)
{
	size_t objects = json_array_size(json_object_get(req->params, "resourceUuids"));
	size_t accounts = json_array_size(json_object_get(req->params, "accountUuids"));

	if (objects * accounts <= REQUEST_ITEMS)
		return 0;
	return error_set(e, E2BIG,
			 "a request is about %d shares at most, these are %zu objects with %zu accounts",
			 REQUEST_ITEMS, objects, accounts);
}

static int check_resources(const struct view *view, const struct request *req, struct error *e)
{
	const json_t *uuid;
	const struct object *o;
	size_t i;
	int length = check_length(req, e);

	if (length < 0)
		return length;
	json_array_foreach (json_object_get(req->params, "resourceUuids"), i, uuid) {
		int r = find_resource(view, "resourceUuids", json_string_value(uuid), &o, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static bool names_accounts(const struct request *req)
{
	return json_array_size(json_object_get(req->params, "accountUuids")) > 0;
}

static int share_check(const struct view *view, const struct request *req, struct error *e)
{
	if (!request_bool(req, "toPublic", false) && !names_accounts(req))
		return error_set_code(e, EINVAL, "SYS.1007",
				      "toPublic is set to false, accountUuids cannot be null or empty");
	return check_resources(view, req, e);
}

/* @uuid: of the first new row, or NULL. */
static int share_one(struct txn *t, const struct request *req, const struct object *given, const char *uuid,
		     struct error *e)
{
	_cleanup_object_ const struct object *o = object_ref(given);
	const json_t *account;
	size_t i;
	int r = request_bool(req, "toPublic", false) ? share_put(t, o, NULL, uuid, e) : 0;

	json_array_foreach (json_object_get(req->params, "accountUuids"), i, account) {
		bool taken = uuid && view_get_any(txn_view(t), uuid);

		if (r < 0)
			return r;
		r = share_put(t, o, json_string_value(account), taken ? NULL : uuid, e);
	}
	return r;
}

static int share_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const json_t *uuid;
	size_t i;

	(void)ret_result;
	json_array_foreach (json_object_get(req->params, "resourceUuids"), i, uuid) {
		const struct object *o = NULL;
		int r = find_resource(txn_view(t), "resourceUuids", json_string_value(uuid), &o, e);

		if (r == 0)
			r = share_one(t, req, o, i == 0 ? req->target : NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int revoke_check(const struct view *view, const struct request *req, struct error *e)
{
	if (!request_bool(req, "all", false) && !request_bool(req, "toPublic", false) && !names_accounts(req))
		return error_set_code(e, EINVAL, "SYS.1007",
				      "all is set to false, accountUuids cannot be null or empty");
	return check_resources(view, req, e);
}

static int revoke_one(struct txn *t, const struct request *req, const char *uuid, struct error *e)
{
	const json_t *account;
	size_t i;
	int r = 0;

	if (request_bool(req, "all", false))
		return object_remove_where(t, KIND_SHARED_RESOURCE, SHARED_RESOURCE_UUID, uuid, e);
	if (request_bool(req, "toPublic", false))
		r = share_remove(t, uuid, NULL, e);
	json_array_foreach (json_object_get(req->params, "accountUuids"), i, account) {
		if (r < 0)
			return r;
		r = share_remove(t, uuid, json_string_value(account), e);
	}
	return r;
}

static int revoke_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const json_t *uuid;
	size_t i;

	(void)ret_result;
	json_array_foreach (json_object_get(req->params, "resourceUuids"), i, uuid) {
		int r = revoke_one(t, req, json_string_value(uuid), e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int share_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return object_remove(t, request_object(txn_view(t), req), e);
}

/* --------------------------------------------------------------------- owners */

/* The new owner of a resource tag could change it on the objects of others. */
static int check_pattern_use(const struct view *view, const struct object *pattern, const char *account,
			     struct error *e)
{
	if (access_is_admin(view, account))
		return 0;
	view_for_each_where (tag, view, KIND_USER_TAG, USER_TAG_PATTERN_UUID, object_uuid(pattern))
		if (!access_owns(view, tag, account))
			return error_set(e, EBUSY,
					 "resource tag '%s' is attached to %s '%s', which belongs to another "
					 "account, detach it from there first",
					 object_uuid(pattern), object_text(tag, USER_TAG_RESOURCE_TYPE),
					 object_text(tag, USER_TAG_RESOURCE_UUID));
	return 0;
}

/* The new owner of a trigger would say when the jobs of others run. */
static int check_trigger_use(const struct view *view, const struct object *trigger, const char *account,
			     struct error *e)
{
	if (access_is_admin(view, account))
		return 0;
	view_for_each_where (o, view, KIND_SCHEDULER, SCHEDULER_OF_TRIGGER, object_uuid(trigger))
		if (!access_owns(view, o, account))
			return error_set(e, EBUSY,
					 "trigger '%s' starts scheduler job '%s', which belongs to another "
					 "account, remove it from there first",
					 object_uuid(trigger), object_text(o, SCHEDULER_OF_JOB));
	return 0;
}

/* Parts go with the whole, and groups do not hold the VMs of others. */
static int owner_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *o = NULL, *group;
	int r = find_resource(view, "resourceUuid", request_str(req, "resourceUuid"), &o, e);

	if (r < 0)
		return r;
	if (o->kind->id == KIND_VOLUME && object_str_is(o, VOLUME_TYPE, "Root"))
		return error_set(e, EINVAL, "root volume '%s' goes with its VM, give that", object_uuid(o));
	if (o->kind->id == KIND_SNAPSHOT)
		return error_set(e, EINVAL, "snapshot '%s' goes with its volume, give that", object_uuid(o));
	if (o->kind->id == KIND_SCHEDULER && !object_is_null(o, SCHEDULER_OF_JOB))
		return error_set(e, EINVAL, "scheduler '%s' goes with scheduler job '%s', give that",
				 object_uuid(o), object_text(o, SCHEDULER_OF_JOB));
	if (o->kind->id == KIND_SCHEDULER_TRIGGER)
		return check_trigger_use(view, o, req->target, e);
	if (o->kind->id == KIND_TAG_PATTERN)
		return check_pattern_use(view, o, req->target, e);
	group = o->kind->id == KIND_VM ? affinity_group_of(view, object_uuid(o)) : NULL;
	if (group && !access_owns(view, group, req->target))
		return error_set(e, EBUSY,
				 "VM '%s' is in the affinity group '%s', which belongs to another account, "
				 "remove it from there first",
				 object_uuid(o), object_uuid(group));
	return 0;
}

/* After what is under way on the object. */
static const char *owner_queue(const struct view *view, const struct request *req)
{
	(void)view;
	return request_str(req, "resourceUuid");
}

/* That an account owns the object, as the manual's server shows it; edits and view_put() accept what broke. Owned. */
static struct object *make_ref(const struct view *view, const struct object *o)
{
	const char *account = object_str(o, o->kind->owner_field), *uuid = object_uuid(o);
	struct object *ref = object_new(kind_get(KIND_RESOURCE_REF));

	if (!account)
		account = ADMIN_ACCOUNT_UUID;
	object_set_str(ref, RESOURCE_REF_UUID, uuid);
	object_set_str(ref, RESOURCE_REF_ACCOUNT_UUID, account);
	object_set_str(ref, RESOURCE_REF_OWNER_UUID, account);
	object_set_str(ref, RESOURCE_REF_RESOURCE_UUID, uuid);
	object_set_str(ref, RESOURCE_REF_RESOURCE_TYPE, o->kind->vo);
	object_set_int(ref, RESOURCE_REF_PERMISSION, 2);
	object_set_int(ref, RESOURCE_REF_IS_SHARED,
		       view_next_where(view, KIND_SHARED_RESOURCE, SHARED_RESOURCE_UUID, uuid, 0) != NULL);
	object_set_int(ref, RESOURCE_REF_CREATE_DATE, object_int(o, o->kind->create_date_field));
	object_set_int(ref, RESOURCE_REF_LAST_OP_DATE, object_int(o, o->kind->last_op_field));
	return ref;
}

static json_t *reference(const struct view *view, const struct object *o)
{
	_cleanup_object_ struct object *ref = make_ref(view, o);

	return ref ? json_pack("{s:o}", "inventory", render_inventory_json(view, ref)) : NULL;
}

/* The next object of the kind that the account owns, NULL = anybody. */
static const struct object *next_owned(const struct view *view, const struct kind *kind, const char *account,
				       int64_t after)
{
	return account ? view_next_where(view, kind->id, kind->owner_field, account, after)
		       : view_next(view, kind->id, after);
}

static struct view *owned_derive(const struct view *view, const char *account, const char *uuid)
{
	_cleanup_view_ struct view *derived = view_copy(view, view_version(view));
	int64_t id = 0;

	for (int k = KIND_NONE + 1; derived && k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		const struct object *o;
		int64_t after = 0;

		while (kind->owner == OWNER_SHAREABLE && (o = next_owned(view, kind, account, after))) {
			_cleanup_object_ struct object *ref = NULL;

			after = o->id;
			if (uuid && strcmp(object_uuid(o), uuid) != 0)
				continue;
			ref = make_ref(view, o);
			if (!ref || object_is_broken(ref))
				return NULL;
			ref->id = ++id;
			if (view_put(derived, ref) < 0)
				return NULL;
		}
	}
	return steal(&derived);
}

static int owner_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *uuid = request_str(req, "resourceUuid");
	const struct object *o = NULL;
	int r = find_resource(txn_view(t), "resourceUuid", uuid, &o, e);

	if (r < 0)
		return r;
	r = owner_change(t, o, req->target, e);
	if (r < 0)
		return r;
	*ret_result = reference(txn_view(t), view_get(txn_view(t), o->kind->id, uuid));
	return *ret_result ? 0 : error_oom(e);
}

/* ----------------------------------------------------------------------- rows */

#define P_RESOURCES                                                                                          \
	{                                                                                                    \
		.name = "resourceUuids", .type = PARAM_LIST, .in = IN_BODY,                                  \
		.flags = PARAM_REQUIRED | PARAM_NONEMPTY | PARAM_ANY_KIND | PARAM_CHANGES                    \
	}
#define P_ACCOUNTS                                                                                           \
	{                                                                                                    \
		.name = "accountUuids", .type = PARAM_LIST, .in = IN_BODY, .flags = PARAM_ADDRESS,           \
		.resource = KIND_ACCOUNT                                                                     \
	}
#define P_FLAG(pname)                                                                                        \
	{                                                                                                    \
		.name = (pname), .type = PARAM_BOOL, .in = IN_BODY                                           \
	}

static const struct operation share_resource = {
	.section = "5.4",
	.name = "ShareResource",
	.message = "org.zstack.header.identity.APIShareResourceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/resources/actions", NULL},
	.key = "shareResource",
	.params = (const struct param[]){P_RESOURCES, P_ACCOUNTS, P_FLAG("toPublic"), {0}},
	.form = FORM_CREATE,
	.kind = KIND_SHARED_RESOURCE,
	.where = "accounts/resources",
	.help = "lets accounts, or all with toPublic, see and use objects, but not change them",
	.check = share_check,
	.apply = share_apply,
};

static const struct operation revoke_resource_sharing = {
	.section = "5.4",
	.name = "RevokeResourceSharing",
	.message = "org.zstack.header.identity.APIRevokeResourceSharingMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/accounts/resources/actions", NULL},
	.key = "revokeResourceSharing",
	.params = (const struct param[]){P_RESOURCES, P_ACCOUNTS, P_FLAG("toPublic"), P_FLAG("all"), {0}},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.help = "ends the sharing of objects with accounts, with the public, or with all",
	.check = revoke_check,
	.apply = revoke_apply,
};

/* For the `actions` of one share in the tree; the manual's server has no such call. */
static const struct operation delete_shared_resource = {
	.section = "5.4",
	.name = "DeleteSharedResource",
	.message = "org.zstack.header.identity.APIDeleteSharedResourceMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/accounts/resources/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_SHARED_RESOURCE), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_SHARED_RESOURCE,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.help = "ends the sharing; the object stays",
	.apply = share_delete_apply,
};

static const struct operation query_shared_resource = {
	.section = "5.4",
	.name = "QuerySharedResource",
	.message = "org.zstack.header.identity.APIQuerySharedResourceMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts/resources", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SHARED_RESOURCE,
	.flags = OP_SYNC,
	.help = "lists what the account shares with others",
};

static const struct operation query_account_resource_ref = {
	.section = "5.4",
	.name = "QueryAccountResourceRef",
	.message = "org.zstack.header.identity.APIQueryAccountResourceRefMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/accounts/resources/refs", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_RESOURCE_REF,
	.flags = OP_SYNC,
	.help = "lists which account owns which object",
	.derive = owned_derive,
};

static const struct operation change_resource_owner = {
	.section = "5.4",
	.name = "ChangeResourceOwner",
	.message = "org.zstack.header.identity.APIChangeResourceOwnerMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/account/{accountUuid}/resources", NULL},
	.route_aliases = (const char *const[]){"POST /accounts/{accountUuid}/resources", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("accountUuid", KIND_ACCOUNT),
					 {.name = "resourceUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_ANY_KIND | PARAM_CHANGES},
					 {0}},
	.results = (const char *const[]){"inventory:AccountResourceRefInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_ACCOUNT,
	.target = "accountUuid",
	.verb = "give",
	.flags = OP_ADMIN,
	.help = "makes the account the owner of an object, and of what belongs to that",
	.check = owner_check,
	.queue = owner_queue,
	.apply = owner_apply,
};

const struct operation *const operations_sharing[] = {
	&share_resource,
	&revoke_resource_sharing,
	&delete_shared_resource,
	&query_shared_resource,
	&query_account_resource_ref,
	&change_resource_owner,
	NULL,
};
