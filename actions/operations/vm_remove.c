/* SPDX-License-Identifier: Apache-2.0 */
/* DestroyVmInstance, ExpungeVmInstance and RecoverVmInstance. */
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/network/l3_network.h"
#include "actions/operations/table.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "actions/volume/location.h"
#include "model/states.h"

/* ----------------------------------------------------------------- destroy */

static int vm_destroy_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_object_ const struct object *vm = vm_now(job->pool, job->req->target);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	bool direct = strcmp(config_str(view, "vm.deletionPolicy"), "Direct") == 0;
	int r;

	(void)ret_result;
	if (!vm || object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED)))
		return 0;
	if (object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_CREATED)))
		return vm_remove(job, job->req->target, e);
	r = vm_destroy(job, vm, request_is_enforcing(job->req), e);
	if (r < 0 || !direct)
		return r;
	kill_point("vm-destroyed");
	return vm_remove(job, job->req->target, e);
}

/* Destroying can be repeated; but a VM that is Destroyed already, it would take for one that others have destroyed. */
static int vm_destroy_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_object_ const struct object *vm = vm_now(job->pool, job->req->target);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	if (vm && object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED)) &&
	    strcmp(config_str(view, "vm.deletionPolicy"), "Direct") == 0)
		return vm_remove(job, job->req->target, e);
	return vm_destroy_run(job, ret_result, e);
}

static int vm_expunge_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return vm_expunge(job, job->req->target, e);
}

/* ----------------------------------------------------------------- recover */

static bool is_taken(const struct view *view, const char *tag)
{
	char l3[UUID_SIZE], ip[64];

	return sscanf(tag, "staticIp::%32[0-9a-f]::%63s", l3, ip) == 2 &&
	       l3_network_has_nic_with(view, l3, ip);
}

/* Deletes static addresses that other NICs have got meanwhile: the VM gets new ones at its next start. */
static int remove_taken_addresses(struct txn *t, const char *uuid, struct error *e)
{
	const struct object *tag;
	int64_t after = 0;

	while ((tag = view_next_where(txn_view(t), KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, uuid, after))) {
		int r;

		after = tag->id;
		if (!is_taken(txn_view(t), object_text(tag, SYSTEM_TAG_TAG)))
			continue;
		r = txn_remove(t, tag, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int vm_recover_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, req->target);
	const struct object *root = vm_root_volume(txn_view(t), vm);
	int r;

	(void)ret_result;
	if (root) {
		struct object *recovered = object_copy(root);

		object_set_str(recovered, VOLUME_STATUS,
			       object_str(root, VOLUME_INSTALL_PATH) ? STATUS_READY
								     : STATUS_NOT_INSTANTIATED);
		r = txn_put(t, recovered, NULL, e);
		if (r < 0)
			return r;
	}
	r = remove_taken_addresses(t, req->target, e);
	if (r < 0)
		return r;
	return vm_put_state(t, req->target, VM_STATE_STOPPED, e);
}

static const struct operation destroy_vm_instance = {
	.section = "4.1.2",
	.name = "DestroyVmInstance",
	.message = "org.zstack.header.vm.APIDestroyVmInstanceMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_VM), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "destroy",
	.flags = OP_DESTROYS,
	.error_code = "VM.1004",
	.help = "destroys the VM; it can be recovered until it is expunged",
	.run = vm_destroy_run,
	.recover = vm_destroy_recover,
};

static const struct operation recover_vm_instance = {
	.section = "4.1.3",
	.name = "RecoverVmInstance",
	.message = "org.zstack.header.vm.APIRecoverVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "recoverVmInstance",
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "recover",
	.states = S_DESTROYED,
	.help = "recovers a destroyed VM; it is Stopped then",
	.apply = vm_recover_apply,
};

static const struct operation expunge_vm_instance = {
	.section = "4.1.4",
	.name = "ExpungeVmInstance",
	.message = "org.zstack.header.vm.APIExpungeVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "expungeVmInstance",
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "expunge",
	.flags = OP_DESTROYS,
	.states = S_DESTROYED,
	.help = "removes a destroyed VM and its root volume for good",
	.run = vm_expunge_run,
	.recover = vm_expunge_run,
};

const struct operation *const operations_vm_remove[] = {
	&destroy_vm_instance,
	&recover_vm_instance,
	&expunge_vm_instance,
	NULL,
};
