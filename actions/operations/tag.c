/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on system and user tags (behaviour.md 5.4). What system tags mean is
 * in operations/tag_table.c, and checked before the checks here.
 */
#include <string.h>

#include "actions/engine/params.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/operations/table.h"
#include "model/access.h"

/* The kind that a resourceType names; NULL when there is none, or its objects cannot have tags. */
static const struct kind *tagged_kind(const char *type)
{
	const struct kind *kind = kind_by_name(type);

	return kind && kind->directory && strcmp(kind->vo, type) == 0 ? kind : NULL;
}

static const char *tag_type(enum kind_id kind)
{
	return kind == KIND_SYSTEM_TAG ? "System" : "User";
}

static int check_duplicate(const struct view *view, enum kind_id kind, const char *uuid, const char *type,
			   const char *tag, const char *own_uuid, struct error *e)
{
	const struct object *same = object_find_tag(view, kind, uuid, tag);

	if (!*tag)
		return error_set(e, EINVAL, "field[tag] cannot be an empty string");
	if (!same || (own_uuid && strcmp(object_uuid(same), own_uuid) == 0))
		return 0;
	return error_set(e, EEXIST, "Duplicated Tag[tag:%s, type:%s, resourceType:%s, resourceUuid:%s]",
			 system_tag_shown(tag), tag_type(kind), type, uuid);
}

static int tag_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "resourceType"), *uuid = request_str(req, "resourceUuid");
	const struct kind *kind = tagged_kind(type);

	if (!kind)
		return error_set(e, EINVAL, "no resource type[%s] found in tag system", type);
	if (!view_get(view, kind->id, uuid))
		return error_set(e, ENOENT,
				 "invalid field[resourceUuid], resource[uuid:%s, type:%s] not found", uuid,
				 type);
	return check_duplicate(view, req->op->kind, uuid, type, request_str(req, "tag"), NULL, e);
}

/* In these two requests resourceUuid names the tagged object, so the uuid of the tag is generated here. */
static int tag_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *type = request_str(req, "resourceType"), *uuid = request_str(req, "resourceUuid");
	const struct kind *kind = tagged_kind(type);
	const char *tag = request_str(req, "tag");
	char tag_uuid[UUID_SIZE];
	int r;

	if (!kind || !view_get(txn_view(t), kind->id, uuid))
		return error_set(e, ENOENT, "%s '%s' is gone", type, uuid);
	uuid_make(tag_uuid);
	if (req->op->kind == KIND_SYSTEM_TAG)
		r = object_put_system_tag(t, tag_uuid, kind->id, uuid, tag, false, e);
	else
		r = object_put_user_tag(t, tag_uuid, kind->id, uuid, tag, NULL, e);
	if (r < 0)
		return r;
	return result_inventory(txn_view(t), req->op->kind, tag_uuid, ret_result, e);
}

/* Inherent tags show what the pool itself knows about an object, so users cannot edit them. */
static int check_inherent(const struct view *view, const struct request *req, const char *what,
			  struct error *e)
{
	const struct object *tag = request_object(view, req);

	if (!tag || req->op->kind != KIND_SYSTEM_TAG || !object_int(tag, SYSTEM_TAG_INHERENT))
		return 0;
	return error_set(e, EBUSY, "tag[uuid:%s] is an inherent system tag, can not be %s", req->target,
			 what);
}

static int tag_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_inherent(view, req, "removed", e);
}

static int tag_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object_key key = {req->op->kind, req->target};

	(void)ret_result;
	return object_remove_key(t, &key, e);
}

static int tag_update_allows(const struct view *view, const struct request *req, struct error *e)
{
	return check_inherent(view, req, "changed", e);
}

static int tag_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *tag = request_object(view, req);
	bool is_system = req->op->kind == KIND_SYSTEM_TAG;
	const char *uuid;

	if (!tag)
		return 0;
	uuid = object_text(tag, is_system ? SYSTEM_TAG_RESOURCE_UUID : USER_TAG_RESOURCE_UUID);
	return check_duplicate(
		view, req->op->kind, uuid,
		object_text(tag, is_system ? SYSTEM_TAG_RESOURCE_TYPE : USER_TAG_RESOURCE_TYPE),
		request_str(req, "tag"), req->target, e);
}

static const struct operation create_system_tag = {
	.section = "5.4",
	.name = "CreateSystemTag",
	.message = "org.zstack.header.tag.APICreateSystemTagMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/system-tags", NULL},
	.key = "params",
	.params = (const struct param[]){{.name = "resourceType",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED},
					 {.name = "resourceUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_ANY_KIND | PARAM_CHANGES},
					 {.name = "tag",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_TAG,
					  .max_length = 65535},
					 {0}},
	.results = (const char *const[]){"inventory:SystemTagInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_SYSTEM_TAG,
	.where = "system-tags",
	.error_code = "SYS.1002",
	.help = "adds a system tag to an object",
	.check = tag_create_check,
	.apply = tag_create_apply,
};

static const struct operation create_user_tag = {
	.section = "5.4",
	.name = "CreateUserTag",
	.message = "org.zstack.header.tag.APICreateUserTagMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/user-tags", NULL},
	.key = "params",
	.params = (const struct param[]){{.name = "resourceType",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED},
					 {.name = "resourceUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_ANY_KIND | PARAM_CHANGES},
					 {.name = "tag",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_LINES | PARAM_REQUIRED,
					  .max_length = USER_TAG_LENGTH},
					 {0}},
	.results = (const char *const[]){"inventory:UserTagInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_USER_TAG,
	.where = "user-tags",
	.error_code = "SYS.1002",
	.help = "adds a user tag to an object",
	.check = tag_create_check,
	.apply = tag_create_apply,
};

static const struct operation query_system_tag = {
	.section = "5.4",
	.name = "QuerySystemTag",
	.message = "org.zstack.header.tag.APIQuerySystemTagMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/system-tags", "/system-tags/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_SYSTEM_TAG,
	.flags = OP_SYNC,
	.help = "lists system tags",
};

static const struct operation query_user_tag = {
	.section = "5.4",
	.name = "QueryUserTag",
	.message = "org.zstack.header.tag.APIQueryUserTagMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/user-tags", "/user-tags/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_USER_TAG,
	.flags = OP_SYNC,
	.help = "lists user tags",
};

static const struct operation delete_tag = {
	.section = "5.4",
	.name = "DeleteTag",
	.message = "org.zstack.header.tag.APIDeleteTagMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/tags/{uuid}", NULL},
	.params = (const struct param[]){P_UUID(KIND_USER_TAG), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_USER_TAG,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the tag",
	.apply = tag_delete_apply,
};

static const struct operation delete_system_tag = {
	.section = "5.4",
	.name = "DeleteSystemTag",
	.message = "org.zstack.header.tag.APIDeleteSystemTagMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/tags/{uuid}", NULL},
	.params = (const struct param[]){P_UUID(KIND_SYSTEM_TAG), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_SYSTEM_TAG,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the tag",
	.check = tag_delete_check,
	.apply = tag_delete_apply,
};

static const struct operation update_system_tag = {
	.section = "5.4",
	.name = "UpdateSystemTag",
	.message = "org.zstack.header.tag.APIUpdateSystemTagMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/system-tags/{uuid}/actions", NULL},
	.key = "updateSystemTag",
	.params = (const struct param[]){P_UUID(KIND_SYSTEM_TAG),
					 {.name = "tag",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_TAG,
					  .max_length = 65535},
					 {0}},
	.results = (const char *const[]){"inventory:SystemTagInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_SYSTEM_TAG,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the text of the tag",
	.allows = tag_update_allows,
	.check = tag_update_check,
	.apply = object_update_apply,
};

/* The manual's server has no such call: this is what writing the value file of a tag does. */
static const struct operation update_user_tag = {
	.section = "5.4",
	.name = "UpdateUserTag",
	.message = "org.zstack.header.tag.APIUpdateUserTagMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/user-tags/{uuid}/actions", NULL},
	.key = "updateUserTag",
	.params = (const struct param[]){P_UUID(KIND_USER_TAG),
					 {.name = "tag",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_LINES | PARAM_REQUIRED,
					  .max_length = USER_TAG_LENGTH},
					 {0}},
	.results = (const char *const[]){"inventory:UserTagInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_USER_TAG,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the text of the tag",
	.allows = tag_update_allows,
	.check = tag_update_check,
	.apply = object_update_apply,
};

const struct operation *const operations_tag[] = {
	&create_system_tag, &create_user_tag, &query_system_tag,
	&query_user_tag,    &delete_tag,      &delete_system_tag,
	&update_system_tag, &update_user_tag, NULL,
};
