/* SPDX-License-Identifier: Apache-2.0 */
/* States of hosts, their removal, and what they have in all. */
#include <string.h>

#include "actions/capacity.h"
#include "actions/handlers.h"
#include "actions/host.h"
#include "actions/object_ops.h"
#include "actions/topology.h"
#include "actions/vm.h"
#include "actions/vm_stops.h"

static bool runs_on(const struct view *view, const struct object *vm, const void *host)
{
	(void)view;
	return object_str_is(vm, VM_HOST_UUID, host);
}

/* ------------------------------------------------------------------- states */

struct state_change {
	const char *host;
	const char *state;
};

static int put_state(struct txn *t, void *arg, struct error *e)
{
	const struct state_change *change = arg;
	const struct object *host = view_get(txn_view(t), KIND_HOST, change->host);
	struct object *copy = host ? object_copy(host) : NULL;

	if (!host)
		return error_set(e, ENOENT, "host '%s' is gone", change->host);
	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	object_set_str(copy, HOST_STATE, change->state);
	return txn_put(t, copy, NULL, e);
}

static int set_state(struct job *job, const char *state, struct error *e)
{
	struct state_change change = {job->req->target, state};

	return store_run(pool_store(job->pool), put_state, &change, e);
}

int host_change_state_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *host = request_object(view, req);
	const char *event = request_str(req, "stateEvent");

	if (!host || strcmp(event, "maintain") != 0 || object_str_is(host, HOST_STATUS, "Connected"))
		return 0;
	return error_set(e, EBUSY, "can not maintain host[uuid:%s, status:%s]which is not Connected",
			 req->target, object_text(host, HOST_STATUS));
}

/* PreMaintenance keeps new VMs away while the present ones are stopped. */
static int maintain(struct job *job, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *before = view_get(view, KIND_HOST, job->req->target);
	int r = set_state(job, "PreMaintenance", e);

	if (r == 0)
		r = vm_stop_all(job, runs_on, job->req->target, e);
	if (r == 0)
		return set_state(job, "Maintenance", e);
	error_wrap(e, "HOST.1001");
	if (before)
		(void)set_state(job, object_text(before, HOST_STATE), NULL);
	return r;
}

int host_change_state_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *event = request_str(job->req, "stateEvent");
	int r = strcmp(event, "maintain") == 0
			? maintain(job, e)
			: set_state(job, strcmp(event, "enable") == 0 ? "Enabled" : "Disabled", e);

	return r < 0 ? r : job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
}

/* How many of the VMs are stopped is not known: the host gets no new ones until somebody decides. */
int host_change_state_recover(struct job *job, json_t **ret_result, struct error *e)
{
	int r;

	if (strcmp(request_str(job->req, "stateEvent"), "maintain") != 0)
		return host_change_state_run(job, ret_result, e);
	r = set_state(job, "Disabled", e);
	return r < 0 ? r
		     : error_set_code(
			       e, EINTR, "HOST.1001",
			       "poolfs ended while the VMs of the host were being stopped, the host is now Disabled");
}

/* ----------------------------------------------------------------- removing */

/* Data volumes that no VM has are kept, unless the caller insists. */
static int check_volumes(const struct view *view, const struct object *host, struct error *e)
{
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_HOST_UUID, object_uuid(host))
		if (object_is_null(volume, VOLUME_VM_UUID))
			return error_set(
				e, ENOTEMPTY,
				"host '%s' still holds data volume '%s', delete it first or use deleteMode=Enforcing",
				object_name(host), object_name(volume));
	return 0;
}

/* VMs and volumes whose files lie on the host alone go with it; @enforcing: those that cannot be removed are
 * left. */
static int remove_local_volumes(struct job *job, const char *host, bool enforcing, struct error *e)
{
	for (int64_t after = 0;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *volume =
			view_next_where(view, KIND_VOLUME, VOLUME_HOST_UUID, host, after);
		const char *vm;
		int r;

		if (!volume)
			return 0;
		after = volume->id;
		vm = object_str(volume, VOLUME_VM_UUID);
		r = vm ? vm_remove_all_where(job, FIELD_UUID, vm, e)
		       : vm_remove_volume(job->pool, object_uuid(volume), e);
		if (r < 0 && !enforcing)
			return r;
	}
}

/* What the pool made on the host is taken down again, as far as the host answers. */
static void close_on_host(struct job *job, const struct view *view, const struct object *host)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	const char *cluster = object_str(host, HOST_CLUSTER_UUID);

	if (!object_str_is(host, HOST_STATUS, "Connected"))
		return;
	view_for_each_where (link, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, cluster)
		view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID,
				     object_str(link, CLUSTER_L2_L2_NETWORK_UUID))
			(void)hv_network_close(hv, object_uuid(host), object_uuid(l3), NULL);
	view_for_each_where (link, view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, cluster)
		(void)hv_pool_close(hv, object_uuid(host), object_str(link, CLUSTER_PS_PRIMARY_STORAGE_UUID),
				    NULL);
}

/* A VM that could not be stopped because its host does not answer is somewhere nobody can reach. */
static int release_vm(struct txn *t, const struct object *vm, struct error *e)
{
	struct object *copy = object_copy(vm);

	if (!copy)
		return error_set(e, ENOMEM, "out of memory");
	if (!object_str_is(vm, VM_STATE, "Destroyed"))
		object_set_str(copy, VM_STATE, "Stopped");
	object_set_null(copy, VM_STATE_REASON);
	object_set_null(copy, VM_HOST_UUID);
	return txn_put(t, copy, NULL, e);
}

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	const char *uuid = arg;
	const struct object *vm;
	struct object_key key = {KIND_HOST, uuid};
	int r = object_remove_where(t, KIND_IMAGE_CACHE, IMAGE_CACHE_HOST_UUID, uuid, e);

	while (r == 0 && (vm = view_next_where(txn_view(t), KIND_VM, VM_HOST_UUID, uuid, 0)))
		r = release_vm(t, vm, e);
	return r < 0 ? r : object_remove_key(t, &key, e);
}

int host_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *host = view_get(view, KIND_HOST, uuid);
	_cleanup_free_ char *key = strdup(uuid);
	int r;

	if (!key)
		return error_set(e, ENOMEM, "out of memory");
	if (!host)
		return 0;
	r = enforcing ? 0 : check_volumes(view, host, e);
	if (r == 0)
		r = vm_stop_all(job, runs_on, uuid, enforcing ? NULL : e);
	if (r == 0 || enforcing)
		r = remove_local_volumes(job, uuid, enforcing, enforcing ? NULL : e);
	if (r < 0 && !enforcing)
		return r;
	close_on_host(job, view, host);
	hv_host_remove(pool_hypervisor(job->pool), uuid);
	r = store_run(pool_store(job->pool), remove_rows, key, e);
	if (r == 0)
		host_simulator_forget(job->pool, uuid);
	return r;
}

int host_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return host_remove(job, job->req->target, request_is_enforcing(job->req), e);
}

/* ------------------------------------------------------------------ capacity */

int host_capacity_get(struct pool *pool, const struct view *view, const struct request *req,
		      json_t **ret_result, struct error *e)
{
	int64_t total_cpu = 0, cpu = 0, total_memory = 0, memory = 0;

	(void)pool;
	view_for_each (host, view, KIND_HOST) {
		if (!host_is_usable(host) ||
		    !request_list_has(req, "zoneUuids", object_text(host, HOST_ZONE_UUID)) ||
		    !request_list_has(req, "clusterUuids", object_text(host, HOST_CLUSTER_UUID)) ||
		    !request_list_has(req, "hostUuids", object_uuid(host)))
			continue;
		total_cpu += object_int(host, HOST_TOTAL_CPU);
		cpu += object_int(host, HOST_AVAILABLE_CPU);
		total_memory += object_int(host, HOST_TOTAL_MEMORY);
		memory += object_int(host, HOST_AVAILABLE_MEMORY);
	}
	*ret_result = json_pack("{s:I, s:I, s:I, s:I}", "totalCpu", (json_int_t)total_cpu, "availableCpu",
				(json_int_t)cpu, "totalMemory", (json_int_t)total_memory, "availableMemory",
				(json_int_t)memory);
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}

int host_strategies_get(struct pool *pool, const struct view *view, const struct request *req,
			json_t **ret_result, struct error *e)
{
	json_t *list = json_array();
	bool failed = !list;

	(void)pool, (void)view, (void)req;
	for (size_t i = 0; placement_strategy(i) && !failed; i++)
		failed = json_array_append_new(list, json_string(placement_strategy(i))) < 0;
	*ret_result = failed ? NULL : json_pack("{s:O}", "strategies", list);
	json_decref(list);
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}
