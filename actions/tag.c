/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System and user tags, behaviour.md 5.4. System tags that this version gives no
 * meaning to are kept like others, since clients of newer servers send them.
 */
#include <string.h>

#include "model/access.h"
#include "actions/affinity.h"
#include "actions/handlers.h"
#include "actions/job.h"
#include "actions/object_ops.h"
#include "actions/vm.h"

/* The kind that a resourceType names; NULL when it is none that tags can be put on. */
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

/* Tags of VMs mean something; those of other kinds may be anything. */
static int check_meaning(const struct view *view, const char *vm_uuid, const char *tag, const char *own_uuid,
			 struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, vm_uuid);
	char prefix[64], other[64];
	size_t count = 1;
	int r;

	if (!vm)
		return 0;
	vm_tag_prefix(tag, prefix);
	view_for_each_where (row, view, KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, vm_uuid) {
		count += (!own_uuid || strcmp(object_uuid(row), own_uuid) != 0) &&
			 strcmp(vm_tag_prefix(object_text(row, SYSTEM_TAG_TAG), other), prefix) == 0;
	}
	r = vm_check_single_tag(vm_uuid, tag, count, e);
	return r < 0 ? r : vm_check_tag(view, tag, object_text(vm, VM_DEFAULT_L3_UUID), vm_uuid, e);
}

int tag_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "resourceType"), *uuid = request_str(req, "resourceUuid");
	const struct kind *kind = tagged_kind(type);
	int r;

	if (!kind)
		return error_set(e, EINVAL, "no resource type[%s] found in tag system", type);
	if (!view_get(view, kind->id, uuid))
		return error_set(e, ENOENT,
				 "invalid field[resourceUuid], resource[uuid:%s, type:%s] not found", uuid,
				 type);
	if (req->op->kind == KIND_SYSTEM_TAG &&
	    strncmp(request_str(req, "tag"), AFFINITY_TAG "::", strlen(AFFINITY_TAG "::")) == 0)
		return error_set(e, EBUSY, "tag[%s] is an inherent system tag, use AddVmToAffinityGroup",
				 request_str(req, "tag"));
	r = check_duplicate(view, req->op->kind, uuid, type, request_str(req, "tag"), NULL, e);
	return r < 0 || req->op->kind != KIND_SYSTEM_TAG
		       ? r
		       : check_meaning(view, uuid, request_str(req, "tag"), NULL, e);
}

/* The resourceUuid of these two requests is the object's, so the tag gets a uuid here. */
int tag_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
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
		r = object_put_user_tag(t, tag_uuid, kind->id, uuid, tag, e);
	return r < 0 ? r : result_inventory(txn_view(t), req->op->kind, tag_uuid, ret_result, e);
}

/* Inherent tags say what the pool itself knows of an object. */
static int check_inherent(const struct view *view, const struct request *req, const char *what,
			  struct error *e)
{
	const struct object *tag = request_object(view, req);

	if (!tag || req->op->kind != KIND_SYSTEM_TAG || !object_int(tag, SYSTEM_TAG_INHERENT))
		return 0;
	return error_set(e, EBUSY, "tag[uuid:%s] is an inherent system tag, can not be %s", req->target,
			 what);
}

int tag_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_inherent(view, req, "removed", e);
}

int tag_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object_key key = {req->op->kind, req->target};

	(void)ret_result;
	return object_remove_key(t, &key, e);
}

int tag_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *tag = request_object(view, req);
	bool is_system = req->op->kind == KIND_SYSTEM_TAG;
	int r = check_inherent(view, req, "changed", e);
	const char *uuid;

	if (r < 0 || !tag)
		return r;
	uuid = object_text(tag, is_system ? SYSTEM_TAG_RESOURCE_UUID : USER_TAG_RESOURCE_UUID);
	r = check_duplicate(view, req->op->kind, uuid,
			    object_text(tag, is_system ? SYSTEM_TAG_RESOURCE_TYPE : USER_TAG_RESOURCE_TYPE),
			    request_str(req, "tag"), req->target, e);
	return r < 0 || !is_system ? r : check_meaning(view, uuid, request_str(req, "tag"), req->target, e);
}
