/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small changes of volumes and questions about them: state, name, sizes,
 * bandwidth, formats, capabilities (behaviour.md 4.2.5, 4.2.9-4.2.11, 4.2.14-17).
 *
 * Bandwidth: the row first, then the guest. A guest that cannot be limited gets
 * the row's former value back; recovery gives the guest what the row says.
 */
#include <string.h>

#include "actions/handlers.h"
#include "actions/kill_point.h"
#include "actions/object_ops.h"
#include "actions/storage.h"
#include "actions/topology.h"
#include "actions/volume.h"

/* ---------------------------------------------------------------- state, name */

int volume_change_state_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "it's not allowed to change state of root volume, uuid:%s",
				 req->target);
	return volume_check_alive(volume, e);
}

int volume_update_check(const struct view *view, const struct request *req, struct error *e)
{
	return volume_check_alive(request_object(view, req), e);
}

/* ---------------------------------------------------------------------- sizes */

int volume_sync_size_check(const struct view *view, const struct request *req, struct error *e)
{
	return volume_check_alive(request_object(view, req), e);
}

int volume_sync_size_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = volume_sync_size(job, job->req->target, e);

	return r < 0 ? r : job_result_inventory(job, KIND_VOLUME, job->req->target, ret_result, e);
}

/* ------------------------------------------------------------------ bandwidth */

int volume_qos_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (object_int(volume, VOLUME_IS_SHAREABLE))
		return error_set(e, EBUSY, "SharedVolume cannot be set bandwidth.");
	return volume_check_alive(volume, e);
}

/* Limits the guest, when one has the volume open. */
static int limit_guest(struct job *job, int64_t bandwidth, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, job->req->target);
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (!vm || (!object_str_is(vm, VM_STATE, "Running") && !object_str_is(vm, VM_STATE, "Paused")))
		return 0;
	return hv_disk_set_bandwidth(pool_hypervisor(job->pool), object_text(vm, VM_HOST_UUID),
				     object_uuid(vm), job->req->target, bandwidth, e);
}

static int set_bandwidth(struct job *job, int64_t bandwidth, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, job->req->target);
	int64_t before = volume ? object_int(volume, VOLUME_BANDWIDTH) : 0;
	int r = volume_set_number(job->pool, job->req->target, VOLUME_BANDWIDTH, bandwidth, e);

	if (r < 0)
		return r;
	kill_point("qos-written");
	r = limit_guest(job, bandwidth, e);
	if (r < 0)
		(void)volume_set_number(job->pool, job->req->target, VOLUME_BANDWIDTH, before, NULL);
	return r;
}

int volume_set_qos_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return set_bandwidth(job, request_int(job->req, "volumeBandwidth", 0), e);
}

int volume_delete_qos_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return set_bandwidth(job, 0, e);
}

/* Both ways lead to what was asked for. */
int volume_qos_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, job->req->target);
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (vm && object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	return job->req->op->run(job, ret_result, e);
}

int volume_qos_get(struct pool *pool, const struct view *view, const struct request *req, json_t **ret_result,
		   struct error *e)
{
	const struct object *volume = request_object(view, req);
	int64_t bandwidth = object_int(volume, VOLUME_BANDWIDTH);

	(void)pool;
	*ret_result = json_pack("{s:s, s:I}", "volumeUuid", req->target, "volumeBandwidth",
				(json_int_t)(bandwidth > 0 ? bandwidth : -1));
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}

/* ------------------------------------------------------------------ questions */

int volume_formats_get(struct pool *pool, const struct view *view, const struct request *req,
		       json_t **ret_result, struct error *e)
{
	static const char *const formats[] = {"qcow2", "raw"};
	json_t *list = json_array();

	(void)pool;
	(void)view;
	(void)req;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:[s, s]}", "format", formats[i],
							    "masterHypervisorType", "KVM",
							    "supportingHypervisorTypes", "KVM", "Simulator"));
	(void)json_array_append_new(list,
				    json_pack("{s:s, s:[]}", "format", "iso", "supportingHypervisorTypes"));
	*ret_result = json_pack("{s:o}", "formats", list);
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}

int volume_capabilities_get(struct pool *pool, const struct view *view, const struct request *req,
			    json_t **ret_result, struct error *e)
{
	const struct object *volume = request_object(view, req);
	const struct object *ps =
		view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID));

	(void)pool;
	if (!ps || !object_str_is(volume, VOLUME_STATUS, "Ready"))
		*ret_result = json_pack("{s:{}}", "capabilities");
	else
		*ret_result = json_pack("{s:{s:b, s:b}}", "capabilities", "MigrationInCurrentPrimaryStorage",
					primary_storage_is_local(ps), "MigrationToOtherPrimaryStorage", 0);
	return *ret_result ? 0 : error_set(e, ENOMEM, "out of memory");
}
