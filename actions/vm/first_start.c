/* SPDX-License-Identifier: Apache-2.0 */
/* See first_start.h. */
#include "actions/vm/first_start.h"

#include <string.h>

#include "actions/engine/tags.h"
#include "actions/image/rules.h"
#include "actions/vm/creation_size.h"
#include "actions/vm/iso.h"
#include "actions/vm/nic.h"
#include "actions/vm/power.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "actions/volume/file.h"
#include "actions/volume/location.h"
#include "model/json.h"
#include "model/states.h"
#include "model/uuid.h"

struct layout {
	struct job *job;
	const struct request *req; /* the creation request, from the VM's row */
	const char *uuid;
	char host[UUID_SIZE], root[UUID_SIZE]; /* root: the volume */
	json_t *placement;		       /* owned; how the host was chosen */
	struct host_loads loads;
};

/* ---------------------------------------------------------------- volumes */

int vm_place_disks(const struct view *view, const struct request *req, const struct object *image,
		   struct placement *want, struct new_disk **ret_disks, struct error *e)
{
	const struct disk_wish root = creation_root_disk(view, req, image);
	size_t count = creation_data_count(req);
	struct new_disk *disks = calloc(count + 1, sizeof(*disks));

	if (!disks)
		return error_oom(e);
	for (size_t i = 0; i < count; i++) {
		const struct disk_wish disk = creation_data_disk(view, req, i);

		disks[i] = (struct new_disk){disk.size, storage_strategy_of(view, disk.offering)};
	}
	want->storage_needed = root.size;
	want->root_strategy = storage_strategy_of(view, root.offering);
	want->data = *ret_disks = disks;
	want->data_count = count;
	want->data_storage = request_tag(req, DATA_STORAGE_TAG);
	return 0;
}

static int put_root_volume(struct txn *t, struct layout *l, const char *storage, const char *host,
			   struct error *e)
{
	const struct request *req = l->req;
	const struct object *image = view_get(txn_view(t), KIND_IMAGE, request_str(req, "imageUuid"));
	const struct disk_wish disk = creation_root_disk(txn_view(t), req, image);
	char description[64];
	struct new_volume root = {
		.uuid = l->root,
		.offering = disk.offering,
		.image = object_uuid(image),
		.description = description,
		.size = disk.size,
		.storage = storage,
		.host = host,
	};

	snprintf(description, sizeof(description), "Root volume for VM[uuid:%s]", l->uuid);
	return volume_put_new(t, view_get(txn_view(t), KIND_VM, l->uuid), &root, NULL, e);
}

static int put_data_volumes(struct txn *t, struct layout *l, struct error *e)
{
	const char *storage = request_tag(l->req, DATA_STORAGE_TAG);

	for (size_t i = 0; i < creation_data_count(l->req); i++) {
		const struct disk_wish disk = creation_data_disk(txn_view(t), l->req, i);
		struct new_volume data = {
			.offering = disk.offering,
			.size = disk.size,
			.device_id = (int)i + 1,
			.host = l->host,
		};
		const struct storage_wish wish = {
			.storage = storage,
			.strategy = storage_strategy_of(txn_view(t), data.offering),
			.size = data.size,
		};
		const struct object *vm = view_get(txn_view(t), KIND_VM, l->uuid), *ps, *host;
		int r = volume_choose_storage(txn_view(t), vm, &wish, l->host, &ps, &host, e);

		if (r < 0)
			return r;
		data.storage = object_uuid(ps);
		r = volume_put_new(t, vm, &data, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------------- NICs */

static int put_nics(struct txn *t, struct layout *l, struct error *e)
{
	size_t i;
	json_t *item;

	json_array_foreach (request_list(l->req, "l3NetworkUuids"), i, item) {
		const char *l3 = json_string_value(item);
		char mac_prefix[64], ip_prefix[64];
		int r;

		snprintf(mac_prefix, sizeof(mac_prefix), "customMac::%s", l3);
		snprintf(ip_prefix, sizeof(ip_prefix), "staticIp::%s", l3);
		r = vm_put_nic(t, l->uuid, l3, (int)i, request_tag(l->req, mac_prefix),
			       request_tag(l->req, ip_prefix), NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ----------------------------------------------------------------- layout */

static int choose(struct txn *t, struct layout *l, const struct object **ret_host,
		  const struct object **ret_ps, struct error *e)
{
	const struct request *req = l->req, *now = l->job->req;
	const struct view *view = txn_view(t);
	const struct object *vm = view_get(view, KIND_VM, l->uuid);
	const struct object *image = view_get(view, KIND_IMAGE, request_str(req, "imageUuid"));
	const json_t *l3s = request_list(req, "l3NetworkUuids");
	_cleanup_free_ struct new_disk *disks = NULL;
	const char *networks[VM_NICS_MAX];
	const char *start_host = request_str(now, "hostUuid");
	const char *start_cluster = request_str(now, "clusterUuid");
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
		.loads = &l->loads,
		.ret_report = &l->placement,
	};
	int r;

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
	r = vm_place_disks(view, req, image, &want, &disks, e);
	return r < 0 ? r : placement_choose(view, &want, ret_host, ret_ps, e);
}

/* A tag `customMac` is of no use once the NIC has the address. */
static int remove_custom_macs(struct txn *t, struct layout *l, struct error *e)
{
	const struct object *row;
	int64_t after = 0;

	while ((row = view_next_where(txn_view(t), KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, l->uuid,
				      after))) {
		int r;

		after = row->id;
		if (!tag_strip_prefix(object_text(row, SYSTEM_TAG_TAG), "customMac"))
			continue;
		r = txn_remove(t, row, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The rows of what the VM shall have, on the host and the storage that were chosen. */
static int put_devices(struct txn *t, struct layout *l, const char *storage, struct error *e)
{
	const char *image = request_str(l->req, "imageUuid");
	int r = put_root_volume(t, l, storage, l->host, e);

	if (r < 0)
		return r;
	r = put_data_volumes(t, l, e);
	if (r < 0)
		return r;
	r = put_nics(t, l, e);
	if (r < 0)
		return r;
	if (image_is_iso(view_get(txn_view(t), KIND_IMAGE, image))) {
		r = vm_put_iso(t, l->uuid, image, e);
		if (r < 0)
			return r;
	}
	return remove_custom_macs(t, l, e);
}

static int layout_fn(struct txn *t, void *arg, struct error *e)
{
	struct layout *l = arg;
	const struct object *host, *ps, *before = view_get(txn_view(t), KIND_VM, l->uuid);
	char storage[UUID_SIZE];
	struct object *vm;
	int r;

	if (!before)
		return error_gone(e, KIND_VM, l->uuid);
	json_decref(steal(&l->placement)); /* of the last try */
	r = choose(t, l, &host, &ps, e);
	if (r < 0)
		return r;
	snprintf(l->host, sizeof(l->host), "%s", object_uuid(host));
	snprintf(storage, sizeof(storage), "%s", object_uuid(ps));
	vm = object_copy(before);
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_STARTING));
	object_set_str(vm, VM_HOST_UUID, l->host);
	object_set_str(vm, VM_CLUSTER_UUID, object_str(host, HOST_CLUSTER_UUID));
	object_set_str(vm, VM_HYPERVISOR_TYPE, object_str(host, HOST_HYPERVISOR_TYPE));
	uuid_make(l->root);
	object_set_str(vm, VM_ROOT_VOLUME_UUID, l->root);
	vm_set_placement(vm, l->placement);
	r = vm_write(t, before, vm, e);
	return r < 0 ? r : put_devices(t, l, storage, e);
}

/* ------------------------------------------------------------------- files */

static int make_volume_files(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);

	if (!vm)
		return error_gone(e, KIND_VM, uuid);
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, uuid) {
		int r;

		if (object_str_is(volume, VOLUME_STATUS, STATUS_READY))
			continue;
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		r = volume_make_file(job, volume, object_text(vm, VM_HOST_UUID), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------------- start */

/* The creation request in the VM's row; NULL with the reason in @e. */
static struct request *stored_request(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	_cleanup_json_ json_t *json = NULL;
	struct request *req = NULL;

	if (vm && object_read_json(vm, VM_CREATE_SPEC, &json, e) < 0)
		return NULL;
	if (!json)
		(void)error_set(e, EPROTO, "VM '%s' has no creation request", uuid);
	else
		(void)request_from_json(json, &req, e);
	return req;
}

/* In a change of its own, after what the hosts say. */
static int lay_out(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_(request_free_p) struct request *req = stored_request(job->pool, uuid, e);
	struct layout l = {.job = job, .req = req, .uuid = uuid};
	int r;

	if (!req)
		return -EPROTO;
	vm_measure_loads(job->pool, uuid, &l.loads);
	r = job_choose(job, layout_fn, &l, e);
	host_loads_done(&l.loads);
	if (r < 0)
		vm_note_placement(job->pool, uuid, l.placement);
	json_decref(l.placement);
	return r;
}

int vm_lay_out(struct txn *t, struct job *job, const char *uuid, struct error *e)
{
	struct layout l = {.job = job, .req = job->req, .uuid = uuid};
	const struct object *vm = view_get(txn_view(t), KIND_VM, uuid);
	int r;

	if (vm && placement_goes_by_load(object_str(vm, VM_ALLOCATOR_STRATEGY)))
		return 0;
	r = layout_fn(t, &l, e);
	json_decref(l.placement);
	return r;
}

int vm_first_start(struct job *job, const char *uuid, bool paused, struct error *e)
{
	_cleanup_object_ const struct object *vm = vm_now(job->pool, uuid);
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	int r = 0;

	if (!vm || object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_CREATED))) {
		r = lay_out(job, uuid, e);
		object_unref(vm);
		vm = vm_now(job->pool, uuid);
	}
	if (r < 0)
		return r;
	if (!vm)
		return error_gone(e, KIND_VM, uuid);
	r = make_volume_files(job, uuid, e);
	if (r == 0)
		r = vm_power_on(job, uuid, object_text(vm, VM_HOST_UUID), NULL, VM_STATE_CREATED, paused, e);
	if (r < 0)
		(void)vm_tear_down(job->pool, uuid, VM_STATE_CREATED, &ignored);
	return r;
}
