/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateVmInstance (behaviour.md 4.1.1): its checks, the row, and the rollback.
 * Volumes, NICs and the first start are in vm/first_start.c.
 *
 * The row is written first, in the commit in which the job begins (state Created,
 * or Starting with all that the VM shall have; with the request stored in it), and
 * removed last when the creation fails: so after a kill at any moment the
 * recovery finds what to roll back.
 */
#include <string.h>

#include "actions/account/quota.h"
#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/topology.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/vm/affinity.h"
#include "actions/vm/creation_size.h"
#include "actions/vm/disks.h"
#include "actions/vm/first_start.h"
#include "actions/vm/nic.h"
#include "actions/vm/power.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "actions/vm/tag_rules.h"
#include "model/json.h"
#include "model/states.h"

/* ----------------------------------------------------------------- checks */

static int check_offering(const struct view *view, const struct request *req, struct error *e)
{
	const char *uuid = request_str(req, "instanceOfferingUuid");
	const struct object *o = view_get(view, KIND_INSTANCE_OFFERING, uuid);

	if (!o)
		return 0; /* creation_check_sizes() */
	if (!object_str_is(o, INSTANCE_OFFERING_STATE, STATE_ENABLED))
		return error_set(e, EBUSY, "instance offering[uuid:%s] is Disabled, can't create vm from it",
				 uuid);
	if (!object_str_is(o, INSTANCE_OFFERING_TYPE, "UserVm"))
		return error_set(
			e, EBUSY,
			"instance offering[uuid:%s, type:%s] is not UserVm type, can't create vm from it",
			uuid, object_text(o, INSTANCE_OFFERING_TYPE));
	return 0;
}

/* Appliances are VMs of the management itself. Here it runs in none. */
static int check_type(const struct view *view, const struct request *req, struct error *e)
{
	const char *type = request_str(req, "type");

	(void)view;
	return type && strcmp(type, "UserVm") != 0
		       ? error_set(e, EINVAL, "VMs of type[%s] cannot be created, the type must be UserVm",
				   type)
		       : 0;
}

static int check_image(const struct view *view, const struct request *req, struct error *e)
{
	const char *uuid = request_str(req, "imageUuid");
	const struct object *image = view_get(view, KIND_IMAGE, uuid);
	const char *media = object_text(image, IMAGE_MEDIA_TYPE);
	bool iso = strcmp(media, "ISO") == 0;

	if (!object_str_is(image, IMAGE_STATE, STATE_ENABLED))
		return error_set(e, EBUSY, "image[uuid:%s] is Disabled, can't create vm from it", uuid);
	if (object_str_is(image, IMAGE_STATUS, STATUS_DELETED))
		return error_set(e, EBUSY, "the image[uuid:%s, name:%s] is deleted on all backup storage",
				 uuid, object_name(image));
	if (!object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return error_set(e, EBUSY, "image[uuid:%s] is not Ready, it's %s", uuid,
				 object_text(image, IMAGE_STATUS));
	if (!iso && strcmp(media, "RootVolumeTemplate") != 0)
		return error_set(
			e, EINVAL,
			"image[uuid:%s] is of mediaType: %s, only RootVolumeTemplate and ISO can be used to create vm",
			uuid, media);
	if (object_int(image, IMAGE_SYSTEM))
		return error_set(e, EINVAL, "image[uuid:%s] is system image, can't be used to create user vm",
				 uuid);
	return creation_check_sizes(view, req, image, e);
}

static int check_disk_offering(const struct view *view, const char *uuid, struct error *e)
{
	if (uuid &&
	    !object_str_is(view_get(view, KIND_DISK_OFFERING, uuid), DISK_OFFERING_STATE, STATE_ENABLED))
		return error_set(e, EBUSY,
				 "disk offerings[uuids:[%s]] are Disabled, can not create vm from it", uuid);
	return 0;
}

static int check_disk_offerings(const struct view *view, const struct request *req, struct error *e)
{
	const json_t *data = request_list(req, "dataDiskOfferingUuids");
	int64_t most = config_int(view, "kvm.dataVolume.maxNum");
	int r = check_disk_offering(view, request_str(req, "rootDiskOfferingUuid"), e);
	size_t i;
	json_t *uuid;

	if (r < 0)
		return r;
	if ((int64_t)creation_data_count(req) > most)
		return error_set(e, EINVAL, "a VM can have at most %lld data volumes, not %zu",
				 (long long)most, creation_data_count(req));
	json_array_foreach (data, i, uuid) {
		r = check_disk_offering(view, json_string_value(uuid), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_networks(const struct view *view, const struct request *req, struct error *e)
{
	const json_t *list = request_list(req, "l3NetworkUuids");
	const char *chosen = request_str(req, "defaultL3NetworkUuid");
	bool found = false;
	size_t i, k;
	json_t *item, *other;

	json_array_foreach (list, i, item) {
		const char *uuid = json_string_value(item);
		const struct object *l3 = view_get(view, KIND_L3_NETWORK, uuid);

		json_array_foreach (list, k, other) {
			if (k < i && json_equal(item, other))
				return error_set(e, EBUSY, "Can't add same uuid in the l3Network,uuid: %s",
						 uuid);
		}
		if (!object_str_is(l3, L3_STATE, STATE_ENABLED))
			return error_set(e, EBUSY, "l3Network[uuid:%s] is Disabled, can not create vm on it",
					 uuid);
		if (object_int(l3, L3_SYSTEM))
			return error_set(e, EBUSY,
					 "l3Network[uuid:%s] is system network, can not create user vm on it",
					 uuid);
		found = found || (chosen && strcmp(chosen, uuid) == 0);
	}
	if (json_array_size(list) > VM_NICS_MAX)
		return error_set(e, EINVAL, "a VM can have at most %d NICs, not %zu", VM_NICS_MAX,
				 json_array_size(list));
	return chosen && !found ? error_set(e, EINVAL,
					    "defaultL3NetworkUuid[uuid:%s] is not in l3NetworkUuids", chosen)
				: 0;
}

static int check_place(const struct view *view, const struct request *req, struct error *e)
{
	static const struct {
		const char *param, *noun;
		enum kind_id kind;
		int state_field;
	} places[] = {
		{"zoneUuid", "zone", KIND_ZONE, ZONE_STATE},
		{"clusterUuid", "cluster", KIND_CLUSTER, CLUSTER_STATE},
		{"hostUuid", "host", KIND_HOST, HOST_STATE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *uuid = request_str(req, places[i].param);
		const struct object *o = view_get(view, places[i].kind, uuid);

		if (!uuid)
			continue;
		if (!object_str_is(o, places[i].state_field, STATE_ENABLED))
			return error_set(e, EBUSY,
					 "%s[uuid:%s] is specified but it's %s, can not create vm from it",
					 places[i].noun, uuid, object_text(o, places[i].state_field));
		if (places[i].kind == KIND_HOST && !host_can_serve(o, req, e))
			return error_set(
				e, EBUSY,
				"host[uuid:%s] is specified but it's connection status is %s, can not create vm from it",
				uuid, object_text(o, HOST_STATUS));
	}
	return 0;
}

/* The addresses that the request asks for are free. */
static int check_static_ips(const struct view *view, const struct request *req, struct error *e)
{
	size_t i;
	json_t *tag;

	json_array_foreach (req->system_tags, i, tag) {
		const char *value = tag_strip_prefix(json_string_value(tag), "staticIp");
		const char *ip = value ? tag_parse(value).value : NULL;

		if (!ip)
			continue;
		view_for_each_where (nic, view, KIND_NIC, NIC_IP, ip)
			if (strcmp(object_text(nic, NIC_L3_UUID), tag_parse(value).prefix) == 0)
				return error_set(e, EBUSY,
						 "IP[%s] is not available on the L3 network[uuid:%s]", ip,
						 object_text(nic, NIC_L3_UUID));
	}
	return 0;
}

/* The job would be refused as well, but later. */
static int check_quotas(const struct view *view, const struct request *req, struct error *e)
{
	const struct vm_size size = creation_vm_size(view, req);
	const char *strategy = request_str(req, "strategy");
	bool starts = !strategy || strcmp(strategy, "JustCreate") != 0;
	const struct {
		const char *name;
		int64_t more;
	} asked[] = {
		{"vm.totalNum", 1},
		{"vm.num", starts},
		{"vm.cpuNum", starts ? size.cpus : 0},
		{"vm.memorySize", starts ? size.memory : 0},
		{"volume.data.num", (int64_t)creation_data_count(req)},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(asked); i++)
		r = quota_check(view, req->actor.account, req->actor.account, asked[i].name, asked[i].more,
				e);
	return r;
}

static int vm_create_check(const struct view *view, const struct request *req, struct error *e)
{
	static op_check_fn *const checks[] = {
		check_type,   check_offering,	    vm_check_custom_macs,
		check_image,  check_disk_offerings, check_networks,
		check_place,  check_static_ips,	    affinity_check_creation,
		check_quotas,
	};
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (view_get(view, KIND_VM, req->target))
		return 0; /* after a restart, the row is that of the job itself */
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		r = checks[i](view, req, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --------------------------------------------------------------------- row */

/* The zone of the given host or cluster, else the given zone, else that of the first network. */
static const char *zone_of(const struct view *view, const struct request *req)
{
	const struct object *host = view_get(view, KIND_HOST, request_str(req, "hostUuid"));
	const struct object *cluster = view_get(view, KIND_CLUSTER, request_str(req, "clusterUuid"));
	const char *l3 = json_string_value(json_array_get(request_list(req, "l3NetworkUuids"), 0));

	if (host)
		return object_str(host, HOST_ZONE_UUID);
	if (cluster)
		return object_str(cluster, CLUSTER_ZONE_UUID);
	if (request_has(req, "zoneUuid"))
		return request_str(req, "zoneUuid");
	return object_str(view_get(view, KIND_L3_NETWORK, l3), L3_ZONE_UUID);
}

/* Whether the request has a tag with the same prefix: "bootMode::Legacy" overrules "bootMode::UEFI". */
static bool is_overruled(const struct request *req, const char *tag)
{
	return request_tag(req, tag_parse(tag).prefix) != NULL;
}

/* Copies the tags of @from (the offering, if there is one, or the image) to the VM, except those that the request overrules. */
static int inherit_tags(struct txn *t, const struct request *req, const char *from, struct error *e)
{
	const struct object *row;
	int64_t after = 0;

	while (from &&
	       (row = view_next_where(txn_view(t), KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID, from, after))) {
		_cleanup_free_ char *tag = NULL;
		int r;

		after = row->id;
		if (is_overruled(req, object_text(row, SYSTEM_TAG_TAG)))
			continue;
		tag = strdup(object_text(row, SYSTEM_TAG_TAG));
		if (!tag)
			return error_oom(e);
		r = object_add_system_tag(t, KIND_VM, req->target, tag, false, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The tags of the request and those that the VM inherits. */
static int put_tags(struct txn *t, const struct request *req, struct error *e)
{
	int r = object_put_tags(t, req, KIND_VM, req->target, e);

	if (r < 0)
		return r;
	r = inherit_tags(t, req, request_str(req, "instanceOfferingUuid"), e);
	return r < 0 ? r : inherit_tags(t, req, request_str(req, "imageUuid"), e);
}

static int put_row(struct txn *t, const struct request *req, struct error *e)
{
	const struct view *view = txn_view(t);
	const struct object *offering =
		view_get(view, KIND_INSTANCE_OFFERING, request_str(req, "instanceOfferingUuid"));
	const struct object *image = view_get(view, KIND_IMAGE, request_str(req, "imageUuid"));
	const char *l3 = request_str(req, "defaultL3NetworkUuid");
	const struct vm_size size = creation_vm_size(view, req);
	_cleanup_free_ char *stored = request_text(req, false);
	struct object *vm;
	int r;

	if (!stored)
		return error_oom(e);
	if (!image || (request_has(req, "instanceOfferingUuid") && !offering))
		return error_set(e, ENOENT, "the image or the offering is gone");
	r = object_from_request(view, KIND_VM, req, &vm, e);
	if (r < 0)
		return r;
	if (!l3)
		l3 = json_string_value(json_array_get(request_list(req, "l3NetworkUuids"), 0));
	object_set_str(vm, VM_ZONE_UUID, zone_of(view, req));
	object_set_str(vm, VM_IMAGE_UUID, object_uuid(image));
	object_set_str(vm, VM_INSTANCE_OFFERING_UUID, offering ? object_uuid(offering) : NULL);
	object_set_str(vm, VM_PLATFORM, object_str(image, IMAGE_PLATFORM));
	object_set_str(vm, VM_DEFAULT_L3_UUID, l3);
	object_set_str(vm, VM_TYPE, "UserVm");
	object_set_str(vm, VM_HYPERVISOR_TYPE, "KVM");
	object_set_str(vm, VM_MACHINE_TYPE, config_str(view, "vm.machineType"));
	object_set_int(vm, VM_MEMORY_SIZE, size.memory);
	object_set_int(vm, VM_CPU_NUM, size.cpus);
	object_set_int(vm, VM_CPU_SPEED, offering ? object_int(offering, INSTANCE_OFFERING_CPU_SPEED) : 0);
	object_set_str(vm, VM_ALLOCATOR_STRATEGY,
		       offering ? object_str(offering, INSTANCE_OFFERING_ALLOCATOR_STRATEGY)
				: HOST_STRATEGY_DEFAULT);
	object_set_str(vm, VM_STATE, vm_state_name(VM_STATE_CREATED));
	object_set_str(vm, VM_CREATE_SPEC, stored);
	vm_set_wanted_place(view, vm, req->params);
	r = vm_put_new(t, vm, e);
	if (r < 0)
		return r;
	if (request_tag(req, AFFINITY_TAG)) {
		r = affinity_join(t, request_tag(req, AFFINITY_TAG), req->target, e);
		if (r < 0)
			return r;
	}
	return put_tags(t, req, e);
}

/* --------------------------------------------------------------------- run */

static bool is_started(const struct request *req)
{
	return strcmp(request_str(req, "strategy"), "JustCreate") != 0;
}

static bool is_created_stopped(const struct request *req)
{
	return strcmp(request_str(req, "strategy"), "CreateStopped") == 0;
}

static int vm_create_begin(struct txn *t, struct job *job, struct error *e)
{
	int r = put_row(t, job->req, e);

	return r < 0 || !is_started(job->req) ? r : vm_lay_out(t, job, job->req->target, e);
}

static int vm_create_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;

	kill_point("vm-laid-out");
	if (is_started(job->req)) {
		bool stopped = is_created_stopped(job->req);
		int r = vm_first_start(job, uuid, stopped, e);

		if (r == 0 && stopped)
			r = vm_bring_down(job, uuid, 0, e);
		if (r < 0) {
			(void)vm_roll_back(job, uuid);
			return r;
		}
	}
	kill_point("vm-created");
	return job_result_inventory(job, KIND_VM, uuid, ret_result, e);
}

/* Whether the VM had a domain, with all its disks. Only then it is Stopped when its host has none. */
static bool had_domain(struct pool *pool, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);

	return vm && object_str(vm, VM_LAST_HOST_UUID) && vm_has_disks(view, uuid);
}

/* Whether the job had made all before its daemon was killed. */
static bool is_created(struct job *job, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);

	if (!vm || vm_is_in_first_start(view, uuid))
		return false;
	/* such a row may have a host, the one it is to be started on: it knows nothing of the VM */
	if (!is_started(job->req))
		return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_CREATED));
	if (!is_created_stopped(job->req))
		return vm_recover_state(job, uuid, VM_STATE_RUNNING) == 0;
	if (had_domain(job->pool, uuid))
		return vm_recover_state(job, uuid, VM_STATE_STOPPED) == 0;
	/* for the rollback */
	if (object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	return false;
}

/* A VM that its host may have, and does not say, has the uuid of the request: then it cannot be made anew. */
static int vm_create_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;

	if (is_created(job, uuid))
		return job_result_inventory(job, KIND_VM, uuid, ret_result, e);
	if (vm_roll_back(job, uuid))
		return error_undone(e, "the daemon ended while VM '%s' was being created; it was removed",
				    uuid);
	return error_set_code(
		e, EINTR, "SYS.1000",
		"the daemon ended while VM '%s' was being created; it is removed when its host answers",
		uuid);
}

static const struct operation create_vm_instance = {
	.section = "4.1.1",
	.name = "CreateVmInstance",
	.message = "org.zstack.header.vm.APICreateVmInstanceMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/vm-instances", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_NAME,
			{.name = "instanceOfferingUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .unless = "cpuNum",
			 .resource = KIND_INSTANCE_OFFERING},
			{.name = "imageUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .resource = KIND_IMAGE},
			{.name = "l3NetworkUuids",
			 .type = PARAM_LIST,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED | PARAM_NONEMPTY,
			 .resource = KIND_L3_NETWORK},
			{.name = "type",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .values = (const char *const[]){"UserVm", "ApplianceVm", NULL}},
			{.name = "rootDiskOfferingUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .resource = KIND_DISK_OFFERING},
			{.name = "dataDiskOfferingUuids",
			 .type = PARAM_LIST,
			 .in = IN_BODY,
			 .resource = KIND_DISK_OFFERING},
			{.name = "zoneUuid", .type = PARAM_STRING, .in = IN_BODY, .resource = KIND_ZONE},
			{.name = "clusterUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .resource = KIND_CLUSTER},
			{.name = "hostUuid", .type = PARAM_STRING, .in = IN_BODY, .resource = KIND_HOST},
			{.name = "primaryStorageUuidForRootVolume",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .resource = KIND_PRIMARY_STORAGE},
			P_DESCRIPTION,
			{.name = "defaultL3NetworkUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_MAYBE,
			 .resource = KIND_L3_NETWORK},
			{.name = "strategy",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .values = (const char *const[]){"InstantStart", "JustCreate", "CreateStopped", NULL},
			 .default_value = "InstantStart"},
			P_RESOURCE_UUID,
			{.name = "cpuNum", .type = PARAM_INT, .in = IN_BODY, .max = 1024},
			{.name = "memorySize", .type = PARAM_LONG, .in = IN_BODY, .max = INT64_MAX},
			{.name = "rootDiskSize", .type = PARAM_LONG, .in = IN_BODY, .max = INT64_MAX},
			{.name = "dataDiskSizes", .type = PARAM_LIST, .in = IN_BODY},
			{0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_VM,
	.where = "vm-instances",
	.error_code = "SYS.1006",
	.help = "creates a VM from an image and an instance offering, or cpuNum and memorySize (bytes)",
	.check = vm_create_check,
	.begin = vm_create_begin,
	.run = vm_create_run,
	.recover = vm_create_recover,
	.deadline_s = 3600,
};

static const struct operation query_vm_instance = {
	.section = "4.1.5",
	.name = "QueryVmInstance",
	.message = "org.zstack.header.vm.APIQueryVmInstanceMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances", "/vm-instances/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_VM,
	.flags = OP_SYNC,
	.help = "lists VMs",
};

const struct operation *const operations_vm_create[] = {
	&create_vm_instance,
	&query_vm_instance,
	NULL,
};
