/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instance and disk offerings, sections 4.5 and 4.6 of the manual.
 *
 * An offering is only read when a VM or volume is created from it. These store
 * their own CPUs, memory and size, so changing or deleting an offering never
 * affects them (behaviour.md 3.4).
 */
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/rows.h"
#include "actions/operations/table.h"
#include "actions/storage/storage_choice.h"
#include "actions/vm/placement.h"
#include "actions/vm/resize.h"
#include "model/states.h"

static int check_host_strategy(const struct request *req, struct error *e)
{
	const char *name = request_str(req, "allocatorStrategy");

	if (!name || placement_strategy_is_known(name))
		return 0;
	return error_set(e, EINVAL, "unsupported host allocation strategy[%s]", name);
}

/* ------------------------------------------------------ instance offerings */

static int instance_offering_create_check(const struct view *view, const struct request *req, struct error *e)
{
	int64_t memory = request_int(req, "memorySize", 0);
	const char *type = request_str(req, "type");
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	r = vm_check_memory(memory, e);
	if (r < 0)
		return r;
	if (type && strcmp(type, "UserVm") != 0)
		return error_set(e, EINVAL, "unsupported instance offering type[%s]", type);
	return check_host_strategy(req, e);
}

static int instance_offering_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
					  struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_INSTANCE_OFFERING, req, &o, e);

	if (r < 0)
		return r;
	object_set_int(o, INSTANCE_OFFERING_CPU_SPEED, 0);
	object_set_int(o, INSTANCE_OFFERING_SORT_KEY, request_int(req, "sortKey", 0));
	object_set_str(o, INSTANCE_OFFERING_TYPE, "UserVm");
	object_set_str(o, INSTANCE_OFFERING_STATE, STATE_ENABLED);
	if (object_is_null(o, INSTANCE_OFFERING_ALLOCATOR_STRATEGY))
		object_set_str(o, INSTANCE_OFFERING_ALLOCATOR_STRATEGY, HOST_STRATEGY_DEFAULT);
	return object_create(t, o, req, ret_result, e);
}

static int instance_offering_update_check(const struct view *view, const struct request *req, struct error *e)
{
	(void)view;
	return check_host_strategy(req, e);
}

static int instance_offering_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
					  struct error *e)
{
	int r;

	(void)ret_result;
	if (!request_object(txn_view(t), req))
		return error_gone(e, KIND_INSTANCE_OFFERING, req->target);
	if (config_bool(txn_view(t), "vm.instanceOffering.setNullWhenDeleting")) {
		r = object_clear_where(t, KIND_VM, VM_INSTANCE_OFFERING_UUID, req->target, e);
		if (r < 0)
			return r;
	}
	return object_remove(t, request_object(txn_view(t), req), e);
}

/* ---------------------------------------------------------- disk offerings */

static int disk_offering_create_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *strategy = request_str(req, "allocationStrategy");
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (strategy && !storage_strategy_is_known(strategy))
		return error_set(e, EINVAL, "unsupported primary storage allocation strategy[%s]", strategy);
	return 0;
}

static int disk_offering_create_apply(struct txn *t, const struct request *req, json_t **ret_result,
				      struct error *e)
{
	struct object *o;
	int r = object_from_request(txn_view(t), KIND_DISK_OFFERING, req, &o, e);

	if (r < 0)
		return r;
	object_set_int(o, DISK_OFFERING_SORT_KEY, request_int(req, "sortKey", 0));
	object_set_str(o, DISK_OFFERING_TYPE, "zstack");
	object_set_str(o, DISK_OFFERING_STATE, STATE_ENABLED);
	object_set_str(o, DISK_OFFERING_ALLOCATOR_STRATEGY, STORAGE_STRATEGY_DEFAULT);
	object_set_from_param(o, DISK_OFFERING_ALLOCATOR_STRATEGY, req, "allocationStrategy");
	return object_create(t, o, req, ret_result, e);
}

static int disk_offering_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				      struct error *e)
{
	int r;

	(void)ret_result;
	if (!request_object(txn_view(t), req))
		return error_gone(e, KIND_DISK_OFFERING, req->target);
	r = object_clear_where(t, KIND_VOLUME, VOLUME_DISK_OFFERING_UUID, req->target, e);
	if (r < 0)
		return r;
	return object_remove(t, request_object(txn_view(t), req), e);
}

static const struct operation create_instance_offering = {
	.section = "4.5.1",
	.name = "CreateInstanceOffering",
	.message = "org.zstack.header.configuration.APICreateInstanceOfferingMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/instance-offerings", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "cpuNum",
					  .type = PARAM_INT,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .min = 1,
					  .max = 1024},
					 {.name = "memorySize",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .min = 1,
					  .max = INT64_MAX},
					 {.name = "allocatorStrategy", .type = PARAM_STRING, .in = IN_BODY},
					 {.name = "sortKey", .type = PARAM_INT, .in = IN_BODY},
					 {.name = "type", .type = PARAM_STRING, .in = IN_BODY},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:InstanceOfferingInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_INSTANCE_OFFERING,
	.where = "instance-offerings",
	.error_code = "SYS.1002",
	.help = "creates an instance offering",
	.check = instance_offering_create_check,
	.apply = instance_offering_create_apply,
};

static const struct operation delete_instance_offering = {
	.section = "4.5.2",
	.name = "DeleteInstanceOffering",
	.message = "org.zstack.header.configuration.APIDeleteInstanceOfferingMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/instance-offerings/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_INSTANCE_OFFERING), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_INSTANCE_OFFERING,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the offering; VMs created from it keep their CPUs and memory",
	.apply = instance_offering_delete_apply,
};

static const struct operation query_instance_offering = {
	.section = "4.5.3",
	.name = "QueryInstanceOffering",
	.message = "org.zstack.header.configuration.APIQueryInstanceOfferingMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/instance-offerings", "/instance-offerings/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_INSTANCE_OFFERING,
	.flags = OP_SYNC,
	.help = "lists instance offerings",
};

static const struct operation update_instance_offering = {
	.section = "4.5.5",
	.name = "UpdateInstanceOffering",
	.message = "org.zstack.header.configuration.APIUpdateInstanceOfferingMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/instance-offerings/{uuid}/actions", NULL},
	.key = "updateInstanceOffering",
	.params = (const struct param[]){P_UUID(KIND_INSTANCE_OFFERING),
					 P_NEW_NAME,
					 P_DESCRIPTION,
					 {.name = "allocatorStrategy", .type = PARAM_STRING, .in = IN_BODY},
					 {0}},
	.results = (const char *const[]){"inventory:InstanceOfferingInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_INSTANCE_OFFERING,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the offering's name, description or allocator strategy",
	.check = instance_offering_update_check,
	.apply = object_update_apply,
};

static const struct operation change_instance_offering_state = {
	.section = "4.5.6",
	.name = "ChangeInstanceOfferingState",
	.message = "org.zstack.header.configuration.APIChangeInstanceOfferingStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/instance-offerings/{uuid}/actions", NULL},
	.key = "changeInstanceOfferingState",
	.params = (const struct param[]){P_UUID(KIND_INSTANCE_OFFERING), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:InstanceOfferingInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_INSTANCE_OFFERING,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the offering",
	.apply = object_change_state_apply,
};

static const struct operation create_disk_offering = {
	.section = "4.6.1",
	.name = "CreateDiskOffering",
	.message = "org.zstack.header.configuration.APICreateDiskOfferingMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/disk-offerings", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "diskSize",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .min = 1,
					  .max = INT64_MAX},
					 {.name = "sortKey", .type = PARAM_INT, .in = IN_BODY},
					 {.name = "allocationStrategy", .type = PARAM_STRING, .in = IN_BODY},
					 {.name = "type",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"zstack", NULL}},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:DiskOfferingInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_DISK_OFFERING,
	.where = "disk-offerings",
	.error_code = "SYS.1002",
	.help = "creates a disk offering",
	.check = disk_offering_create_check,
	.apply = disk_offering_create_apply,
};

static const struct operation delete_disk_offering = {
	.section = "4.6.2",
	.name = "DeleteDiskOffering",
	.message = "org.zstack.header.configuration.APIDeleteDiskOfferingMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/disk-offerings/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_DISK_OFFERING), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_DISK_OFFERING,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS,
	.error_code = "SYS.1004",
	.help = "deletes the offering; volumes created from it keep their size",
	.apply = disk_offering_delete_apply,
};

static const struct operation query_disk_offering = {
	.section = "4.6.3",
	.name = "QueryDiskOffering",
	.message = "org.zstack.header.configuration.APIQueryDiskOfferingMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/disk-offerings", "/disk-offerings/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_DISK_OFFERING,
	.flags = OP_SYNC,
	.help = "lists disk offerings",
};

static const struct operation change_disk_offering_state = {
	.section = "4.6.4",
	.name = "ChangeDiskOfferingState",
	.message = "org.zstack.header.configuration.APIChangeDiskOfferingStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/disk-offerings/{uuid}/actions", NULL},
	.key = "changeDiskOfferingState",
	.params = (const struct param[]){P_UUID(KIND_DISK_OFFERING), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:DiskOfferingInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_DISK_OFFERING,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the offering",
	.apply = object_change_state_apply,
};

static const struct operation update_disk_offering = {
	.section = "4.6.5",
	.name = "UpdateDiskOffering",
	.message = "org.zstack.header.configuration.APIUpdateDiskOfferingMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/disk-offerings/{uuid}/actions", NULL},
	.key = "updateDiskOffering",
	.params = (const struct param[]){P_UUID(KIND_DISK_OFFERING), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:DiskOfferingInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_DISK_OFFERING,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the offering's name or description",
	.apply = object_update_apply,
};

const struct operation *const operations_offering[] = {
	&create_instance_offering,
	&delete_instance_offering,
	&query_instance_offering,
	&update_instance_offering,
	&change_instance_offering_state,
	&create_disk_offering,
	&delete_disk_offering,
	&query_disk_offering,
	&change_disk_offering_state,
	&update_disk_offering,
	NULL,
};
