/* SPDX-License-Identifier: Apache-2.0 */
/* UpdateVmInstance and ChangeInstanceOffering (behaviour.md 4.1.50, 4.5.4): what can be changed in place. */
#include <string.h>

#include "config.h"
#include "handlers.h"
#include "vm.h"

/* CPUs and memory: only while stopped, or live where vm.numa allows it. */
static int check_size(const struct view *view, const struct object *vm, struct error *e)
{
	const char *state = object_text(vm, VM_STATE);

	if (strcmp(state, vm_state_name(VM_STATE_STOPPED)) == 0)
		return 0;
	if (!config_bool(view, "vm.numa"))
		return error_set(e, EINVAL,
				 "the VM cannot do online cpu/memory update because it is not of NUMA architecture. Please "
				 "stop the VM then do the cpu/memory update again");
	if (strcmp(state, vm_state_name(VM_STATE_RUNNING)) != 0)
		return error_set(e, EBUSY,
				 "The state of vm[uuid:%s] is %s. Only these state[Running,Stopped] is allowed to update cpu "
				 "or memory.",
				 object_uuid(vm), state);
	return error_set(e, EOPNOTSUPP, "changing cpu or memory of a running VM is not implemented yet");
}

int vm_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const char *l3 = request_str(req, "defaultL3NetworkUuid");
	int64_t cpu = request_int(req, "cpuNum", object_int(vm, VM_CPU_NUM));
	int64_t memory = request_int(req, "memorySize", object_int(vm, VM_MEMORY_SIZE));

	if (l3) {
		bool has = false;

		view_for_each_where(nic, view, KIND_NIC, NIC_VM_UUID, object_uuid(vm))
		{
			has = has || object_str_is(nic, NIC_L3_UUID, l3);
		}
		if (!has)
			return error_set(e, EINVAL, "the VM[uuid:%s] has no nic on the L3 network[uuid:%s]",
					 object_uuid(vm), l3);
	}
	if (cpu == object_int(vm, VM_CPU_NUM) && memory == object_int(vm, VM_MEMORY_SIZE))
		return 0;
	return check_size(view, vm, e);
}

int vm_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *before = request_object(txn_view(t), req);
	struct object *vm = object_copy(before);
	static const struct {
		const char *param;
		int field;
	} texts[] = {
		{"name", VM_NAME},	   {"description", VM_DESCRIPTION},
		{"platform", VM_PLATFORM}, {"defaultL3NetworkUuid", VM_DEFAULT_L3_UUID},
		{"state", VM_STATE},
	};
	int r;

	if (!vm)
		return error_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (request_has(req, texts[i].param))
			object_set_str(vm, texts[i].field, request_str(req, texts[i].param));
	object_set_int(vm, VM_CPU_NUM, request_int(req, "cpuNum", object_int(vm, VM_CPU_NUM)));
	object_set_int(vm, VM_MEMORY_SIZE, request_int(req, "memorySize", object_int(vm, VM_MEMORY_SIZE)));
	r = vm_write(t, before, vm, e);
	return r < 0 ? r : result_inventory(txn_view(t), KIND_VM, req->target, ret_result, e);
}

int vm_change_offering_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *offering = view_get(view, KIND_INSTANCE_OFFERING, request_str(req, "instanceOfferingUuid"));

	if (!object_str_is(offering, INSTANCE_OFFERING_STATE, "Enabled"))
		return error_set(e, EBUSY, "instance offering[uuid:%s] is Disabled, can't create vm from it",
				 object_uuid(offering));
	return check_size(view, request_object(view, req), e);
}

int vm_change_offering_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *offering =
		view_get(txn_view(t), KIND_INSTANCE_OFFERING, request_str(req, "instanceOfferingUuid"));
	const struct object *before = request_object(txn_view(t), req);
	struct object *vm = object_copy(before);
	int r;

	if (!vm)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(vm, VM_INSTANCE_OFFERING_UUID, object_uuid(offering));
	object_set_int(vm, VM_CPU_NUM, object_int(offering, INSTANCE_OFFERING_CPU_NUM));
	object_set_int(vm, VM_CPU_SPEED, object_int(offering, INSTANCE_OFFERING_CPU_SPEED));
	object_set_int(vm, VM_MEMORY_SIZE, object_int(offering, INSTANCE_OFFERING_MEMORY_SIZE));
	object_set_str(vm, VM_ALLOCATOR_STRATEGY, object_str(offering, INSTANCE_OFFERING_ALLOCATOR_STRATEGY));
	r = vm_write(t, before, vm, e);
	return r < 0 ? r : result_inventory(txn_view(t), KIND_VM, req->target, ret_result, e);
}
