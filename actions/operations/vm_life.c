/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start, stop, reboot, pause and resume (behaviour.md 4.1.6-4.1.10), and their
 * recovery after a crash of the daemon.
 *
 * The transient state (Stopping, Pausing, ...) is written before the host is
 * called and the final one after; on failure the former state is restored, and
 * then compared with what the host reports.
 */
#include <string.h>

#include "actions/account/quota.h"
#include "actions/engine/job_run.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/host/topology.h"
#include "actions/operations/table.h"
#include "actions/vm/disks.h"
#include "actions/vm/first_start.h"
#include "actions/vm/power.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "hypervisor/domain/domain.h"
#include "model/states.h"

/* How long a guest may take to shut down. */
#define GRACE_MS 60000

/* The VM's host ("" for none) and state. -ENOENT when the VM is gone. */
static int get_state(struct job *job, char ret_host[UUID_SIZE], enum vm_state *ret_state, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);

	if (!vm)
		return error_gone(e, KIND_VM, job->req->target);
	snprintf(ret_host, UUID_SIZE, "%s", object_text(vm, VM_HOST_UUID));
	*ret_state = (enum vm_state)vm_state_parse(object_str(vm, VM_STATE));
	return 0;
}

static int inventory(struct job *job, json_t **ret_result, struct error *e)
{
	return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

/* ------------------------------------------------------------------- start */

/* The job would be refused as well, but later. A VM that is being started by a job before counts already. */
static int check_quotas(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const struct {
		const char *name;
		int64_t more;
	} asked[] = {
		{"vm.num", 1},
		{"vm.cpuNum", object_int(vm, VM_CPU_NUM)},
		{"vm.memorySize", object_int(vm, VM_MEMORY_SIZE)},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(asked); i++)
		r = quota_check(view, req->actor.account, object_str(vm, VM_ACCOUNT_UUID), asked[i].name,
				asked[i].more, e);
	return r;
}

static int vm_start_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *host = view_get(view, KIND_HOST, request_str(req, "hostUuid"));

	if (host && !host_can_serve(host, req, e))
		return error_set_code(e, EBUSY, "HOST.1010",
				      "host[uuid:%s] is not connected, its status is %s", object_uuid(host),
				      object_text(host, HOST_STATUS));
	return check_quotas(view, req, e);
}

static int vm_start_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = request_object(view, job->req);
	/* a clone in state Created has its disks */
	bool has_root = vm && object_str(vm, VM_ROOT_VOLUME_UUID);
	char host[UUID_SIZE];
	enum vm_state state;
	int r = get_state(job, host, &state, e);

	if (r < 0)
		return r;
	if (state == VM_STATE_CREATED && !has_root)
		r = vm_first_start(job, job->req->target, false, e);
	else
		r = vm_bring_up(job, job->req->target, state, false, e);
	return r < 0 ? r : inventory(job, ret_result, e);
}

/* -------------------------------------------------------------------- stop */

static int vm_stop_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *type = request_str(job->req, "type");
	char host[UUID_SIZE];
	enum vm_state state;
	int r = get_state(job, host, &state, e);

	if (r < 0)
		return r;
	/* A request may say that HA is to leave the VM alone from now on, also when it is Stopped already. */
	if (state != VM_STATE_STOPPED || vm_stop_is_for_good(job->req)) {
		/* a paused guest cannot shut itself down */
		bool cold = strcmp(type, "cold") == 0 || state == VM_STATE_PAUSED;

		r = vm_bring_down(job, job->req->target, cold ? 0 : GRACE_MS, e);
	}
	return r < 0 ? r : inventory(job, ret_result, e);
}

/* ------------------------------------------------------------------ reboot */

static int vm_reboot_begin(struct txn *t, struct job *job, struct error *e)
{
	return vm_put_state(t, job->req->target, VM_STATE_REBOOTING, e);
}

/* The progress of a reboot whose guest is off: so a recovery tells one that was not stopped yet from one that is on again. */
#define REBOOT_IS_OFF 50

static int note_off_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_JOB, arg);
	struct object *row;

	if (!before || !object_str_is(before, JOB_STATE, JOB_STATE_PROCESSING))
		return 0; /* out of time */
	row = object_copy(before);
	object_set_int(row, JOB_PROGRESS, REBOOT_IS_OFF);
	return txn_put(t, row, NULL, e);
}

static bool is_noted_off(struct job *job)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *row = view_get(view, KIND_JOB, job->uuid);

	return row && object_int(row, JOB_PROGRESS) >= REBOOT_IS_OFF;
}

static int vm_reboot_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	char host[UUID_SIZE];
	enum vm_state state;
	int r = get_state(job, host, &state, e);

	if (r < 0)
		return r;
	kill_point("reboot-begun");
	r = vm_power_off(job, uuid, host, GRACE_MS, e);
	if (r < 0) {
		(void)vm_set_state(job->pool, uuid, VM_STATE_RUNNING, &ignored);
		vm_reconcile(job->pool, host, uuid);
		return r;
	}
	kill_point("reboot-off");
	r = store_run(pool_store(job->pool), note_off_fn, job->uuid, e);
	kill_point("reboot-starting");
	if (r < 0)
		return r;
	r = vm_power_on(job, uuid, host, host, VM_STATE_STOPPED, false, e);
	kill_point("reboot-done");
	return r < 0 ? r : inventory(job, ret_result, e);
}

/* ------------------------------------------------------------ pause, resume */

/* A call of the host that stops or continues the CPUs of a domain. */
typedef int freeze_fn(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);

static int freeze(struct job *job, freeze_fn *fn, enum vm_state during, enum vm_state after,
		  json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	char host[UUID_SIZE];
	enum vm_state before;
	int r = get_state(job, host, &before, e);

	if (r < 0)
		return r;
	r = vm_set_state(job->pool, uuid, during, e);
	if (r < 0)
		return r;
	kill_point("vm-freezing");
	r = fn(pool_hypervisor(job->pool), host, uuid, e);
	if (r < 0)
		(void)vm_set_state(job->pool, uuid, before, &ignored);
	else
		r = vm_set_state(job->pool, uuid, after, e);
	vm_reconcile(job->pool, host, uuid);
	return r < 0 ? r : inventory(job, ret_result, e);
}

static int vm_pause_run(struct job *job, json_t **ret_result, struct error *e)
{
	return freeze(job, hv_domain_suspend, VM_STATE_PAUSING, VM_STATE_PAUSED, ret_result, e);
}

static int vm_resume_run(struct job *job, json_t **ret_result, struct error *e)
{
	return freeze(job, hv_domain_resume, VM_STATE_RESUMING, VM_STATE_RUNNING, ret_result, e);
}

/* ---------------------------------------------------------------- recovery */

/*
 * The rows' `.data` is the enum vm_state that their operation is to reach. It can be asked for once more: from another state
 * it is refused as any request.
 */
static int vm_lifecycle_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const enum vm_state *goal = job->req->op->data;

	if (vm_recover_state(job, job->req->target, *goal) == 0)
		return inventory(job, ret_result, e);
	return error_undone(e, "the daemon ended while '%s' ran; the VM has the state that its host reports",
			    job->req->op->name);
}

static int reboot_again_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, arg);

	/* what it was asked for before may take it off at any moment */
	return vm && object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING))
		       ? vm_put_state(t, arg, VM_STATE_REBOOTING, e)
		       : 0;
}

/*
 * The rest is done here, not by a job that begins anew: a guest that was asked to shut down may be off before that does, which
 * would find the VM Stopped. Without an answer of the host the VM is Unknown, and nobody can tell.
 */
static int vm_reboot_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	int r = vm_recover_state(job, uuid, VM_STATE_RUNNING);
	char host[UUID_SIZE];
	enum vm_state state;
	bool runs;

	if (r == 0 && is_noted_off(job))
		return inventory(job, ret_result, e);
	if (r == 0 && (job_should_stop(job) || !job_may_go_on(job)))
		return error_undone(e, "the daemon ended before VM '%s' was rebooted", uuid);
	runs = r == 0;
	r = runs ? store_run(pool_store(job->pool), reboot_again_fn, (void *)(uintptr_t)uuid, e) : 0;
	if (r == 0)
		r = get_state(job, host, &state, e);
	if (r < 0)
		return r;
	if (runs && state == VM_STATE_REBOOTING)
		return vm_reboot_run(job, ret_result, e);
	if (state != VM_STATE_STOPPED)
		return error_set_code(
			e, EINTR, "SYS.1000",
			"the daemon ended while VM '%s' was being rebooted, and its host does not say whether it was",
			uuid);
	r = store_run(pool_store(job->pool), note_off_fn, job->uuid, e);
	if (r == 0)
		r = vm_bring_back(job, uuid, e);
	return r < 0 ? r : inventory(job, ret_result, e);
}

/* A VM without disks is none that could be Stopped: it is Created again, as when its first start fails. */
static int vm_start_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	int r;

	if (!vm_is_in_first_start(view, uuid))
		return vm_lifecycle_recover(job, ret_result, e);
	r = vm_tear_down(job->pool, uuid, VM_STATE_CREATED, e);
	return r < 0 ? r
		     : error_undone(
			       e,
			       "the daemon ended during the first start of the VM, which is Created again");
}

static const struct operation start_vm_instance = {
	.section = "4.1.6",
	.name = "StartVmInstance",
	.message = "org.zstack.header.vm.APIStartVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "startVmInstance",
	.params =
		(const struct param[]){
			P_UUID(KIND_VM),
			{.name = "clusterUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .resource = KIND_CLUSTER},
			{.name = "hostUuid", .type = PARAM_STRING, .in = IN_BODY, .resource = KIND_HOST},
			{0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "start",
	.states = S_CREATED | S_STOPPED,
	.state_code = "VM.1001",
	.error_code = "VM.1001",
	.help = "starts the VM, optionally on a given host or cluster",
	.data = &(const enum vm_state){VM_STATE_RUNNING},
	.check = vm_start_check,
	.run = vm_start_run,
	.recover = vm_start_recover,
};

static const struct operation stop_vm_instance = {
	.section = "4.1.7",
	.name = "StopVmInstance",
	.message = "org.zstack.header.vm.APIStopVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "stopVmInstance",
	.params = (const struct param[]){P_UUID(KIND_VM),
					 {.name = "type",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"grace", "cold", NULL},
					  .default_value = "grace"},
					 {.name = "stopHA",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .values = (const char *const[]){"true", NULL}},
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "stop",
	.states = S_RUNNING | S_STOPPED | S_PAUSED | S_UNKNOWN,
	.state_code = "VM.1002",
	.error_code = "VM.1002",
	.help = "shuts down the guest, or powers it off with type=cold",
	.data = &(const enum vm_state){VM_STATE_STOPPED},
	.run = vm_stop_run,
	.recover = vm_lifecycle_recover,
};

static const struct operation reboot_vm_instance = {
	.section = "4.1.8",
	.name = "RebootVmInstance",
	.message = "org.zstack.header.vm.APIRebootVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "rebootVmInstance",
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "reboot",
	.states = S_RUNNING,
	.state_code = "VM.1003",
	.error_code = "VM.1003",
	.help = "stops and starts the VM on its host",
	.begin = vm_reboot_begin,
	.run = vm_reboot_run,
	.recover = vm_reboot_recover,
};

static const struct operation pause_vm_instance = {
	.section = "4.1.9",
	.name = "PauseVmInstance",
	.message = "org.zstack.header.vm.APIPauseVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "pauseVmInstance",
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "pause",
	.states = S_RUNNING,
	.state_code = "VM.1012",
	.error_code = "VM.1012",
	.help = "pauses the guest",
	.data = &(const enum vm_state){VM_STATE_PAUSED},
	.run = vm_pause_run,
	.recover = vm_lifecycle_recover,
};

static const struct operation resume_vm_instance = {
	.section = "4.1.10",
	.name = "ResumeVmInstance",
	.message = "org.zstack.header.vm.APIResumeVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "resumeVmInstance",
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "resume",
	.states = S_PAUSED,
	.state_code = "VM.1013",
	.error_code = "VM.1013",
	.help = "resumes the paused guest",
	.data = &(const enum vm_state){VM_STATE_RUNNING},
	.run = vm_resume_run,
	.recover = vm_lifecycle_recover,
};

const struct operation *const operations_vm_life[] = {
	&start_vm_instance, &stop_vm_instance,	 &reboot_vm_instance,
	&pause_vm_instance, &resume_vm_instance, NULL,
};
