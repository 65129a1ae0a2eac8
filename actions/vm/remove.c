/* SPDX-License-Identifier: Apache-2.0 */
/* See remove.h. */
#include "actions/vm/adopted.h"
#include "actions/vm/console_log.h"
#include "actions/vm/disks.h"
#include "actions/vm/lease.h"
#include "actions/vm/machine.h"
#include "actions/vm/nocloud.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/rows.h"
#include "actions/engine/submit.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/host/fence.h"
#include "actions/host/guest.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/attach.h"
#include "actions/volume/location.h"
#include "actions/volume/remove.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/firmware.h"
#include "hypervisor/hypervisor.h"
#include "model/json.h"
#include "model/log.h"
#include "model/states.h"

/* --------------------------------------------------------------- tear down */

/*
 * The domain on the host that has it. What the guest has stored in its firmware and TPM goes
 * only @for_good.
 */
static int remove_from_host(struct pool *pool, struct view *view, const struct object *vm, bool for_good,
			    struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(pool);
	const char *uuid = object_uuid(vm), *host = vm_place(vm);
	int r;

	if (!host || !view_get(view, KIND_HOST, host))
		return 0;
	r = hv_domain_destroy(hv, host, uuid, e);
	if (r < 0)
		return r;
	r = for_good ? hv_domain_undefine(hv, host, uuid, e) : hv_domain_retire(hv, host, uuid, e);
	/* a clone that was never started has variables, but no definition */
	if (r == 0 && for_good && vm_has_uefi(view, vm))
		r = hv_firmware_remove(hv, host, uuid, e);
	return r;
}

struct tear_down {
	const char *uuid;
	enum vm_state state;
};

/* The place that the creation request asks for, as before the first start. */
static int set_place_again(const struct view *view, struct object *vm, struct error *e)
{
	_cleanup_json_ json_t *request = NULL;
	int r = object_read_json(vm, VM_CREATE_SPEC, &request, e);

	if (r == 0)
		vm_set_wanted_place(view, vm, json_object_get(request, "params"));
	return r;
}

/* The rows that a first start made. */
static int tear_down_fn(struct txn *t, void *arg, struct error *e)
{
	struct tear_down *s = arg;
	struct object *vm;
	int r;

	if (!view_get(txn_view(t), KIND_VM, s->uuid))
		return 0;
	r = object_remove_where(t, KIND_NIC, NIC_VM_UUID, s->uuid, e);
	if (r < 0)
		return r;
	r = vm_put_stopped(t, s->uuid, s->state, e);
	if (r < 0)
		return r;
	r = txn_edit(t, KIND_VM, s->uuid, &vm, e);
	if (r < 0)
		return r;
	object_set_null(vm, VM_ROOT_VOLUME_UUID);
	object_set_null(vm, VM_LAST_HOST_UUID);
	object_set_null(vm, VM_CLUSTER_UUID);
	r = s->state == VM_STATE_CREATED ? set_place_again(txn_view(t), vm, e) : 0;
	if (r < 0) {
		object_unref(vm);
		return r;
	}
	return txn_put(t, vm, NULL, e);
}

static int nocloud_gone_fn(struct txn *t, void *arg, struct error *e)
{
	return vm_put_nocloud_gone(t, arg, e);
}

/*
 * Takes the VM off its host, removes its volumes, and then makes the change @put. As long as its first start makes the disks,
 * no host has it; what there is of their files is removed when somebody can.
 */
static int tear_down(struct pool *pool, const struct tear_down *s,
		     int (*put)(struct txn *t, void *arg, struct error *e), struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const char *uuid = s->uuid;
	const struct object *vm = view_get(view, KIND_VM, uuid);
	bool has_begun = vm_is_in_first_start(view, uuid);
	int r = vm && !has_begun ? remove_from_host(pool, view, vm, true, e) : 0;

	if (r < 0)
		return r;
	/* The file goes with those of the volumes. */
	r = store_run(pool_store(pool), nocloud_gone_fn, (void *)(uintptr_t)uuid, e);
	if (r < 0)
		return r;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, uuid) {
		r = has_begun ? volume_drop(pool, object_uuid(volume), e)
			      : volume_remove(pool, object_uuid(volume), e);
		if (r < 0)
			return r;
	}
	r = store_run(pool_store(pool), put, (void *)(uintptr_t)s, e);
	if (r == 0 && vm && vm_place(vm))
		vm_forget_leases(pool, view, uuid, vm_place(vm));
	return r;
}

int vm_tear_down(struct pool *pool, const char *uuid, enum vm_state state, struct error *e)
{
	return tear_down(pool, &(struct tear_down){uuid, state}, tear_down_fn, e);
}

/* ------------------------------------------------------------------ remove */

/* The rows that belong to the VM. Its data volumes do not any more: they were detached before. */
static int remove_fn(struct txn *t, void *arg, struct error *e)
{
	const char *uuid = arg;
	_cleanup_object_ const struct object *vm = object_ref(view_get(txn_view(t), KIND_VM, uuid));
	int r;

	if (!vm)
		return 0;
	r = object_remove_where(t, KIND_NIC, NIC_VM_UUID, uuid, e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_AFFINITY_USAGE, AFFINITY_USAGE_RESOURCE_UUID, uuid, e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_SCHEDULER, SCHEDULER_TARGET_UUID, uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_SCHEDULER_JOB, SCHED_JOB_TARGET_UUID, uuid, e);
	if (r < 0)
		return r;
	r = object_remove(t, view_get(txn_view(t), KIND_VM, uuid), e);
	return r < 0 ? r : capacity_follow_vm(t, vm, NULL, e);
}

/* Their files stay, and belong to nobody any more. */
static int forget_volumes(struct txn *t, const char *vm, struct error *e)
{
	const struct object *volume;

	while ((volume = view_next_where(txn_view(t), KIND_VOLUME, VOLUME_VM_UUID, vm, 0))) {
		char ps[UUID_SIZE];
		int r;

		snprintf(ps, sizeof(ps), "%s", object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
		r = object_remove_where(t, KIND_SCHEDULER, SCHEDULER_TARGET_UUID, object_uuid(volume), e);
		if (r == 0)
			r = object_remove_where(t, KIND_SCHEDULER_JOB, SCHED_JOB_TARGET_UUID,
						object_uuid(volume), e);
		if (r == 0)
			r = object_remove(t, volume, e);
		if (r == 0)
			r = capacity_update_primary_storage(t, ps, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int vm_put_forgotten(struct txn *t, const char *uuid, struct error *e)
{
	int r = forget_volumes(t, uuid, e);

	return r < 0 ? r : remove_fn(t, (void *)(uintptr_t)uuid, e);
}

/* In one change: a VM that is Expunging and has no job is one that nobody removes. */
static int tear_down_and_remove_fn(struct txn *t, void *arg, struct error *e)
{
	const struct tear_down *s = arg;
	int r = tear_down_fn(t, arg, e);

	return r < 0 ? r : remove_fn(t, (void *)(uintptr_t)s->uuid, e);
}

int vm_remove(struct job *job, const char *uuid, struct error *e)
{
	const struct tear_down s = {uuid, VM_STATE_EXPUNGING};
	int r = tear_down(job->pool, &s, tear_down_and_remove_fn, e);

	if (r == 0)
		console_log_remove(job->pool, uuid);
	return r;
}

bool vm_roll_back(struct job *job, const char *uuid)
{
	_cleanup_(error_done) struct error e = ERROR_INIT, ignored = ERROR_INIT;

	if (vm_remove(job, uuid, &e) == 0)
		return true;
	log_error("vm", uuid, "cannot be removed yet: %s", error_sentence(&e));
	(void)vm_set_state(job->pool, uuid, VM_STATE_EXPUNGING, &ignored);
	return false;
}

/* ----------------------------------------------------------------- destroy */

/* Data volumes are detached, or deleted with the VM when the setting says so. */
static int release_volume(struct txn *t, const struct object *volume, bool delete_data, struct error *e)
{
	struct object *changed = object_copy(volume);

	if (object_str_is(volume, VOLUME_TYPE, "Root")) {
		object_set_str(changed, VOLUME_STATUS, STATUS_DELETED);
	} else {
		volume_clear_vm(changed);
		if (delete_data)
			object_set_str(changed, VOLUME_STATUS, STATUS_DELETED);
	}
	return txn_put(t, changed, NULL, e);
}

static int release_volumes(struct txn *t, const char *vm, struct error *e)
{
	bool delete_data = config_bool(txn_view(t), "vm.dataVolume.deleteOnVmDestroy");
	const struct object *volume;
	int64_t after = 0;

	while ((volume = view_next_where(txn_view(t), KIND_VOLUME, VOLUME_VM_UUID, vm, after))) {
		int r;

		after = volume->id;
		r = release_volume(t, volume, delete_data, e);
		if (r < 0)
			return r;
	}
	return object_remove_where(t, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, vm, e);
}

static int release_address(struct txn *t, const struct object *nic, struct error *e)
{
	struct object *changed = object_copy(nic);

	object_set_null(changed, NIC_IP);
	object_set_null(changed, NIC_NETMASK);
	object_set_null(changed, NIC_GATEWAY);
	object_set_null(changed, NIC_USED_IP_UUID);
	return txn_put(t, changed, NULL, e);
}

static int release_addresses(struct txn *t, const char *vm, struct error *e)
{
	const struct object *nic;
	int64_t after = 0;

	while ((nic = view_next_where(txn_view(t), KIND_NIC, NIC_VM_UUID, vm, after))) {
		int r;

		after = nic->id;
		r = release_address(t, nic, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int eject_isos(struct txn *t, const char *vm, struct error *e)
{
	const struct object *row;
	int64_t after = 0;

	while ((row = view_next_where(txn_view(t), KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, vm, after))) {
		int r;

		after = row->id;
		if (!tag_strip_prefix(object_text(row, SYSTEM_TAG_TAG), "iso"))
			continue;
		r = txn_remove(t, row, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int destroyed_fn(struct txn *t, void *arg, struct error *e)
{
	const char *uuid = arg;
	int r = vm_put_nocloud_gone(t, uuid, e);

	if (r < 0)
		return r;
	r = release_volumes(t, uuid, e);
	if (r < 0)
		return r;
	r = release_addresses(t, uuid, e);
	if (r < 0)
		return r;
	r = eject_isos(t, uuid, e);
	return r < 0 ? r : vm_put_stopped(t, uuid, VM_STATE_DESTROYED, e);
}

int vm_destroy(struct job *job, const struct object *vm, bool enforcing, struct error *e)
{
	struct pool *pool = job->pool;
	const char *uuid = object_uuid(vm);
	_cleanup_view_ struct view *view = NULL;
	_cleanup_(error_done) struct error inner = ERROR_INIT;
	int r;

	view = store_view(pool_store(pool));
	/* Its disks would be free for another guest. */
	r = host_check_guest_gone(view, vm_host(vm), "destroy the VM", enforcing ? e : NULL);
	if (r < 0 && enforcing)
		return r;
	r = vm_set_state(pool, uuid, VM_STATE_DESTROYING, e);
	if (r < 0)
		return r;
	r = remove_from_host(pool, view, vm, false, &inner);
	if (r < 0 && !enforcing) {
		_cleanup_(error_done) struct error ignored = ERROR_INIT;

		(void)error_wrap(&inner, "HOST.1008");
		/* A VM without a host cannot be running: it is not Unknown. */
		(void)vm_set_state(pool, uuid, vm_host(vm) ? VM_STATE_UNKNOWN : VM_STATE_STOPPED, &ignored);
		/* The host may be there, and know what it has; nobody would ask it later. */
		if (vm_host(vm))
			vm_reconcile(pool, vm_host(vm), uuid);
		return error_move(e, &inner);
	}
	r = store_run(pool_store(pool), destroyed_fn, (void *)(uintptr_t)uuid, e);
	if (r == 0) {
		orphan_files_remove(pool, NULL);
		if (vm_place(vm)) {
			vm_settle_domain(pool, vm_place(vm), uuid);
			vm_forget_leases(pool, view, uuid, vm_place(vm));
		}
	}
	return r;
}

/* ----------------------------------------------------------------- expunge */

/* Destroying a VM marks its root volume. One without that was not complete, or is not any more. */
static bool can_be_recovered(const struct view *view, const struct object *vm)
{
	const struct object *root = vm ? vm_root_volume(view, vm) : NULL;

	return root && object_str_is(root, VOLUME_STATUS, STATUS_DELETED);
}

static int left_behind_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *vm = view_get(txn_view(t), KIND_VM, arg);

	return !vm || can_be_recovered(txn_view(t), vm) ? 0 : vm_put_state(t, arg, VM_STATE_EXPUNGING, e);
}

int vm_expunge(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int r = vm_remove(job, uuid, e);

	if (r < 0)
		(void)store_run(pool_store(job->pool), left_behind_fn, (void *)(uintptr_t)uuid, &ignored);
	return r;
}

int vm_remove_all_where(struct job *job, int field, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	view_for_each_where (vm, view, KIND_VM, field, uuid) {
		_cleanup_object_ const struct object *now = vm_now(job->pool, object_uuid(vm));
		int r;

		if (!now)
			continue;
		if (!object_str_is(now, VM_STATE, vm_state_name(VM_STATE_DESTROYED)) &&
		    !object_str_is(now, VM_STATE, vm_state_name(VM_STATE_CREATED))) {
			r = vm_destroy(job, now, request_is_enforcing(job->req), e);
			if (r < 0)
				return r;
		}
		r = vm_remove(job, object_uuid(vm), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int submit_expunge(struct pool *pool, const char *uuid, struct error *e)
{
	const struct actor actor = {.source = "scheduler"};
	struct request *req;
	int r = request_new(operation_by_name("ExpungeVmInstance"), uuid, NULL, &actor, &req, e);

	return r < 0 ? r : pool_submit_wait(pool, req, NULL, e);
}

/* Is the host connected that has the VM's domain, if any has? */
static bool is_within_reach(const struct view *view, const struct object *vm)
{
	const struct object *host = view_get(view, KIND_HOST, vm_place(vm));

	return !host || object_str_is(host, HOST_STATUS, STATUS_CONNECTED);
}

/* Expunging without a job, because the roll-back of its creation, or its removal, has failed; and it may succeed now. */
static bool is_left_behind(const struct view *view, const struct object *vm)
{
	return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_EXPUNGING)) &&
	       !job_is_pending_for(view, object_uuid(vm)) && is_within_reach(view, vm);
}

struct left_behind {
	const char *uuid;
	bool taken;
};

/* The operation takes VMs that are Destroyed. Another thread may have been faster. */
static int take_fn(struct txn *t, void *arg, struct error *e)
{
	struct left_behind *l = arg;
	const struct object *vm = view_get(txn_view(t), KIND_VM, l->uuid);

	l->taken = vm && is_left_behind(txn_view(t), vm);
	return l->taken ? vm_put_state(t, l->uuid, VM_STATE_DESTROYED, e) : 0;
}

static int expunge_left_behind(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	struct left_behind l = {.uuid = uuid};
	int r = pool_check_writable(pool, e);

	if (r == 0)
		r = store_run(pool_store(pool), take_fn, &l, e);
	if (r < 0 || !l.taken)
		return r;
	r = submit_expunge(pool, uuid, e);
	/* if its job fails, vm_expunge() writes that */
	if (r < 0)
		(void)vm_set_state(pool, uuid, VM_STATE_EXPUNGING, &ignored);
	return r;
}

void vm_expunge_left_behind(struct pool *pool)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (vm, view, KIND_VM) {
		_cleanup_(error_done) struct error e = ERROR_INIT;

		if (is_left_behind(view, vm) && expunge_left_behind(pool, object_uuid(vm), &e) < 0)
			log_error("vm", object_uuid(vm), "cannot be removed yet: %s", error_sentence(&e));
	}
}

int vm_expunge_due(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int64_t due = store_now() - config_int(view, "vm.expungePeriod") * NS_PER_S;
	bool by_hand = strcmp(config_str(view, "vm.deletionPolicy"), "Never") == 0;
	int result = 0;

	view_for_each (vm, view, KIND_VM) {
		bool incomplete = is_left_behind(view, vm);
		bool old = object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_DESTROYED)) && !by_hand &&
			   object_int(vm, VM_LAST_OP_DATE) <= due;
		int r;

		if ((!incomplete && !old) || job_is_pending_for(view, object_uuid(vm)))
			continue;
		r = incomplete ? expunge_left_behind(pool, object_uuid(vm), e)
			       : submit_expunge(pool, object_uuid(vm), e);
		if (r < 0)
			result = r;
	}
	return result;
}
