/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first start of a VM: from its kept request to volumes, NICs and a running
 * domain. CreateVmInstance does it at once, StartVmInstance for a VM that was
 * only created.
 *
 * One change lays everything out (host and storage chosen and promised, rows of
 * volumes and NICs, addresses), so that two creations never want the same thing;
 * then the files are made and the domain started.
 */
#include "actions/vm/first_start.h"

#include <string.h>

#include "actions/image/rules.h"
#include "actions/vm/iso.h"
#include "actions/vm/nic.h"
#include "actions/vm/placement.h"
#include "actions/vm/power.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "actions/volume/file.h"
#include "model/states.h"

struct layout {
	struct job *job;
	struct request *req; /* owned: the creation request, from the VM's row */
	const char *uuid;
	char host[UUID_SIZE];
	json_t *placement; /* owned; how the host was chosen */
};

/* ---------------------------------------------------------------- volumes */

int64_t disk_offering_size(const struct view *view, const char *uuid)
{
	const struct object *o = view_get(view, KIND_DISK_OFFERING, uuid);

	return o ? object_int(o, DISK_OFFERING_DISK_SIZE) : 0;
}

int64_t vm_root_size(const struct view *view, const struct request *req, const struct object *image)
{
	return image_is_iso(image) ? disk_offering_size(view, request_str(req, "rootDiskOfferingUuid"))
				   : object_int(image, IMAGE_SIZE);
}

static int put_volumes(struct txn *t, struct layout *l, const char *root_storage, const struct object *host,
		       struct error *e)
{
	const struct request *req = l->req;
	const struct object *image = view_get(txn_view(t), KIND_IMAGE, request_str(req, "imageUuid"));
	const char *data_storage = request_tag(req, "primaryStorageUuidForDataVolume");
	char uuid[UUID_SIZE], description[64];
	struct new_volume root = {
		.offering = image_is_iso(image) ? request_str(req, "rootDiskOfferingUuid") : NULL,
		.image = object_uuid(image),
		.description = description,
		.size = vm_root_size(txn_view(t), req, image),
		.storage = root_storage,
		.host = object_uuid(host),
	};
	const struct object *vm = view_get(txn_view(t), KIND_VM, l->uuid);
	struct object *changed;
	size_t i;
	json_t *item;
	int r;

	snprintf(description, sizeof(description), "Root volume for VM[uuid:%s]", l->uuid);
	r = volume_put_new(t, vm, &root, uuid, e);
	if (r < 0)
		return r;
	changed = object_copy(view_get(txn_view(t), KIND_VM, l->uuid));
	if (!changed)
		return error_oom(e);
	object_set_str(changed, VM_ROOT_VOLUME_UUID, uuid);
	r = txn_put(t, changed, NULL, e);
	json_array_foreach ((json_t *)(uintptr_t)request_list(req, "dataDiskOfferingUuids"), i, item) {
		struct new_volume data = {
			.offering = json_string_value(item),
			.size = disk_offering_size(txn_view(t), json_string_value(item)),
			.device_id = (int)i + 1,
			.storage = data_storage && *data_storage ? data_storage : root_storage,
			.host = object_uuid(host),
		};

		if (r == 0)
			r = volume_put_new(t, view_get(txn_view(t), KIND_VM, l->uuid), &data, uuid, e);
	}
	return r;
}

/* ------------------------------------------------------------------- NICs */

static int put_nics(struct txn *t, struct layout *l, struct error *e)
{
	size_t i;
	json_t *item;
	int r = 0;

	json_array_foreach ((json_t *)(uintptr_t)request_list(l->req, "l3NetworkUuids"), i, item) {
		char mac_prefix[64], ip_prefix[64], uuid[UUID_SIZE];

		snprintf(mac_prefix, sizeof(mac_prefix), "customMac::%s", json_string_value(item));
		snprintf(ip_prefix, sizeof(ip_prefix), "staticIp::%s", json_string_value(item));
		if (r == 0)
			r = vm_put_nic(t, l->uuid, json_string_value(item), (int)i,
				       request_tag(l->req, mac_prefix), request_tag(l->req, ip_prefix), uuid,
				       e);
	}
	return r;
}

/* ----------------------------------------------------------------- layout */

static int choose(struct txn *t, struct layout *l, const struct object **ret_host,
		  const struct object **ret_ps, struct error *e)
{
	const struct request *req = l->req, *now = l->job->req;
	const struct view *view = txn_view(t);
	const struct object *vm = view_get(view, KIND_VM, l->uuid);
	const struct object *image = view_get(view, KIND_IMAGE, request_str(req, "imageUuid"));
	const json_t *l3s = request_list(req, "l3NetworkUuids"),
		     *data = request_list(req, "dataDiskOfferingUuids");
	const char *networks[VM_NICS_MAX], *start_host = request_str(now, "hostUuid"),
					   *start_cluster = request_str(now, "clusterUuid");
	struct placement want = {
		.vm = l->uuid,
		.zone = object_str(vm, VM_ZONE_UUID),
		.host = start_host ? start_host : request_str(req, "hostUuid"),
		.strategy = object_str(vm, VM_ALLOCATOR_STRATEGY),
		.cpu_num = (int)object_int(vm, VM_CPU_NUM),
		.memory = object_int(vm, VM_MEMORY_SIZE),
		.l3_networks = networks,
		.l3_count = json_array_size(l3s),
		.image = image ? object_uuid(image) : NULL,
		.primary_storage = request_str(req, "primaryStorageUuidForRootVolume"),
		.ret_report = &l->placement,
	};

	if (!image || !object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "image[uuid:%s] is not Ready, it's %s",
				 request_str(req, "imageUuid"),
				 image ? object_text(image, IMAGE_STATUS) : "gone");
	for (size_t i = 0; i < want.l3_count && i < ARRAY_SIZE(networks); i++)
		networks[i] = json_string_value(json_array_get(l3s, i));
	if (!want.host)
		want.cluster = start_cluster ? start_cluster : request_str(req, "clusterUuid");
	if (want.host || want.cluster || request_has(req, "zoneUuid"))
		want.strategy = "DesignatedHostAllocatorStrategy";
	want.storage_needed = vm_root_size(view, req, image);
	for (size_t i = 0; i < json_array_size(data); i++)
		want.storage_needed += disk_offering_size(view, json_string_value(json_array_get(data, i)));
	return placement_choose(view, &want, ret_host, ret_ps, e);
}

/* `customMac` has done its work once the NIC has the address. */
static int drop_custom_macs(struct txn *t, struct layout *l, struct error *e)
{
	int64_t after = 0;
	int r = 0;

	while (r == 0) {
		const struct object *row = view_next_where(txn_view(t), KIND_SYSTEM_TAG,
							   SYSTEM_TAG_RESOURCE_UUID, l->uuid, after);

		if (!row)
			break;
		after = row->id;
		if (strncmp(object_text(row, SYSTEM_TAG_TAG), "customMac::", 11) == 0)
			r = txn_remove(t, row, e);
	}
	return r;
}

static int layout_fn(struct txn *t, void *arg, struct error *e)
{
	struct layout *l = arg;
	const struct object *host, *ps, *before = view_get(txn_view(t), KIND_VM, l->uuid);
	_cleanup_object_ const struct object *held_host = NULL;
	char storage[UUID_SIZE];
	struct object *vm;
	int r = before ? choose(t, l, &host, &ps, e) : error_gone(e, KIND_VM, l->uuid);

	if (r < 0)
		return r;
	held_host = object_ref(host);
	snprintf(l->host, sizeof(l->host), "%s", object_uuid(host));
	snprintf(storage, sizeof(storage), "%s", object_uuid(ps));
	vm = object_copy(before);
	if (!vm)
		return error_oom(e);
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_STARTING));
	object_set_str(vm, VM_HOST_UUID, l->host);
	object_set_str(vm, VM_CLUSTER_UUID, object_str(host, HOST_CLUSTER_UUID));
	object_set_str(vm, VM_HYPERVISOR_TYPE, object_str(host, HOST_HYPERVISOR_TYPE));
	vm_set_placement(vm, l->placement);
	r = vm_write(t, before, vm, e);
	if (r == 0)
		r = put_volumes(t, l, storage, held_host, e);
	if (r == 0)
		r = put_nics(t, l, e);
	if (r == 0 && image_is_iso(view_get(txn_view(t), KIND_IMAGE, request_str(l->req, "imageUuid"))))
		r = vm_put_iso(t, l->uuid, request_str(l->req, "imageUuid"), e);
	if (r == 0)
		r = drop_custom_macs(t, l, e);
	return r;
}

/* ------------------------------------------------------------------- files */

static int vm_instantiate_volumes(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	int r = vm ? 0 : error_gone(e, KIND_VM, uuid);

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, uuid) {
		if (r == 0 && !object_str_is(volume, VOLUME_STATUS, STATUS_READY))
			r = job_should_stop(job)
				    ? job_stop_reason(job, e)
				    : volume_make_file(job, volume, object_text(vm, VM_HOST_UUID), e);
	}
	return r;
}

/* ------------------------------------------------------------------- whole */

static struct request *kept_request(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	json_t *json = vm ? json_loads(object_text(vm, VM_CREATE_SPEC), 0, NULL) : NULL;
	struct request *req = NULL;

	if (!json)
		error_set(e, EPROTO, "VM '%s' has no creation request", uuid);
	else
		(void)request_from_json(json, &req, e);
	json_decref(json);
	return req;
}

int vm_first_start(struct job *job, const char *uuid, bool paused, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = kept_request(job->pool, uuid, e);
	struct layout l = {.job = job, .req = req, .uuid = uuid};
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int r;

	if (!req)
		return -EPROTO;
	r = store_run(pool_store(job->pool), layout_fn, &l, e);
	if (r < 0)
		vm_note_placement(job->pool, uuid, l.placement);
	json_decref(l.placement);
	if (r < 0)
		return r;
	r = vm_instantiate_volumes(job, uuid, e);
	if (r == 0)
		r = vm_power_on(job, uuid, l.host, NULL, VM_STATE_CREATED, paused, e);
	if (r < 0)
		(void)vm_tear_down(job->pool, uuid, VM_STATE_CREATED, &ignored);
	return r;
}
