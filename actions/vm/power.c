/* SPDX-License-Identifier: Apache-2.0 */
/* See power.h. */
#include "actions/vm/adopted.h"
#include "actions/vm/describe.h"
#include "actions/vm/firmware.h"
#include "actions/vm/iso.h"
#include "actions/vm/lease.h"
#include "actions/vm/nic.h"
#include "actions/vm/nocloud.h"
#include "actions/vm/placement.h"
#include "actions/vm/power.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/state.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/tags.h"
#include "actions/network/host_prepare.h"
#include "actions/network/l3_network.h"
#include "actions/volume/snapshot_reconcile.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/hypervisor.h"

/* --------------------------------------------------------------- choosing */

struct up {
	struct job *job;
	const char *uuid;
	enum vm_state failed_state;
	bool paused;
	bool back;  /* to where it ran last */
	bool tried; /* the host was asked to start the domain, and may have done so */
	char host[UUID_SIZE], last_host[UUID_SIZE];
	json_t *placement; /* owned; how the host was chosen */
	struct host_loads loads;
};

static int check_networks(struct txn *t, struct up *up, struct error *e)
{
	bool any = false;

	view_for_each_where (nic, txn_view(t), KIND_NIC, NIC_VM_UUID, up->uuid) {
		const char *l3 = object_str(nic, NIC_L3_UUID);

		if (!view_get(txn_view(t), KIND_L3_NETWORK, l3))
			return error_set(
				e, EBUSY,
				"Unable to find L3Network[uuid:%s] to start the current vm, it may have been "
				"deleted, Operation suggestion: delete this vm, recreate a new vm",
				l3 ? l3 : "");
		any = true;
	}
	if (!any)
		return error_set(
			e, EBUSY,
			"unable to start the vm[uuid:%s]. It doesn't have any nic, please attach a nic and try again",
			up->uuid);
	return 0;
}

static int give_address(struct txn *t, const char *vm, const struct object *nic, struct error *e)
{
	_cleanup_object_ struct object *changed = object_copy(nic);
	const char *l3 = object_str(nic, NIC_L3_UUID);
	char prefix[64];
	int r;

	if (!changed)
		return error_oom(e);
	snprintf(prefix, sizeof(prefix), "staticIp::%s", l3 ? l3 : "");
	r = l3_network_allocate_ip(t, l3, tag_value(txn_view(t), vm, prefix), changed, e);
	return r < 0 ? r : txn_put(t, steal(&changed), NULL, e);
}

/* NICs that released their addresses when the VM was destroyed get one again, the static one if it has one. */
static int give_addresses(struct txn *t, struct up *up, struct error *e)
{
	const struct object *nic;
	int64_t after = 0;

	while ((nic = view_next_where(txn_view(t), KIND_NIC, NIC_VM_UUID, up->uuid, after))) {
		int r;

		after = nic->id;
		if (object_str(nic, NIC_IP))
			continue;
		r = give_address(t, up->uuid, nic, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int choose_host(struct txn *t, struct up *up, const struct object **ret_host, struct error *e)
{
	const struct request *req = up->job->req;
	const char *networks[VM_NICS_MAX];
	struct placement want;

	placement_for_vm(txn_view(t), view_get(txn_view(t), KIND_VM, up->uuid), &want, networks);
	want.strategy = object_str(view_get(txn_view(t), KIND_VM, up->uuid), VM_ALLOCATOR_STRATEGY);
	want.host = request_str(req, "hostUuid");
	want.cluster = want.host ? NULL : request_str(req, "clusterUuid");
	if (want.host || want.cluster)
		want.strategy = "DesignatedHostAllocatorStrategy";
	else if (up->back)
		want.strategy = "LastHostPreferredAllocatorStrategy";
	want.loads = &up->loads;
	want.ret_report = &up->placement;
	return placement_choose(txn_view(t), &want, ret_host, NULL, e);
}

static int choose_fn(struct txn *t, void *arg, struct error *e)
{
	struct up *up = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, up->uuid), *host;
	struct object *vm;
	int r;

	if (!before)
		return error_gone(e, KIND_VM, up->uuid);
	r = check_networks(t, up, e);
	if (r < 0)
		return r;
	json_decref(steal(&up->placement)); /* of the last try */
	r = choose_host(t, up, &host, e);
	if (r < 0)
		return r;
	snprintf(up->host, sizeof(up->host), "%s", object_uuid(host));
	snprintf(up->last_host, sizeof(up->last_host), "%s", object_text(before, VM_LAST_HOST_UUID));
	vm = object_copy(before);
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_STARTING));
	object_set_str(vm, VM_HOST_UUID, up->host);
	object_set_str(vm, VM_CLUSTER_UUID, object_str(host, HOST_CLUSTER_UUID));
	object_set_null(vm, VM_STOPPED_BY_HA);
	vm_set_placement(vm, up->placement);
	r = vm_write(t, before, vm, e);
	return r < 0 ? r : give_addresses(t, up, e);
}

/* ------------------------------------------------------------ on the host */

static int start_domain(struct up *up, struct view *view, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, up->uuid);
	const struct object *host = view_get(view, KIND_HOST, up->host);
	_cleanup_(vm_description_done) struct vm_description desc = {0};
	_cleanup_free_ char *nocloud = NULL;
	int r;

	if (!vm || !host)
		return error_set(e, ENOENT, "VM '%s' or its host is gone", up->uuid);
	r = vm_make_nocloud(up->job, view, vm, host, &nocloud, e);
	if (r < 0)
		return r;
	r = vm_describe(up->job->pool, view, vm, host, &desc, e);
	if (r < 0)
		return r;
	if (nocloud) {
		r = vm_description_add_nocloud(&desc, steal(&nocloud), e);
		if (r < 0)
			return r;
	}
	up->tried = true;
	r = hv_domain_start(pool_hypervisor(up->job->pool), up->host, &desc.domain, up->paused, e);
	/* what is there already was started by others, or is others': it is not to be ended */
	if (r == -EEXIST)
		up->tried = false;
	if (r < 0)
		(void)error_wrap(e, "HOST.1005");
	return r;
}

/* What may have changed since the last start: snapshots, addresses, MACs, host names, ISOs. */
static int prepare_start(struct up *up, struct error *e)
{
	struct pool *pool = up->job->pool;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int r = snapshot_reconcile_vm(pool, up->uuid, e);

	if (r < 0)
		return r;
	r = vm_apply_leases(pool, view, up->uuid, up->host, e);
	return r < 0 ? r : vm_fetch_isos(up->job, view, up->uuid, up->host, e);
}

/*
 * A host is prepared when it connects; once more only when the start says that something is missing
 * there.
 */
static int start_on_host(struct up *up, struct error *e)
{
	struct pool *pool = up->job->pool;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int r = start_domain(up, view, e);

	if (r != -ENOENT || host_prepare(pool, up->host, &ignored) < 0)
		return r;
	error_done(e);
	r = vm_apply_leases(pool, view, up->uuid, up->host, e);
	return r < 0 ? r : start_domain(up, view, e);
}

static int prepare_and_start(struct up *up, struct error *e)
{
	bool new_host = strcmp(up->host, up->last_host) != 0;
	struct pool *pool = up->job->pool;
	int r = prepare_start(up, e);

	if (r == 0 && new_host && *up->last_host)
		r = vm_copy_firmware(pool, up->last_host, up->uuid, up->host, up->uuid, e);
	if (r < 0)
		return r;
	r = start_on_host(up, e);
	if (r < 0)
		return r;
	/* Started by hand, the definition on the former host would use an outdated disk: remove it. */
	if (new_host && *up->last_host) {
		_cleanup_view_ struct view *view = store_view(pool_store(pool));

		vm_settle_domain(pool, up->last_host, up->uuid);
		vm_leave_host(pool, up->last_host, up->uuid);
		vm_settle_domain(pool, up->last_host, up->uuid);
		vm_forget_leases(pool, view, up->uuid, up->last_host);
	}
	return 0;
}

/* --------------------------------------------------------------------- up */

static int started_fn(struct txn *t, void *arg, struct error *e)
{
	struct up *up = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, up->uuid);
	struct object *vm;
	int r;

	if (!before)
		return error_gone(e, KIND_VM, up->uuid);
	vm = object_copy(before);
	/* Unknown if the host was lost meanwhile: it is reconciled when the host comes back. */
	if (object_str_is(before, VM_STATE, vm_state_name(VM_STATE_STARTING)) ||
	    object_str_is(before, VM_STATE, vm_state_name(VM_STATE_REBOOTING)))
		object_set_str(vm, VM_STATE, vm_state_name(up->paused ? VM_STATE_PAUSED : VM_STATE_RUNNING));
	object_set_str(vm, VM_LAST_HOST_UUID, up->host);
	r = vm_write(t, before, vm, e);
	if (r == 0)
		r = vm_put_own_domain(t, up->uuid, up->host, e);
	if (r < 0 || !tag_value(txn_view(t), up->uuid, "cdromBootOnce"))
		return r;
	/* The boot order was set for one start, which is this one. */
	r = object_set_system_tag(t, KIND_VM, up->uuid, "bootOrder", NULL, false, e);
	return r < 0 ? r : object_set_system_tag(t, KIND_VM, up->uuid, "cdromBootOnce", NULL, false, e);
}

static int failed_fn(struct txn *t, void *arg, struct error *e)
{
	struct up *up = arg;
	const struct object *before = view_get(txn_view(t), KIND_VM, up->uuid);
	struct object *vm;

	if (!before)
		return 0;
	vm = object_copy(before);
	if (up->tried) { /* and cannot be asked what has become of it: the guest may run */
		object_set_str(vm, VM_UNKNOWN_FROM, vm_state_name(VM_STATE_STARTING));
		object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_UNKNOWN));
		return vm_write(t, before, vm, e);
	}
	object_set_str(vm, VM_STATE, vm_state_name(up->failed_state));
	object_set_null(vm, VM_HOST_UUID);
	return vm_write(t, before, vm, e);
}

int vm_power_on(struct job *job, const char *uuid, const char *host, const char *last_host,
		enum vm_state failed_state, bool paused, struct error *e)
{
	struct up up = {.job = job, .uuid = uuid, .failed_state = failed_state, .paused = paused};
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int r;

	snprintf(up.host, sizeof(up.host), "%s", host);
	snprintf(up.last_host, sizeof(up.last_host), "%s", last_host ? last_host : "");
	r = prepare_and_start(&up, e);
	if (r == 0)
		r = store_run(pool_store(job->pool), started_fn, &up, e);
	if (r < 0) {
		if (up.tried && hv_domain_destroy(pool_hypervisor(job->pool), up.host, uuid, &ignored) == 0)
			up.tried = false;
		(void)store_run(pool_store(job->pool), failed_fn, &up, &ignored);
		vm_reconcile(job->pool, up.host, uuid);
		return r;
	}
	vm_reconcile(job->pool, up.host, uuid);
	return 0;
}

void vm_measure_loads(struct pool *pool, const char *uuid, struct host_loads *ret)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);

	if (vm && placement_goes_by_load(object_str(vm, VM_ALLOCATOR_STRATEGY)))
		host_loads_measure(pool, ret);
}

static int bring_up(struct up *up, struct error *e)
{
	struct pool *pool = up->job->pool;
	int r;

	vm_measure_loads(pool, up->uuid, &up->loads);
	r = job_choose(up->job, choose_fn, up, e);
	host_loads_done(&up->loads);
	if (r < 0)
		vm_note_placement(pool, up->uuid, up->placement);
	json_decref(up->placement);
	kill_point("vm-starting");
	return r < 0 ? r
		     : vm_power_on(up->job, up->uuid, up->host, up->last_host, up->failed_state, up->paused,
				   e);
}

int vm_bring_up(struct job *job, const char *uuid, enum vm_state failed_state, bool paused, struct error *e)
{
	struct up up = {.job = job, .uuid = uuid, .failed_state = failed_state, .paused = paused};

	return bring_up(&up, e);
}

int vm_bring_back(struct job *job, const char *uuid, struct error *e)
{
	struct up up = {.job = job, .uuid = uuid, .failed_state = VM_STATE_STOPPED, .back = true};

	return bring_up(&up, e);
}

/* -------------------------------------------------------------------- down */

struct down {
	const char *uuid;
	bool for_good; /* HA does not start it again */
};

static int stopped_fn(struct txn *t, void *arg, struct error *e)
{
	struct down *d = arg;

	return vm_put_off(t, d->uuid, d->for_good, e);
}

int vm_power_off(struct job *job, const char *uuid, const char *host, int grace_ms, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int left = job_remaining_ms(job), r;

	/* A guest that does not shut down in time is not an error. */
	if (grace_ms > 0 &&
	    hv_domain_shutdown(hv, host, uuid, grace_ms < left ? grace_ms : left, &ignored) == 0)
		return 0;
	r = hv_domain_destroy(hv, host, uuid, e);
	if (r < 0)
		(void)error_wrap(e, "HOST.1006");
	return r;
}

int vm_bring_down(struct job *job, const char *uuid, int grace_ms, struct error *e)
{
	struct down d = {.uuid = uuid, .for_good = vm_stop_is_for_good(job->req)};
	_cleanup_object_ const struct object *vm = vm_now(job->pool, uuid);
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int r;

	if (!vm)
		return error_gone(e, KIND_VM, uuid);
	if (host) {
		r = vm_set_state(job->pool, uuid, VM_STATE_STOPPING, e);
		kill_point("vm-stopping");
		if (r == 0)
			r = vm_power_off(job, uuid, host, grace_ms, e);
		if (r < 0) {
			int before = vm_state_parse(object_str(vm, VM_STATE));

			(void)vm_set_state(job->pool, uuid, (enum vm_state)before, &ignored);
			vm_reconcile(job->pool, host, uuid);
			return r;
		}
	}
	r = store_run(pool_store(job->pool), stopped_fn, &d, e);
	if (r == 0 && host)
		vm_reconcile(job->pool, host, uuid);
	return r;
}
