/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start, stop, reboot, pause and resume (behaviour.md 4.1.6-4.1.10), and what
 * becomes of them when the daemon dies in the middle.
 *
 * The transient state (Stopping, Pausing, ...) is written before the host is
 * asked and the final one after; on failure the former state comes back, and
 * the host is asked once more what is true.
 */
#include <string.h>

#include "actions/handlers.h"
#include "actions/sync.h"
#include "actions/topology.h"
#include "actions/vm.h"

#define GRACE_MS 60000

/* Copies the VM's host and state. -ENOENT when the VM is gone. */
static int look(struct job *job, char ret_host[UUID_SIZE], enum vm_state *ret_state, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);

	if (!vm)
		return error_set(e, ENOENT, "VM '%s' is gone", job->req->target);
	snprintf(ret_host, UUID_SIZE, "%s", object_text(vm, VM_HOST_UUID));
	*ret_state = (enum vm_state)vm_state_parse(object_str(vm, VM_STATE));
	return 0;
}

static int inventory(struct job *job, json_t **ret_result, struct error *e)
{
	return job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

/* ------------------------------------------------------------------- start */

int vm_start_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *host = view_get(view, KIND_HOST, request_str(req, "hostUuid"));

	if (host && !object_str_is(host, HOST_STATUS, "Connected"))
		return error_set_code(e, EBUSY, "HOST.1010",
				      "host[uuid:%s] is not connected, its status is %s", object_uuid(host),
				      object_text(host, HOST_STATUS));
	return 0;
}

int vm_start_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = request_object(view, job->req);
	/* a clone that was only created has its disks */
	bool has_root = vm && object_str(vm, VM_ROOT_VOLUME_UUID);
	char host[UUID_SIZE];
	enum vm_state state;
	int r = look(job, host, &state, e);

	if (r == 0)
		r = state == VM_STATE_CREATED && !has_root
			    ? vm_first_start(job, job->req->target, false, e)
			    : vm_bring_up(job, job->req->target, state, false, e);
	return r < 0 ? r : inventory(job, ret_result, e);
}

/* -------------------------------------------------------------------- stop */

int vm_stop_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *type = request_str(job->req, "type");
	char host[UUID_SIZE];
	enum vm_state state;
	int r = look(job, host, &state, e);

	/* What is Stopped already may still have to be left alone by HA from now on. */
	if (r == 0 && (state != VM_STATE_STOPPED || vm_stop_is_for_good(job->req))) {
		/* A frozen guest cannot shut itself down. */
		bool cold = strcmp(type, "cold") == 0 || state == VM_STATE_PAUSED;

		r = vm_bring_down(job, job->req->target, cold ? 0 : GRACE_MS, e);
	}
	return r < 0 ? r : inventory(job, ret_result, e);
}

/* ------------------------------------------------------------------ reboot */

int vm_reboot_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	char host[UUID_SIZE];
	enum vm_state state;
	int r = look(job, host, &state, e);

	if (r == 0)
		r = vm_set_state(job->pool, uuid, VM_STATE_REBOOTING, e);
	if (r < 0)
		return r;
	r = vm_power_off(job, uuid, host, GRACE_MS, e);
	if (r < 0) {
		(void)vm_set_state(job->pool, uuid, VM_STATE_RUNNING, &ignored);
		vm_settle(job->pool, host, uuid);
		return r;
	}
	r = vm_power_on(job, uuid, host, host, VM_STATE_STOPPED, false, e);
	return r < 0 ? r : inventory(job, ret_result, e);
}

/* ------------------------------------------------------------ pause, resume */

typedef int freeze_fn(struct hypervisor *hv, const char *host, const char *uuid, struct error *e);

static int freeze(struct job *job, freeze_fn *fn, enum vm_state during, enum vm_state after,
		  json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	char host[UUID_SIZE];
	enum vm_state before;
	int r = look(job, host, &before, e);

	if (r == 0)
		r = vm_set_state(job->pool, uuid, during, e);
	if (r < 0)
		return r;
	r = fn(pool_hypervisor(job->pool), host, uuid, e);
	if (r < 0)
		(void)vm_set_state(job->pool, uuid, before, &ignored);
	else
		r = vm_set_state(job->pool, uuid, after, e);
	vm_settle(job->pool, host, uuid);
	return r < 0 ? r : inventory(job, ret_result, e);
}

int vm_pause_run(struct job *job, json_t **ret_result, struct error *e)
{
	return freeze(job, hv_domain_suspend, VM_STATE_PAUSING, VM_STATE_PAUSED, ret_result, e);
}

int vm_resume_run(struct job *job, json_t **ret_result, struct error *e)
{
	return freeze(job, hv_domain_resume, VM_STATE_RESUMING, VM_STATE_RUNNING, ret_result, e);
}

/* ---------------------------------------------------------------- recovery */

struct recovered {
	const char *uuid, *host;
	bool known, for_good;
	enum hv_domain_state domain;
	enum vm_state state;
};

static int recovered_fn(struct txn *t, void *arg, struct error *e)
{
	struct recovered *r = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, r->uuid);
	struct object *vm = before ? object_copy(before) : NULL;

	if (!vm)
		return error_set(e, ENOENT, "VM '%s' is gone", r->uuid);
	if (!r->known) {
		object_set_str(vm, VM_UNKNOWN_FROM, object_str(before, VM_STATE));
		object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN));
		return vm_write(t, before, vm, e);
	}
	object_unref(vm);
	switch (r->domain) {
	case HV_DOMAIN_RUNNING:
		r->state = VM_STATE_RUNNING;
		break;
	case HV_DOMAIN_PAUSED:
		r->state = VM_STATE_PAUSED;
		break;
	case HV_DOMAIN_OFF:
	case HV_DOMAIN_ABSENT:
		r->state = VM_STATE_STOPPED;
		return vm_put_off(t, r->uuid, r->for_good, e);
	}
	return vm_put_state(t, r->uuid, r->state, e);
}

int vm_recover_state(struct job *job, const char *uuid, enum vm_state wanted)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;
	struct recovered r = {.uuid = uuid,
			      .host = host,
			      .state = VM_STATE_UNKNOWN,
			      .for_good = vm_stop_is_for_good(job->req)};
	enum hv_domain_reason reason;
	int state = vm ? vm_state_parse(object_str(vm, VM_STATE)) : -1;

	if (!vm)
		return -EINTR;
	/* It had got no further than the row, or had come to its end already. */
	if (!host)
		return state == (int)wanted ? 0 : -EINTR;
	r.known = host_wait_connected(job, host) &&
		  hv_domain_state(pool_hypervisor(job->pool), host, uuid, &r.domain, &reason, &ignored) == 0;
	if (store_run(pool_store(job->pool), recovered_fn, &r, &ignored) < 0)
		return -EINTR;
	return r.known && r.state == wanted ? 0 : -EINTR;
}

int vm_lifecycle_recover(struct job *job, json_t **ret_result, struct error *e)
{
	static const struct {
		const char *operation;
		enum vm_state wanted;
	} goals[] = {
		{"StartVmInstance", VM_STATE_RUNNING},	{"StopVmInstance", VM_STATE_STOPPED},
		{"RebootVmInstance", VM_STATE_RUNNING}, {"PauseVmInstance", VM_STATE_PAUSED},
		{"ResumeVmInstance", VM_STATE_RUNNING},
	};
	const char *name = job->req->op->name;

	/* Going away is finished, however far it had come. */
	if (strcmp(name, "DestroyVmInstance") == 0)
		return vm_destroy_run(job, ret_result, e);
	if (strcmp(name, "ExpungeVmInstance") == 0)
		return vm_expunge_run(job, ret_result, e);
	for (size_t i = 0; i < ARRAY_SIZE(goals); i++)
		if (strcmp(goals[i].operation, name) == 0 &&
		    vm_recover_state(job, job->req->target, goals[i].wanted) == 0)
			return inventory(job, ret_result, e);
	return error_set_code(e, EINTR, "SYS.1000",
			      "the daemon ended while '%s' ran; the VM is as its host says", name);
}
