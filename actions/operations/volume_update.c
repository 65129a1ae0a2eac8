/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State, name, sizes, bandwidth, formats and capabilities of volumes (behaviour.md
 * 4.2.5, 4.2.9-4.2.11, 4.2.14-17).
 *
 * A bandwidth limit is written to the row first and then set in the guest. When
 * that fails the former limit is restored in the row; the recovery repeats the operation.
 */
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/storage/primary_storage.h"
#include "actions/volume/size.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk.h"
#include "model/json.h"
#include "model/states.h"

/* ---------------------------------------------------------------- state, name */

static int volume_change_state_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (object_str_is(volume, VOLUME_TYPE, "Root"))
		return error_set(e, EBUSY, "it's not allowed to change state of root volume, uuid:%s",
				 req->target);
	return volume_check_alive(volume, e);
}

static int volume_update_check(const struct view *view, const struct request *req, struct error *e)
{
	return volume_check_alive(request_object(view, req), e);
}

/* ---------------------------------------------------------------------- sizes */

static int volume_sync_size_check(const struct view *view, const struct request *req, struct error *e)
{
	return volume_check_alive(request_object(view, req), e);
}

static int volume_sync_size_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = volume_sync_size(job->pool, job->req->target, e);

	kill_point("volume-measured");
	return r < 0 ? r : job_result_inventory(job, KIND_VOLUME, job->req->target, ret_result, e);
}

/* Measuring can be repeated, once a host of the storage answers. */
static int volume_sync_size_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, job->req->target);

	if (volume)
		host_wait_for_storage(job, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID),
				      object_str(volume, VOLUME_HOST_UUID));
	return volume_sync_size_run(job, ret_result, e);
}

/* ------------------------------------------------------------------ bandwidth */

static int volume_qos_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *volume = request_object(view, req);

	if (object_int(volume, VOLUME_IS_SHAREABLE))
		return error_set(e, EBUSY, "SharedVolume cannot be set bandwidth.");
	return volume_check_alive(volume, e);
}

/* Sets the limit in the guest, if an active one has the volume. */
static int limit_guest(struct job *job, int64_t bandwidth, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, job->req->target);
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (!vm || !volume_vm_is_active(vm))
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

static int volume_set_qos_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return set_bandwidth(job, request_int(job->req, "volumeBandwidth", 0), e);
}

static int volume_delete_qos_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return set_bandwidth(job, 0, e);
}

/* Setting and removing a limit can be repeated. */
static int volume_qos_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, job->req->target);
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;

	if (vm && object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	return job->req->op->run(job, ret_result, e);
}

static int volume_qos_get(struct pool *pool, const struct view *view, const struct request *req,
			  json_t **ret_result, struct error *e)
{
	const struct object *volume = request_object(view, req);
	int64_t bandwidth = object_int(volume, VOLUME_BANDWIDTH);

	(void)pool;
	*ret_result = json_pack("{s:s, s:I}", "volumeUuid", req->target, "volumeBandwidth",
				(json_int_t)(bandwidth > 0 ? bandwidth : -1));
	return *ret_result ? 0 : error_oom(e);
}

/* ------------------------------------------------------------------ questions */

static int volume_formats_get(struct pool *pool, const struct view *view, const struct request *req,
			      json_t **ret_result, struct error *e)
{
	static const char *const formats[] = {"qcow2", "raw"};
	json_t *list = json_array();

	(void)pool;
	(void)view;
	(void)req;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		json_add_item(&list,
			      json_pack("{s:s, s:s, s:[s, s]}", "format", formats[i], "masterHypervisorType",
					"KVM", "supportingHypervisorTypes", "KVM", "Simulator"));
	json_add_item(&list, json_pack("{s:s, s:s, s:[s, s]}", "format", "iso", "masterHypervisorType", "KVM",
				       "supportingHypervisorTypes", "KVM", "Simulator"));
	*ret_result = json_pack("{s:o}", "formats", list);
	return *ret_result ? 0 : error_oom(e);
}

static int volume_capabilities_get(struct pool *pool, const struct view *view, const struct request *req,
				   json_t **ret_result, struct error *e)
{
	const struct object *volume = request_object(view, req);
	const struct object *ps =
		view_get(view, KIND_PRIMARY_STORAGE, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID));

	(void)pool;
	if (!ps || !object_str_is(volume, VOLUME_STATUS, STATUS_READY))
		*ret_result = json_pack("{s:{}}", "capabilities");
	else
		*ret_result = json_pack("{s:{s:b, s:b}}", "capabilities", "MigrationInCurrentPrimaryStorage",
					false, "MigrationToOtherPrimaryStorage", 0);
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation change_volume_state = {
	.section = "4.2.5",
	.name = "ChangeVolumeState",
	.message = "org.zstack.header.volume.APIChangeVolumeStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/{uuid}/actions", NULL},
	.key = "changeVolumeState",
	.params = (const struct param[]){P_UUID(KIND_VOLUME), P_STATE_EVENT, {0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "change-state",
	.help = "enables or disables the data volume",
	.allows = volume_change_state_allows,
	.apply = object_change_state_apply,
};

static const struct operation get_volume_format = {
	.section = "4.2.9",
	.name = "GetVolumeFormat",
	.message = "org.zstack.header.volume.APIGetVolumeFormatMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volumes/formats", NULL},
	.results = (const char *const[]){"formats:List", NULL},
	.form = FORM_COLLECTION_GET,
	.kind = KIND_VOLUME,
	.where = "volumes/formats",
	.flags = OP_SYNC,
	.help = "formats that volumes can have",
	.get = volume_formats_get,
};

static const struct operation get_volume_capabilities = {
	.section = "4.2.10",
	.name = "GetVolumeCapabilities",
	.message = "org.zstack.header.volume.APIGetVolumeCapabilitiesMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volumes/{uuid}/capabilities", NULL},
	.params = (const struct param[]){P_UUID(KIND_VOLUME), {0}},
	.results = (const char *const[]){"capabilities:Map", NULL},
	.form = FORM_GET,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.where = "capabilities",
	.flags = OP_SYNC,
	.help = "what can be done with the volume",
	.get = volume_capabilities_get,
};

static const struct operation sync_volume_size = {
	.section = "4.2.11",
	.name = "SyncVolumeSize",
	.message = "org.zstack.header.volume.APISyncVolumeSizeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/{uuid}/actions", NULL},
	.key = "syncVolumeSize",
	.params = (const struct param[]){P_UUID(KIND_VOLUME), {0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "sync-size",
	.help = "updates the sizes of the volume from its storage",
	.check = volume_sync_size_check,
	.queue2 = volume_queue_vm,
	.run = volume_sync_size_run,
	.recover = volume_sync_size_recover,
};

static const struct operation update_volume = {
	.section = "4.2.14",
	.name = "UpdateVolume",
	.message = "org.zstack.header.volume.APIUpdateVolumeMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/{uuid}/actions", NULL},
	.key = "updateVolume",
	.params = (const struct param[]){P_UUID(KIND_VOLUME), P_NEW_NAME, P_DESCRIPTION, {0}},
	.results = (const char *const[]){"inventory:VolumeInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the name or description of the volume",
	.check = volume_update_check,
	.apply = object_update_apply,
};

static const struct operation set_volume_qo_s = {
	.section = "4.2.15",
	.name = "SetVolumeQoS",
	.message = "org.zstack.header.volume.APISetVolumeQoSMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/volumes/{uuid}/actions", NULL},
	.route_aliases = (const char *const[]){"POST /volumes/{uuid}/QoS", "POST /volumes/{uuid}/qos", NULL},
	.key = "setVolumeQos",
	.key_aliases = (const char *const[]){"setVolumeQoS", NULL},
	.params = (const struct param[]){P_UUID(KIND_VOLUME),
					 {.name = "volumeBandwidth",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .min = 1024,
					  .max = INT64_MAX},
					 {0}},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "set-qos",
	.help = "limits the bandwidth of the volume, in byte/s",
	.allows = volume_qos_allows,
	.queue2 = volume_queue_vm,
	.run = volume_set_qos_run,
	.recover = volume_qos_recover,
};

static const struct operation get_volume_qo_s = {
	.section = "4.2.16",
	.name = "GetVolumeQoS",
	.message = "org.zstack.header.volume.APIGetVolumeQoSMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/volumes/{uuid}/qos", NULL},
	.route_aliases = (const char *const[]){"GET /volumes/{uuid}/QoS", NULL},
	.params = (const struct param[]){P_UUID(KIND_VOLUME), {0}},
	.results = (const char *const[]){"volumeBandwidth:long", NULL},
	.own_results = (const char *const[]){"volumeUuid:String", NULL},
	.form = FORM_GET,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.where = "qos",
	.flags = OP_SYNC,
	.help = "bandwidth limit of the volume, in byte/s",
	.get = volume_qos_get,
};

static const struct operation delete_volume_qo_s = {
	.section = "4.2.17",
	.name = "DeleteVolumeQoS",
	.message = "org.zstack.header.volume.APIDeleteVolumeQoSMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/volumes/{uuid}/qos", NULL},
	.route_aliases = (const char *const[]){"DELETE /volumes/{uuid}/QoS", NULL},
	.params = (const struct param[]){P_UUID(KIND_VOLUME), {0}},
	.form = FORM_VERB,
	.kind = KIND_VOLUME,
	.target = "uuid",
	.verb = "delete-qos",
	.help = "removes the bandwidth limit of the volume",
	.allows = volume_qos_allows,
	.queue2 = volume_queue_vm,
	.run = volume_delete_qos_run,
	.recover = volume_qos_recover,
};

const struct operation *const operations_volume_update[] = {
	&change_volume_state, &get_volume_format,  &get_volume_capabilities,
	&sync_volume_size,    &update_volume,	   &set_volume_qo_s,
	&get_volume_qo_s,     &delete_volume_qo_s, NULL,
};
