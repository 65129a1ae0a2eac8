/* SPDX-License-Identifier: Apache-2.0 */
/* See affinity.h; section 4.4 of the manual. Placement itself is in allocate.c. */
#include "actions/affinity.h"

#include <string.h>

#include "actions/handlers.h"
#include "actions/job.h"
#include "actions/object_ops.h"

/* ------------------------------------------------------------- membership */

static const struct object *usage_of(const struct view *view, const char *vm)
{
	return view_next_where(view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_RESOURCE_UUID, vm, 0);
}

const struct object *affinity_group_of(const struct view *view, const char *vm)
{
	const struct object *usage = usage_of(view, vm);

	return usage ? view_get(view, KIND_AFFINITY_GROUP, object_str(usage, AFFINITY_USAGE_GROUP_UUID))
		     : NULL;
}

static int compare_uuids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int affinity_hosts_of(const struct view *view, const struct object *group, const char *vm,
		      struct affinity_hosts *ret)
{
	const char *uuid = object_uuid(group);
	size_t room = view_count_where(view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID, uuid);

	*ret = (struct affinity_hosts){.uuids = calloc(room + 1, sizeof(ret->uuids[0]))};
	if (!ret->uuids)
		return -ENOMEM;
	view_for_each_where (usage, view, KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID, uuid) {
		const struct object *member =
			view_get(view, KIND_VM, object_str(usage, AFFINITY_USAGE_RESOURCE_UUID));

		if (member && object_str(member, VM_HOST_UUID) && strcmp(object_uuid(member), vm) != 0)
			ret->uuids[ret->count++] = object_str(member, VM_HOST_UUID);
	}
	qsort(ret->uuids, ret->count, sizeof(ret->uuids[0]), compare_uuids);
	return 0;
}

bool affinity_hosts_have(const struct affinity_hosts *hosts, const char *host)
{
	return hosts->count &&
	       bsearch(&host, hosts->uuids, hosts->count, sizeof(hosts->uuids[0]), compare_uuids);
}

void affinity_hosts_done(struct affinity_hosts *hosts)
{
	free(hosts->uuids);
}

int affinity_join(struct txn *t, const char *group, const char *vm, struct error *e)
{
	struct object *usage = object_new(kind_get(KIND_AFFINITY_USAGE));
	char uuid[UUID_SIZE], tag[64];
	int r;

	if (!usage)
		return error_set(e, ENOMEM, "out of memory");
	uuid_make(uuid);
	object_set_str(usage, AFFINITY_USAGE_UUID, uuid);
	object_set_str(usage, AFFINITY_USAGE_GROUP_UUID, group);
	object_set_str(usage, AFFINITY_USAGE_RESOURCE_UUID, vm);
	object_set_str(usage, AFFINITY_USAGE_RESOURCE_TYPE, kind_get(KIND_VM)->vo);
	r = txn_put(t, usage, NULL, e);
	snprintf(tag, sizeof(tag), AFFINITY_TAG "::%s", group);
	return r < 0 ? r : object_add_system_tag(t, KIND_VM, vm, tag, true, e);
}

static int leave(struct txn *t, const struct object *usage, struct error *e)
{
	const char *vm = object_str(usage, AFFINITY_USAGE_RESOURCE_UUID);
	const struct object *shown;
	char tag[64];
	int r = 0;

	snprintf(tag, sizeof(tag), AFFINITY_TAG "::%s", object_text(usage, AFFINITY_USAGE_GROUP_UUID));
	shown = object_find_tag(txn_view(t), KIND_SYSTEM_TAG, vm, tag);
	if (shown)
		r = txn_remove(t, shown, e);
	return r < 0 ? r : txn_remove(t, usage, e);
}

/* ------------------------------------------------------------------ checks */

static int check_user_group(const struct object *group, struct error *e)
{
	if (object_str_is(group, AFFINITY_GROUP_APPLIANCE, "CUSTOMER"))
		return 0;
	return error_set(e, EPERM, "Can not operate on affinity group created by system");
}

static int check_enabled(const struct object *group, struct error *e)
{
	if (object_str_is(group, AFFINITY_GROUP_STATE, "Enabled"))
		return 0;
	return error_set(e, EBUSY, "Can not operate on affinityGroup [uuid: %s] which is not enabled",
			 object_uuid(group));
}

/* The VM that a request puts into a group or takes out of it. */
static int find_member(const struct view *view, const struct request *req, const struct object **ret_vm,
		       struct error *e)
{
	const char *uuid = request_str(req, "uuid");
	const struct object *vm = view_get(view, KIND_VM, uuid);

	if (!vm)
		return error_set(e, ENOENT, "invalid field[uuid], resource[uuid:%s, type:%s] not found", uuid,
				 kind_get(KIND_VM)->vo);
	if (!object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING)) &&
	    !object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return error_set(
			e, EBUSY,
			"Vm can change its affinityGroup only in state [%s,%s], but vm is in state [%s]",
			vm_state_name(VM_STATE_RUNNING), vm_state_name(VM_STATE_STOPPED),
			object_text(vm, VM_STATE));
	*ret_vm = vm;
	return 0;
}

static bool shares_host(const struct view *view, const struct object *group, const struct object *vm)
{
	struct affinity_hosts hosts;
	bool shares;

	if (!object_str(vm, VM_HOST_UUID) || affinity_hosts_of(view, group, object_uuid(vm), &hosts) < 0)
		return false;
	shares = affinity_hosts_have(&hosts, object_str(vm, VM_HOST_UUID));
	affinity_hosts_done(&hosts);
	return shares;
}

int affinity_check_creation(const struct view *view, const struct request *req, struct error *e)
{
	const char *uuid = request_tag(req, AFFINITY_TAG), *other;
	const struct object *group = view_get(view, KIND_AFFINITY_GROUP, uuid);
	size_t i;
	json_t *tag;

	if (!uuid)
		return 0;
	if (!group)
		return error_set(e, ENOENT, "AffinityGroup [uuid: %s] does not existed", uuid);
	json_array_foreach (req->system_tags, i, tag) {
		other = json_string_value(tag);
		if (strncmp(other, AFFINITY_TAG "::", strlen(AFFINITY_TAG "::")) == 0 && !strstr(other, uuid))
			return error_set(e, EINVAL,
					 "VM [uuid: %s] has already been added to affinityGroup [uuid: %s]",
					 req->target, uuid);
	}
	return check_enabled(group, e);
}

/* -------------------------------------------------------------- operations */

int affinity_create_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_AFFINITY_GROUP, req, &o, e);

	if (r < 0)
		return r;
	object_set_str(o, AFFINITY_GROUP_POLICY,
		       strcmp(request_str(req, "policy"), "antiHard") == 0 ? "ANTIHARD" : "ANTISOFT");
	object_set_str(o, AFFINITY_GROUP_TYPE, "HOST");
	object_set_str(o, AFFINITY_GROUP_VERSION, "1.0");
	object_set_str(o, AFFINITY_GROUP_APPLIANCE, "CUSTOMER");
	object_set_str(o, AFFINITY_GROUP_STATE, "Enabled");
	return object_create(t, o, req, ret_result, e);
}

int affinity_change_check(const struct view *view, const struct request *req, struct error *e)
{
	return check_user_group(request_object(view, req), e);
}

int affinity_delete_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	struct object_key key = {KIND_AFFINITY_GROUP, req->target};
	const struct object *usage;
	int r = 0;

	(void)ret_result;
	while (r == 0 && (usage = view_next_where(txn_view(t), KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID,
						  req->target, 0)))
		r = leave(t, usage, e);
	return r < 0 ? r : object_remove_key(t, &key, e);
}

int affinity_add_vm_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *group = request_object(view, req), *vm, *usage;
	int r = check_user_group(group, e);

	if (r == 0)
		r = check_enabled(group, e);
	if (r == 0)
		r = find_member(view, req, &vm, e);
	if (r < 0)
		return r;
	usage = usage_of(view, object_uuid(vm));
	if (usage)
		return error_set(e, EEXIST, "Vm [uuid: %s] is already added to affinityGroup [uuid: %s]",
				 object_uuid(vm), object_text(usage, AFFINITY_USAGE_GROUP_UUID));
	if (object_str_is(group, AFFINITY_GROUP_POLICY, "ANTIHARD") && shares_host(view, group, vm))
		return error_set(
			e, EBUSY,
			"There are other VMs on this host [uuid: %s] belonging to same affinityGroup [%s]",
			object_text(vm, VM_HOST_UUID), object_uuid(group));
	return 0;
}

int affinity_add_vm_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	int r = affinity_join(t, req->target, request_str(req, "uuid"), e);

	return r < 0 ? r : result_inventory(txn_view(t), KIND_AFFINITY_GROUP, req->target, ret_result, e);
}

int affinity_remove_vm_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *group = request_object(view, req), *vm, *usage;
	int r = check_user_group(group, e);

	if (r == 0)
		r = find_member(view, req, &vm, e);
	if (r < 0)
		return r;
	usage = usage_of(view, object_uuid(vm));
	if (!usage || !object_str_is(usage, AFFINITY_USAGE_GROUP_UUID, req->target))
		return error_set(e, ENOENT, "vm [uuid:%s] is not a member of affinityGroup [uuid:%s]",
				 object_uuid(vm), req->target);
	return 0;
}

int affinity_remove_vm_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	int r = leave(t, usage_of(txn_view(t), request_str(req, "uuid")), e);

	return r < 0 ? r : result_inventory(txn_view(t), KIND_AFFINITY_GROUP, req->target, ret_result, e);
}
