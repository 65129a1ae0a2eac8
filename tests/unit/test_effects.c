/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What settings, system tags and parameters do, seen from outside of the pool: in the domain that libvirt's test
 * driver has (its connections to test:///default share one host per process), or in the rows of other objects.
 */
#include "tests/unit/pool_fixture.h"

#include <libvirt/libvirt.h>

#include "actions/engine/tags.h"
#include "actions/engine/access.h"
#include "actions/host/capacity.h"
#include "actions/vm/describe.h"
#include "actions/vm/machine.h"
#include "hypervisor/xml.h"
#include "model/json.h"

struct world {
	struct pool_fixture *f;
	char image[UUID_SIZE], offering[UUID_SIZE], l3[UUID_SIZE], disk[UUID_SIZE];
};

static void build(struct pool_fixture *f, struct world *w)
{
	w->f = f;
	first_uuid(f, KIND_L3_NETWORK, w->l3);
	add_image(f, "image", "raw", json_pack("{s:s}", "platform", "Linux"), w->image);
	must(f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:i}", "name", "small", "cpuNum", 2, "memorySize", 1 << 27), w->offering);
	must(f, "CreateDiskOffering", NULL, json_pack("{s:s, s:i}", "name", "disk", "diskSize", 1 << 20),
	     w->disk);
}

static void set_tag(struct world *w, const char *type, const char *uuid, const char *tag)
{
	must(w->f, "CreateSystemTag", NULL,
	     json_pack("{s:s, s:s, s:s}", "resourceType", type, "resourceUuid", uuid, "tag", tag), NULL);
}

static void create_stopped(struct world *w, char ret[UUID_SIZE])
{
	create_vm(w->f, "vm", w->image,
		  json_pack("{s:s, s:s}", "instanceOfferingUuid", w->offering, "strategy", "CreateStopped"),
		  ret);
}

/* The string value of an XPath expression in the XML of the VM's domain, which is running. */
static char *domain_value(const char *vm, const char *path)
{
	virConnectPtr conn = virConnectOpen("test:///default");
	virDomainPtr domain;
	xmlDocPtr doc;
	char *xml, *value;

	assert_non_null(conn);
	domain = virDomainLookupByName(conn, vm);
	assert_non_null(domain);
	xml = virDomainGetXMLDesc(domain, 0);
	assert_non_null(xml);
	doc = xml_parse(xml);
	assert_non_null(doc);
	value = xml_get(doc, NULL, path);
	xmlFreeDoc(doc);
	free(xml);
	virDomainFree(domain);
	virConnectClose(conn);
	return value;
}

static void domain_has(const char *vm, const char *path, const char *wanted)
{
	char *value = domain_value(vm, path);

	if (!value || strcmp(value, wanted) != 0)
		fail_msg("%s is '%s', not '%s'", path, value ? value : "", wanted);
	free(value);
}

static void restart(struct world *w, const char *vm)
{
	must(w->f, "StopVmInstance", vm, NULL, NULL);
	must(w->f, "StartVmInstance", vm, NULL, NULL);
}

/* kvm.vm.cacheMode */
static void disks_have_the_cache_mode_of_the_setting(void **state)
{
	static const char cache[] = "/domain/devices/disk[@device='disk']/driver/@cache";
	char vm[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	must(w.f, "StartVmInstance", vm, NULL, NULL);
	domain_has(vm, cache, "none");
	set_config(w.f, "kvm", "vm.cacheMode", "writeback");
	domain_has(vm, cache, "none");
	restart(&w, vm);
	domain_has(vm, cache, "writeback");
	set_config(w.f, "kvm", "vm.cacheMode", "writethrough");
	restart(&w, vm);
	domain_has(vm, cache, "writethrough");
}

/* vmCpuPinning */
static void virtual_cpus_are_pinned(void **state)
{
	char vm[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	set_tag(&w, "VmInstanceVO", vm, "vmCpuPinning::1:3;1-3:4-7,^6");
	must(w.f, "StartVmInstance", vm, NULL, NULL);
	domain_has(vm, "/domain/cputune/vcpupin[last()]/@vcpu", "1"); /* the VM has the CPUs 0 and 1 */
	domain_has(vm, "/domain/cputune/vcpupin[@vcpu='1']/@cpuset", "3-5,7");
	assert_null(domain_value(vm, "/domain/cputune/vcpupin[@vcpu='0']/@cpuset"));
}

/* VDIMonitorNumber, usbRedirect, vmConsoleMode: each shows, or is refused */
static void consoles_have_what_the_tags_say(void **state)
{
	static const char type[] = "/domain/devices/graphics/@type";
	char vm[UUID_SIZE], other[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	must(w.f, "StartVmInstance", vm, NULL, NULL);
	domain_has(vm, type, "vnc");
	must(w.f, "SetVmMonitorNumber", vm, json_pack("{s:i}", "monitorNumber", 2), NULL);
	restart(&w, vm);
	domain_has(vm, type, "spice");
	domain_has(vm, "/domain/devices/video/model/@type", "qxl");
	domain_has(vm, "/domain/devices/video/model/@heads", "2");
	must_fail(w.f, "CreateSystemTag", NULL,
		  json_pack("{s:s, s:s, s:s}", "resourceType", "VmInstanceVO", "resourceUuid", vm, "tag",
			    "vmConsoleMode::vnc"),
		  EINVAL, "several monitors need SPICE");
	must(w.f, "SetVmMonitorNumber", vm, json_pack("{s:i}", "monitorNumber", 1), NULL);
	restart(&w, vm);
	domain_has(vm, type, "vnc");
	set_tag(&w, "VmInstanceVO", vm, "usbRedirect::true");
	restart(&w, vm);
	domain_has(vm, type, "spice");
	domain_has(vm, "/domain/devices/redirdev[4]/@bus", "usb");

	create_stopped(&w, other);
	set_tag(&w, "VmInstanceVO", other, "vmConsoleMode::vnc");
	must_fail(w.f, "SetVmMonitorNumber", other, json_pack("{s:i}", "monitorNumber", 4), EINVAL,
		  "remove it, or make it vmConsoleMode::spice");
	must_fail(w.f, "SetVmMonitorNumber", other, json_pack("{s:i}", "monitorNumber", 3), EINVAL,
		  "Monitor number must be 1 or 2 or 4.");
}

/* kvm::volume, capability::virtio-scsi */
static void scsi_volumes_have_their_wwn(void **state)
{
	char vm[UUID_SIZE], volume[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	must(w.f, "CreateDataVolume", NULL, json_pack("{s:s, s:s}", "name", "v", "diskOfferingUuid", w.disk),
	     volume);
	set_tag(&w, "VolumeVO", volume, "capability::virtio-scsi");
	set_tag(&w, "VolumeVO", volume, "kvm::volume::000f1b2c3d4e5f60");
	must(w.f, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", vm), NULL);
	must(w.f, "StartVmInstance", vm, NULL, NULL);
	domain_has(vm, "/domain/devices/disk[target/@bus='scsi']/wwn", "000f1b2c3d4e5f60");
}

/* vmUuid of DetachDataVolumeFromVm: a request about one VM takes nothing from another one */
static void detaching_looks_at_the_vm(void **state)
{
	char vm[UUID_SIZE], other[UUID_SIZE], volume[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	create_stopped(&w, other);
	must(w.f, "CreateDataVolume", NULL, json_pack("{s:s, s:s}", "name", "v", "diskOfferingUuid", w.disk),
	     volume);
	must(w.f, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", vm), NULL);
	must_fail(w.f, "DetachDataVolumeFromVm", volume, json_pack("{s:s}", "vmUuid", other), EBUSY,
		  "is not attached to vm");
	assert_true(field_is(w.f, KIND_VOLUME, volume, VOLUME_VM_UUID, vm));
	must(w.f, "DetachDataVolumeFromVm", volume, json_pack("{s:s}", "vmUuid", vm), NULL);
	assert_true(field_is(w.f, KIND_VOLUME, volume, VOLUME_VM_UUID, NULL));
}

/* systemTags and userTags of CreateVolumeSnapshot */
static void snapshots_have_their_tags(void **state)
{
	const struct actor actor = {.source = "fs"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	static const char text[] = "create-snapshot name=s userTags=k=v,w";
	char vm[UUID_SIZE], root[UUID_SIZE], job[UUID_SIZE];
	_cleanup_view_ struct view *view = NULL;
	const struct object *snapshot;
	struct request *req;
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	first_uuid(w.f, KIND_VOLUME, root);
	/* the short form with exactly one tag, which may have a comma in it */
	assert_int_equal(request_parse(NULL, KIND_VOLUME, root, text, strlen(text), &actor, &req, &e), 0);
	assert_int_equal(pool_submit_wait(w.f->pool, req, job, &e), 0);
	assert_int_equal(job_end(w.f, job, &e), 0);
	view = view_now(w.f);
	snapshot = view_next(view, KIND_SNAPSHOT, 0);
	assert_non_null(snapshot);
	assert_non_null(object_find_tag(view, KIND_USER_TAG, object_uuid(snapshot), "k=v,w"));
}

/* memorySize, type of a VM; sortKey of an offering */
static void parameters_are_refused_or_kept(void **state)
{
	_cleanup_view_ struct view *view = NULL;
	char vm[UUID_SIZE], offering[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	must_fail(w.f, "UpdateVmInstance", vm, json_pack("{s:i}", "memorySize", 1), EINVAL, "less than 16M");
	must_fail(w.f, "CreateVmInstance", NULL,
		  json_pack("{s:s, s:s, s:s, s:[s], s:s}", "name", "vm", "imageUuid", w.image,
			    "instanceOfferingUuid", w.offering, "l3NetworkUuids", w.l3, "type",
			    "ApplianceVm"),
		  EINVAL, "type");
	must(w.f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:i, s:i}", "name", "o", "cpuNum", 1, "memorySize", 1 << 27, "sortKey", 7),
	     offering);
	view = view_now(w.f);
	assert_int_equal(
		object_int(view_get(view, KIND_INSTANCE_OFFERING, offering), INSTANCE_OFFERING_SORT_KEY), 7);
}

/* The uuid of a new storage of the first cluster. */
static void add_storage(struct world *w, const char *operation, const char *name, char ret[UUID_SIZE])
{
	char path[128], zone[UUID_SIZE], cluster[UUID_SIZE];

	first_uuid(w->f, KIND_ZONE, zone);
	first_uuid(w->f, KIND_CLUSTER, cluster);
	snprintf(path, sizeof(path), "%s/%s", w->f->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
	must(w->f, operation, NULL, json_pack("{s:s, s:s, s:s}", "name", name, "url", path, "zoneUuid", zone),
	     ret);
	must(w->f, "AttachPrimaryStorageToCluster", ret, json_pack("{s:s}", "clusterUuid", cluster), NULL);
}

static void create_volume(struct world *w, const char *offering, char ret[UUID_SIZE])
{
	must(w->f, "CreateDataVolume", NULL,
	     json_pack("{s:s, s:s}", "name", "v", "diskOfferingUuid", offering), ret);
}

static void storage_of(struct world *w, const char *volume, char ret[UUID_SIZE])
{
	_cleanup_view_ struct view *view = view_now(w->f);

	snprintf(ret, UUID_SIZE, "%s",
		 object_text(view_get(view, KIND_VOLUME, volume), VOLUME_PRIMARY_STORAGE_UUID));
}

/* allocationStrategy of disk offerings, primaryStorageUuidForDataVolume */
static void volumes_are_where_offering_and_tag_say(void **state)
{
	char vm[UUID_SIZE], local[UUID_SIZE], shared[UUID_SIZE], offering[UUID_SIZE], volume[UUID_SIZE],
		found[UUID_SIZE], tag[128];
	struct world w;

	build(*state, &w);
	add_storage(&w, "AddLocalPrimaryStorage", "local", local);
	add_storage(&w, "AddSharedMountPointPrimaryStorage", "shared", shared);
	create_stopped(&w, vm);
	must(w.f, "CreateDiskOffering", NULL,
	     json_pack("{s:s, s:i, s:s}", "name", "local", "diskSize", 1 << 20, "allocationStrategy",
		       "LocalPrimaryStorageStrategy"),
	     offering);
	for (int i = 0; i < 3; i++) {
		_cleanup_view_ struct view *view = NULL;

		create_volume(&w, offering, volume);
		must(w.f, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", vm), NULL);
		storage_of(&w, volume, found);
		view = view_now(w.f);
		assert_string_equal(
			object_text(view_get(view, KIND_PRIMARY_STORAGE, found), PRIMARY_STORAGE_TYPE),
			"LocalStorage");
	}
	snprintf(tag, sizeof(tag), "primaryStorageUuidForDataVolume::%s", shared);
	set_tag(&w, "VmInstanceVO", vm, tag);
	create_volume(&w, w.disk, volume);
	must(w.f, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", vm), NULL);
	storage_of(&w, volume, found);
	assert_string_equal(found, shared);
	create_volume(&w, offering, volume);
	must_fail(w.f, "AttachDataVolumeToVm", volume, json_pack("{s:s}", "vmInstanceUuid", vm), 0,
		  "cannot find available primary storage");
}

/* localStorage::hostUuid of CreateDataVolume: the volume is on this host, not on the first one */
static void local_volumes_are_on_their_host(void **state)
{
	char cluster[UUID_SIZE], host[UUID_SIZE], local[UUID_SIZE], volume[UUID_SIZE], tag[96];
	const struct actor actor = {.source = "fs"};
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = NULL;
	_cleanup_json_ json_t *document = NULL;
	_cleanup_free_ char *text = NULL;
	char job[UUID_SIZE];
	struct request *req;
	struct world w;

	build(*state, &w);
	first_uuid(w.f, KIND_CLUSTER, cluster);
	must(w.f, "AddSimulatorHost", NULL,
	     json_pack("{s:s, s:s, s:s}", "name", "second", "managementIp", "127.0.0.9", "clusterUuid",
		       cluster),
	     host);
	add_storage(&w, "AddLocalPrimaryStorage", "local", local);
	snprintf(tag, sizeof(tag), "localStorage::hostUuid::%s", host);
	document = json_pack("{s:{s:s, s:s, s:s}, s:[s]}", "params", "name", "v", "diskOfferingUuid", w.disk,
			     "primaryStorageUuid", local, "systemTags", tag);
	text = json_dumps(document, JSON_COMPACT);
	assert_non_null(text);
	assert_int_equal(request_parse(operation_by_name("CreateDataVolume"), KIND_VOLUME, NULL, text,
				       strlen(text), &actor, &req, &e),
			 0);
	snprintf(volume, sizeof(volume), "%s", request_str(req, "resourceUuid"));
	assert_int_equal(pool_submit_wait(w.f->pool, req, job, &e), 0);
	if (job_end(w.f, job, &e) < 0)
		fail_msg("%s", error_sentence(&e));
	view = view_now(w.f);
	assert_string_equal(object_text(view_get(view, KIND_VOLUME, volume), VOLUME_HOST_UUID), host);
}

static bool is_completed(const struct view *view, const void *arg)
{
	return object_str_is(view_get(view, KIND_SCHEDULER, arg), SCHEDULER_STATE, "Completed");
}

static bool is_suspended(const struct view *view, const void *arg)
{
	return object_str_is(view_get(view, KIND_SCHEDULER, arg), SCHEDULER_STATE, "Suspended");
}

static bool is_enabled(const struct view *view, const void *arg)
{
	return object_str_is(view_get(view, KIND_SCHEDULER, arg), SCHEDULER_STATE, "Enabled");
}

/* The state of schedulers that run no more */
static void schedulers_say_when_they_are_done(void **state)
{
	char vm[UUID_SIZE], once[UUID_SIZE], daily[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	must(w.f, "CreateStartVmInstanceScheduler", vm,
	     json_pack("{s:s, s:s, s:i, s:i, s:i}", "schedulerName", "once", "type", "simple", "interval", 1,
		       "repeatCount", 1, "startTime", 0),
	     NULL);
	must(w.f, "CreateStopVmInstanceScheduler", vm,
	     json_pack("{s:s, s:s, s:s}", "schedulerName", "daily", "type", "cron", "cron", "0 0 3 * * ?"),
	     NULL);
	{
		_cleanup_view_ struct view *view = view_now(w.f);
		const struct object *first = view_next(view, KIND_SCHEDULER, 0);

		snprintf(once, sizeof(once), "%s", object_uuid(first));
		snprintf(daily, sizeof(daily), "%s", object_uuid(view_next(view, KIND_SCHEDULER, first->id)));
	}
	wait_until(w.f, is_completed, once);
	assert_true(field_is(w.f, KIND_SCHEDULER, daily, SCHEDULER_STATE, "Enabled"));
	must_fail(w.f, "ChangeSchedulerState", once, json_pack("{s:s}", "stateEvent", "enable"), EBUSY,
		  "can not enable a Completed scheduler");
	must(w.f, "DestroyVmInstance", vm, NULL, NULL);
	wait_until(w.f, is_suspended, daily);
	must(w.f, "RecoverVmInstance", vm, NULL, NULL);
	wait_until(w.f, is_enabled, daily);
	wait_until(w.f, is_completed, once);
}

static int spoil_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *volume;
	int r = txn_edit(t, KIND_VOLUME, arg, &volume, e);

	object_set_int(volume, VOLUME_ACTUAL_SIZE, 12345);
	return r < 0 ? r : txn_put(t, volume, NULL, e);
}

static bool has_real_size(const struct view *view, const void *arg)
{
	return object_int(view_get(view, KIND_VOLUME, arg), VOLUME_ACTUAL_SIZE) != 12345;
}

/* volume.refreshVolumeSizeInterval */
static void sizes_of_volumes_are_refreshed(void **state)
{
	char vm[UUID_SIZE], root[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	first_uuid(w.f, KIND_VOLUME, root);
	assert_int_equal(store_run(pool_store(w.f->pool), spoil_fn, root, NULL), 0);
	set_config(w.f, "volume", "refreshVolumeSizeInterval", "1");
	wait_until(w.f, has_real_size, root);
}

/* image.enableResetPassword */
static void passwords_stay_when_the_setting_says_so(void **state)
{
	json_t *params = json_pack("{s:s, s:s}", "account", "root", "password", "secret");
	char vm[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	set_tag(&w, "VmInstanceVO", vm, "qemuga");
	must(w.f, "StartVmInstance", vm, NULL, NULL);
	must(w.f, "ChangeVmPassword", vm, json_incref(params), NULL);
	set_config(w.f, "image", "enableResetPassword", "false");
	must_fail(w.f, "ChangeVmPassword", vm, params, EACCES, "image.enableResetPassword");
}

/* The first network is the default one when several are given; the default boot order is the manual's. */
static void the_first_network_is_the_default(void **state)
{
	char vm[UUID_SIZE], l2[UUID_SIZE], second[UUID_SIZE];
	struct world w;

	build(*state, &w);
	first_uuid(w.f, KIND_L2_NETWORK, l2);
	must(w.f, "CreateL3Network", NULL, json_pack("{s:s, s:s}", "name", "two", "l2NetworkUuid", l2),
	     second);
	must(w.f, "AddIpRangeByNetworkCidr", second,
	     json_pack("{s:s, s:s}", "name", "range", "networkCidr", "10.201.0.0/24"), NULL);
	must(w.f, "CreateVmInstance", NULL,
	     json_pack("{s:s, s:s, s:s, s:[s, s]}", "name", "vm", "imageUuid", w.image,
		       "instanceOfferingUuid", w.offering, "l3NetworkUuids", second, w.l3),
	     vm);
	assert_true(field_is(w.f, KIND_VM, vm, VM_DEFAULT_L3_UUID, second));
	domain_has(vm, "/domain/devices/disk[@device='disk']/boot/@order", "1");
	domain_has(vm, "/domain/devices/disk[@device='cdrom']/boot/@order", "2");
}

/* machineType: a VM keeps the machine that it was made with; a tag says otherwise */
static void new_vms_have_the_machine_of_the_setting(void **state)
{
	_cleanup_view_ struct view *view = NULL;
	char old[UUID_SIZE], new[UUID_SIZE], tagged[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, old);
	set_config(w.f, "vm", "machineType", "pc");
	create_stopped(&w, new);
	create_stopped(&w, tagged);
	set_tag(&w, "VmInstanceVO", tagged, "vmMachineType::q35");
	view = view_now(w.f);
	assert_string_equal(vm_machine_type(view, view_get(view, KIND_VM, old)), "q35");
	assert_string_equal(vm_machine_type(view, view_get(view, KIND_VM, new)), "pc");
	assert_string_equal(vm_machine_type(view, view_get(view, KIND_VM, tagged)), "q35");
}

/* What the description of a domain for a host says that a simulated domain cannot have. */
static void descriptions_follow_the_settings(void **state)
{
	static const struct {
		const char *category, *name, *value;
	} settings[] = {
		{"kvm", "vm.cpuMode", "host-passthrough"},
		{"vm", "kvmHiddenState", "true"},
		{"vm", "bootMenu", "false"},
		{"vm", "videoType", "vga"},
		{"vm", "consoleListenAddress", "192.0.2.7"},
	};
	_cleanup_(vm_description_done) struct vm_description desc = {0};
	_cleanup_view_ struct view *view = NULL;
	char vm[UUID_SIZE], host[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	first_uuid(w.f, KIND_HOST, host);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		set_config(w.f, settings[i].category, settings[i].name, settings[i].value);
	view = view_now(w.f);
	assert_int_equal(vm_describe(w.f->pool, view, view_get(view, KIND_VM, vm),
				     view_get(view, KIND_HOST, host), &desc, NULL),
			 0);
	assert_string_equal(desc.domain.cpu_mode, "host-passthrough");
	assert_true(desc.domain.hide_kvm);
	assert_false(desc.domain.boot_menu);
	assert_string_equal(desc.domain.video, "vga");
	assert_string_equal(desc.domain.listen, "192.0.2.7");
}

/* kvm.reservedMemory */
static void memory_is_reserved_on_hosts(void **state)
{
	char vm[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	set_config(w.f, "kvm", "reservedMemory", "100T");
	must_fail(w.f, "StartVmInstance", vm, NULL, 0, "no host having cpu");
}

static int fill_storage_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *ps;
	int r = txn_edit(t, KIND_PRIMARY_STORAGE, arg, &ps, e);

	if (r < 0)
		return r;
	object_set_int(ps, PRIMARY_STORAGE_TOTAL_PHYSICAL, INT64_C(100) << 30);
	object_set_int(ps, PRIMARY_STORAGE_AVAILABLE_PHYSICAL, INT64_C(50) << 30);
	return txn_put(t, ps, NULL, e);
}

/* primaryStorage.physicalCapacityThreshold: the file system of the storage is half full */
static void full_file_systems_take_nothing(void **state)
{
	struct pool_fixture *f = *state;
	char ps[UUID_SIZE];

	first_uuid(f, KIND_PRIMARY_STORAGE, ps);
	for (int full = 0; full < 2; full++) {
		_cleanup_view_ struct view *view = NULL;

		set_config(f, "primaryStorage", "physicalCapacityThreshold", full ? "40" : "60");
		assert_int_equal(store_run(pool_store(f->pool), fill_storage_fn, ps, NULL), 0);
		view = view_now(f);
		if (full)
			assert_int_equal(
				capacity_storage_room(view, view_get(view, KIND_PRIMARY_STORAGE, ps)), 0);
		else
			assert_true(capacity_storage_room(view, view_get(view, KIND_PRIMARY_STORAGE, ps)) >
				    0);
	}
}

/* vm.instanceOffering.setNullWhenDeleting */
static void vms_forget_deleted_offerings(void **state)
{
	char vm[UUID_SIZE], second[UUID_SIZE], first[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	snprintf(first, sizeof(first), "%s", w.offering);
	must(w.f, "CreateInstanceOffering", NULL,
	     json_pack("{s:s, s:i, s:i}", "name", "other", "cpuNum", 1, "memorySize", 1 << 27), w.offering);
	create_stopped(&w, second);
	must(w.f, "DeleteInstanceOffering", first, NULL, NULL);
	assert_true(field_is(w.f, KIND_VM, vm, VM_INSTANCE_OFFERING_UUID, NULL));
	set_config(w.f, "vm", "instanceOffering.setNullWhenDeleting", "false");
	must(w.f, "DeleteInstanceOffering", w.offering, NULL, NULL);
	assert_true(field_is(w.f, KIND_VM, second, VM_INSTANCE_OFFERING_UUID, w.offering));
}

/* volumeSnapshot.incrementalSnapshot.maxNum */
static void chains_have_the_length_of_the_setting(void **state)
{
	char vm[UUID_SIZE], root[UUID_SIZE];
	_cleanup_view_ struct view *view = NULL;
	struct world w;

	build(*state, &w);
	create_stopped(&w, vm);
	first_uuid(w.f, KIND_VOLUME, root);
	set_config(w.f, "volumeSnapshot", "incrementalSnapshot.maxNum", "2");
	for (int i = 0; i < 3; i++)
		must(w.f, "CreateVolumeSnapshot", root, json_pack("{s:s}", "name", "s"), NULL);
	view = view_now(w.f);
	assert_int_equal(view_count(view, KIND_SNAPSHOT_TREE), 2);
}

static bool is_gone(const struct view *view, const void *arg)
{
	return !view_get_any(view, arg);
}

/* volume.deletionPolicy */
static void volumes_are_deleted_by_the_policy(void **state)
{
	char volume[UUID_SIZE];
	struct world w;

	build(*state, &w);
	create_volume(&w, w.disk, volume);
	set_config(w.f, "volume", "deletionPolicy", "Direct");
	must(w.f, "DeleteDataVolume", volume, NULL, NULL);
	assert_false(exists(w.f, KIND_VOLUME, volume));
}

static int ended_session_fn(struct txn *t, void *arg, struct error *e)
{
	struct object *o = object_new(kind_get(KIND_SESSION));

	object_set_str(o, SESSION_UUID, arg);
	object_set_str(o, SESSION_ACCOUNT_UUID, ADMIN_ACCOUNT_UUID);
	object_set_int(o, SESSION_EXPIRED_DATE, txn_now(t) - NS_PER_S);
	return txn_put(t, o, NULL, e);
}

/* identity.session.cleanup.interval */
static void ended_sessions_are_removed_at_the_interval(void **state)
{
	struct pool_fixture *f = *state;
	char session[UUID_SIZE];

	uuid_make(session);
	assert_int_equal(store_run(pool_store(f->pool), ended_session_fn, session, NULL), 0);
	assert_true(exists(f, KIND_SESSION, session));
	set_config(f, "rest", "completedApi.expiredPeriod", "1");
	set_config(f, "identity", "session.cleanup.interval", "1");
	wait_until(f, is_gone, session);
}

/* image.expungeInterval */
static void images_are_expunged_at_the_interval(void **state)
{
	struct world w;

	build(*state, &w);
	set_config(w.f, "image", "expungePeriod", "1");
	set_config(w.f, "image", "expungeInterval", "1");
	must(w.f, "DeleteImage", w.image, NULL, NULL);
	wait_until(w.f, is_gone, w.image);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, pool_fixture_setup, pool_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(disks_have_the_cache_mode_of_the_setting),
		TEST(virtual_cpus_are_pinned),
		TEST(consoles_have_what_the_tags_say),
		TEST(scsi_volumes_have_their_wwn),
		TEST(detaching_looks_at_the_vm),
		TEST(snapshots_have_their_tags),
		TEST(parameters_are_refused_or_kept),
		TEST(volumes_are_where_offering_and_tag_say),
		TEST(new_vms_have_the_machine_of_the_setting),
		TEST(descriptions_follow_the_settings),
		TEST(memory_is_reserved_on_hosts),
		TEST(full_file_systems_take_nothing),
		TEST(vms_forget_deleted_offerings),
		TEST(chains_have_the_length_of_the_setting),
		TEST(volumes_are_deleted_by_the_policy),
		TEST(ended_sessions_are_removed_at_the_interval),
		TEST(images_are_expunged_at_the_interval),
		TEST(sizes_of_volumes_are_refreshed),
		TEST(passwords_stay_when_the_setting_says_so),
		TEST(the_first_network_is_the_default),
		TEST(local_volumes_are_on_their_host),
		TEST(schedulers_say_when_they_are_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
