/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on affinity groups, section 4.4 of the manual. What a group is:
 * vm/affinity.h; placement itself: vm/placement.c.
 */
#include <string.h>

#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/operations/table.h"
#include "actions/vm/affinity.h"
#include "actions/vm/state.h"
#include "model/states.h"

/* ------------------------------------------------------------- membership */

/* Removes a membership and the system tag that shows it. */
static int leave(struct txn *t, const struct object *usage, struct error *e)
{
	const char *vm = object_str(usage, AFFINITY_USAGE_RESOURCE_UUID);
	const struct object *shown;
	char tag[64];
	int r;

	snprintf(tag, sizeof(tag), AFFINITY_TAG "::%s", object_text(usage, AFFINITY_USAGE_GROUP_UUID));
	shown = object_find_tag(txn_view(t), KIND_SYSTEM_TAG, vm, tag);
	if (shown) {
		r = txn_remove(t, shown, e);
		if (r < 0)
			return r;
	}
	return txn_remove(t, usage, e);
}

/* ------------------------------------------------------------------ checks */

static int check_user_group(const struct object *group, struct error *e)
{
	if (object_str_is(group, AFFINITY_GROUP_APPLIANCE, "CUSTOMER"))
		return 0;
	return error_set(e, EPERM, "Can not operate on affinity group created by system");
}

/* The VM that a request adds to a group or removes from it. */
static int find_member(const struct view *view, const struct request *req, const struct object **ret_vm,
		       struct error *e)
{
	const char *uuid = request_str(req, "uuid");
	const struct object *vm = view_get(view, KIND_VM, uuid);

	if (!vm)
		return error_set(e, ENOENT, "invalid field[uuid], resource[uuid:%s, type:%s] not found", uuid,
				 kind_get(KIND_VM)->vo);
	if (!vm_is_running_or_stopped(vm))
		return error_set(
			e, EBUSY,
			"Vm can change its affinityGroup only in state [%s,%s], but vm is in state [%s]",
			vm_state_name(VM_STATE_RUNNING), vm_state_name(VM_STATE_STOPPED),
			object_text(vm, VM_STATE));
	*ret_vm = vm;
	return 0;
}

/* Whether a running VM is where a member of the group must not be. */
static int check_place(const struct view *view, const struct object *group, const struct object *vm,
		       struct error *e)
{
	_cleanup_(affinity_hosts_done) struct affinity_hosts hosts = {0};
	bool shares;

	if (!affinity_is_hard(group) || !vm_host(vm))
		return 0;
	if (affinity_hosts_of(view, group, object_uuid(vm), &hosts) < 0)
		return error_oom(e);
	shares = affinity_hosts_have(&hosts, vm_host(vm));
	if (affinity_is_together(group))
		return shares || hosts.count == 0
			       ? 0
			       : error_set(
					 e, EBUSY,
					 "vm [uuid:%s] doesn't satisfy the affinityGroup [uuid:%s]: its members run "
					 "on other hosts",
					 object_uuid(vm), object_uuid(group));
	return shares ? error_set(
				e, EBUSY,
				"There are other VMs on this host [uuid: %s] belonging to same affinityGroup "
				"[%s]",
				vm_host(vm), object_uuid(group))
		      : 0;
}

/* -------------------------------------------------------------- operations */

static int affinity_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				 struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_AFFINITY_GROUP, req, &o, e);

	if (r < 0)
		return r;
	object_set_str(o, AFFINITY_GROUP_POLICY, affinity_policy(request_str(req, "policy")));
	object_set_str(o, AFFINITY_GROUP_TYPE, "HOST");
	object_set_str(o, AFFINITY_GROUP_VERSION, "1.0");
	object_set_str(o, AFFINITY_GROUP_APPLIANCE, "CUSTOMER");
	object_set_str(o, AFFINITY_GROUP_STATE, STATE_ENABLED);
	return object_create(t, o, req, ret_result, e);
}

static int affinity_change_allows(const struct view *view, const struct request *req, struct error *e)
{
	return check_user_group(request_object(view, req), e);
}

static int affinity_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				 struct error *e)
{
	struct object_key key = {KIND_AFFINITY_GROUP, req->target};
	const struct object *usage;

	(void)ret_result;
	while ((usage = view_next_where(txn_view(t), KIND_AFFINITY_USAGE, AFFINITY_USAGE_GROUP_UUID,
					req->target, 0))) {
		int r = leave(t, usage, e);

		if (r < 0)
			return r;
	}
	return object_remove_key(t, &key, e);
}

static int affinity_add_vm_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *group = request_object(view, req);
	int r = check_user_group(group, e);

	return r < 0 ? r : affinity_check_enabled(group, e);
}

static int affinity_add_vm_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *group = request_object(view, req), *vm = NULL, *usage;
	int r = find_member(view, req, &vm, e);

	if (r < 0)
		return r;
	usage = affinity_usage_of(view, object_uuid(vm));
	if (usage)
		return error_set(e, EEXIST, "Vm [uuid: %s] is already added to affinityGroup [uuid: %s]",
				 object_uuid(vm), object_text(usage, AFFINITY_USAGE_GROUP_UUID));
	return check_place(view, group, vm, e);
}

static int affinity_add_vm_apply(struct txn *t, const struct request *req, json_t **ret_result,
				 struct error *e)
{
	(void)ret_result;
	return affinity_join(t, req->target, request_str(req, "uuid"), e);
}

static int affinity_remove_vm_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = NULL, *usage;
	int r = find_member(view, req, &vm, e);

	if (r < 0)
		return r;
	usage = affinity_usage_of(view, object_uuid(vm));
	if (!usage || !object_str_is(usage, AFFINITY_USAGE_GROUP_UUID, req->target))
		return error_set(e, ENOENT, "vm [uuid:%s] is not a member of affinityGroup [uuid:%s]",
				 object_uuid(vm), req->target);
	return 0;
}

static int affinity_remove_vm_apply(struct txn *t, const struct request *req, json_t **ret_result,
				    struct error *e)
{
	(void)ret_result;
	return leave(t, affinity_usage_of(txn_view(t), request_str(req, "uuid")), e);
}

static const struct operation create_affinity_group = {
	.section = "4.4.1",
	.name = "CreateAffinityGroup",
	.message = "org.zstack.header.affinitygroup.APICreateAffinityGroupMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/affinity-groups", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 {.name = "description",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_LINES,
					  .max_length = 255},
					 {.name = "policy",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .values = (const char *const[]){"antiSoft", "antiHard", "proSoft",
									  "proHard", NULL}},
					 {.name = "type",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"host", NULL}},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:AffinityGroupInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_AFFINITY_GROUP,
	.where = "affinity-groups",
	.error_code = "SYS.1002",
	.help = "creates an affinity group",
	.check = object_check_uuid,
	.apply = affinity_create_apply,
};

static const struct operation delete_affinity_group = {
	.section = "4.4.2",
	.name = "DeleteAffinityGroup",
	.message = "org.zstack.header.affinitygroup.APIDeleteAffinityGroupMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/affinity-groups/{uuid}", NULL},
	.params = (const struct param[]){P_UUID(KIND_AFFINITY_GROUP),
					 {.name = "deleteMode",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .default_value = "Permissive"},
					 {0}},
	.form = FORM_VERB,
	.kind = KIND_AFFINITY_GROUP,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the group, but not its VMs",
	.allows = affinity_change_allows,
	.apply = affinity_delete_apply,
};

static const struct operation query_affinity_group = {
	.section = "4.4.3",
	.name = "QueryAffinityGroup",
	.message = "org.zstack.header.affinitygroup.APIQueryAffinityGroupMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/affinity-groups", "/affinity-groups/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_AFFINITY_GROUP,
	.flags = OP_SYNC,
	.help = "lists affinity groups",
};

static const struct operation update_affinity_group = {
	.section = "4.4.4",
	.name = "UpdateAffinityGroup",
	.message = "org.zstack.header.affinitygroup.APIUpdateAffinityGroupMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/affinity-groups/{uuid}/actions", NULL},
	.key = "updateAffinityGroup",
	.params = (const struct param[]){P_UUID(KIND_AFFINITY_GROUP), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:AffinityGroupInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_AFFINITY_GROUP,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the group's name or description",
	.allows = affinity_change_allows,
	.apply = object_update_apply,
};

static const struct operation add_vm_to_affinity_group = {
	.section = "4.4.5",
	.name = "AddVmToAffinityGroup",
	.message = "org.zstack.header.affinitygroup.APIAddVmToAffinityGroupMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/affinity-groups/{affinityGroupUuid}/vm-instances/{uuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("affinityGroupUuid", KIND_AFFINITY_GROUP),
					 P_PATH_CHANGED("uuid", KIND_VM),
					 {0}},
	.results = (const char *const[]){"inventory:AffinityGroupInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_AFFINITY_GROUP,
	.target = "affinityGroupUuid",
	.verb = "add-vm",
	.help = "adds a VM to the group",
	.allows = affinity_add_vm_allows,
	.check = affinity_add_vm_check,
	.apply = affinity_add_vm_apply,
};

static const struct operation remove_vm_from_affinity_group = {
	.section = "4.4.6",
	.name = "RemoveVmFromAffinityGroup",
	.message = "org.zstack.header.affinitygroup.APIRemoveVmFromAffinityGroupMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/affinity-groups/{affinityGroupUuid}/vm-instances", NULL},
	.params = (const struct param[]){P_PATH("affinityGroupUuid", KIND_AFFINITY_GROUP),
					 {.name = "uuid",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .flags = PARAM_REQUIRED | PARAM_MAYBE | PARAM_CHANGES,
					  .resource = KIND_VM},
					 {0}},
	.results = (const char *const[]){"inventory:AffinityGroupInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_AFFINITY_GROUP,
	.target = "affinityGroupUuid",
	.verb = "remove-vm",
	.help = "removes a VM from the group",
	.allows = affinity_change_allows,
	.check = affinity_remove_vm_check,
	.apply = affinity_remove_vm_apply,
};

static const struct operation change_affinity_group_state = {
	.section = "4.4.7",
	.name = "ChangeAffinityGroupState",
	.message = "org.zstack.header.affinitygroup.APIChangeAffinityGroupStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/affinity-groups/{uuid}/actions", NULL},
	.key = "changeAffinityGroupState",
	.params = (const struct param[]){P_UUID(KIND_AFFINITY_GROUP), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:AffinityGroupInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_AFFINITY_GROUP,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the group",
	.allows = affinity_change_allows,
	.apply = object_change_state_apply,
};

const struct operation *const operations_affinity_group[] = {
	&create_affinity_group,	      &delete_affinity_group,
	&query_affinity_group,	      &update_affinity_group,
	&add_vm_to_affinity_group,    &remove_vm_from_affinity_group,
	&change_affinity_group_state, NULL,
};
