/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Living together with virsh and virt-manager: the VMs that they have made on a host, adopting one of them, and
 * letting a VM go. Neither changes anything in the guest, which goes on as it is; only rows are made and removed, in
 * one change, and the domain is not started with its host any more, since the pool may have started the VM on another
 * one by then.
 *
 * What the pool could not give a VM again at its next start is refused (hypervisor/domain/survey.h), as are disks
 * that do not lie on a primary storage, where the pool could neither find nor count them, and what a released VM would
 * lose with the rows of the pool: files that other rows own.
 */
#include <string.h>

#include "actions/engine/access.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/capacity.h"
#include "actions/host/foreign.h"
#include "actions/host/guest.h"
#include "actions/host/topology.h"
#include "actions/network/ipv4.h"
#include "actions/network/l3_network.h"
#include "actions/operations/table.h"
#include "actions/storage/orphan_file.h"
#include "actions/storage/primary_storage.h"
#include "actions/vm/iso.h"
#include "actions/vm/lease.h"
#include "actions/vm/nic.h"
#include "actions/vm/placement.h"
#include "actions/vm/reconcile.h"
#include "actions/vm/remove.h"
#include "actions/vm/state.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/domain.h"
#include "hypervisor/domain/sighting.h"
#include "hypervisor/domain/survey.h"
#include "model/json.h"
#include "model/log.h"
#include "model/states.h"
#include "model/uuid.h"

/* ----------------------------------------------------------------- adopting */

static int check_connected(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *host = request_object(view, req);

	if (!host || host_can_serve(host, req, e))
		return 0;
	return error_set_code(e, EBUSY, "HOST.1010", "host '%s' is %s, not Connected", object_name(host),
			      object_text(host, HOST_STATUS));
}

struct adoption {
	struct job *job;
	const struct hv_survey *survey;
	const struct object *host;
};

/* The storage of the host's cluster in whose folder the file is; NULL: none. */
static const struct object *storage_of(const struct view *view, const struct object *host, const char *path)
{
	view_for_each (ps, view, KIND_PRIMARY_STORAGE) {
		const char *folder = object_text(ps, PRIMARY_STORAGE_MOUNT_PATH);
		size_t len = strlen(folder);

		while (len > 1 && folder[len - 1] == '/')
			len--;
		if (len && strncmp(path, folder, len) == 0 && path[len] == '/' && path[len + 1] &&
		    !strchr(path + len + 1, '/') &&
		    cluster_has_primary_storage(view, object_text(host, HOST_CLUSTER_UUID), object_uuid(ps)))
			return ps;
	}
	return NULL;
}

/* Which row has the file already, as words for a sentence; NULL: none. */
static const char *user_of_file(const struct view *view, const struct object *ps, const struct object *host,
				const char *path)
{
	static const struct {
		enum kind_id kind;
		int storage, path, host;
		const char *what;
	} kinds[] = {
		{KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, VOLUME_INSTALL_PATH, VOLUME_HOST_UUID, "a volume"},
		{KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, VOLUME_NEXT_PATH, VOLUME_HOST_UUID, "a volume"},
		{KIND_SNAPSHOT, SNAPSHOT_PRIMARY_STORAGE_UUID, SNAPSHOT_INSTALL_PATH, -1, "a snapshot"},
		{KIND_IMAGE_CACHE, IMAGE_CACHE_PRIMARY_STORAGE_UUID, IMAGE_CACHE_INSTALL_PATH,
		 IMAGE_CACHE_HOST_UUID, "the pool's copy of an image"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		view_for_each_where (o, view, kinds[i].kind, kinds[i].storage, object_uuid(ps)) {
			const char *at = kinds[i].host < 0 ? NULL : object_str(o, kinds[i].host);

			if (object_str_is(o, kinds[i].path, path) &&
			    (!at || strcmp(at, object_uuid(host)) == 0))
				return kinds[i].what;
		}
	return orphan_file_find(view, object_uuid(ps), path) ? "nothing any more, and is about to be removed"
							     : NULL;
}

/* The number whose disk the pool would call the same, "vdc" 2, so that one plugged in later gets another name. */
static int choose_device_id(const struct survey_disk *disk, bool first, uint64_t *used)
{
	int letter = strlen(disk->target) == 3 ? disk->target[2] - 'a' : 0, id = 0;

	if (!first && letter > 0 && letter < 26 && !(*used & UINT64_C(1) << letter))
		id = letter;
	for (int i = 1; !first && id == 0; i++) /* there are no more disks than bits */
		id = *used & UINT64_C(1) << i ? 0 : i;
	*used |= UINT64_C(1) << id;
	return id;
}

static int put_volume(struct txn *t, const struct adoption *a, const struct object *vm,
		      const struct survey_disk *disk, int device_id, char ret_uuid[UUID_SIZE],
		      struct error *e)
{
	const struct object *ps = storage_of(txn_view(t), a->host, disk->path);
	const char *owner = ps ? user_of_file(txn_view(t), ps, a->host, disk->path) : NULL;
	char name[NAME_BYTES_MAX];
	struct object *volume;
	int r;

	if (!ps)
		return error_set(
			e, EINVAL,
			"the disk '%s' of domain '%s' is '%s', which is not a file in the folder of a primary storage "
			"of the host's cluster",
			disk->target, a->survey->domain.name, disk->path);
	if (owner)
		return error_set(e, EEXIST, "the disk '%s' of domain '%s' is '%s', which belongs to %s",
				 disk->target, a->survey->domain.name, disk->path, owner);
	volume = object_new(kind_get(KIND_VOLUME));
	if (!volume)
		return error_oom(e);
	uuid_make(ret_uuid);
	object_name_after(device_id == 0 ? "ROOT-for-" : "DATA-for-", vm, name);
	object_set_str(volume, VOLUME_UUID, ret_uuid);
	object_set_str(volume, VOLUME_NAME, name);
	object_set_str(volume, VOLUME_PRIMARY_STORAGE_UUID, object_uuid(ps));
	object_set_str(volume, VOLUME_HOST_UUID, primary_storage_is_local(ps) ? object_uuid(a->host) : NULL);
	object_set_str(volume, VOLUME_VM_UUID, object_uuid(vm));
	object_set_str(volume, VOLUME_INSTALL_PATH, disk->path);
	object_set_str(volume, VOLUME_TYPE, device_id == 0 ? "Root" : "Data");
	object_set_str(volume, VOLUME_FORMAT, disk->format);
	object_set_int(volume, VOLUME_SIZE, disk->size);
	object_set_int(volume, VOLUME_ACTUAL_SIZE, disk->actual_size);
	object_set_int(volume, VOLUME_DEVICE_ID, device_id);
	object_set_str(volume, VOLUME_STATE, STATE_ENABLED);
	object_set_str(volume, VOLUME_STATUS, STATUS_READY);
	object_set_int(volume, VOLUME_IS_SHAREABLE, 0);
	object_set_str(volume, VOLUME_ACCOUNT_UUID, object_str(vm, VM_ACCOUNT_UUID));
	object_set_str(volume, VOLUME_DOMAIN_TARGET, disk->target);
	r = txn_put(t, volume, NULL, e);
	/* the bytes are on the storage already, whether there was room for them or not */
	return r < 0 ? r : capacity_update_primary_storage(t, object_uuid(ps), e);
}

/* The L3 network whose guests are on that network or bridge of the host; NULL: none. */
static const struct object *network_of(const struct view *view, const struct object *host,
				       const struct survey_nic *nic)
{
	view_for_each (l3, view, KIND_L3_NETWORK) {
		char name[32];
		bool managed = l3_network_source(view, object_uuid(l3), name);
		const char *source = managed ? nic->network : nic->bridge;

		if (source && strcmp(source, name) == 0 &&
		    cluster_has_l2(view, object_text(host, HOST_CLUSTER_UUID),
				   object_text(l3, L3_L2_NETWORK_UUID)))
			return l3;
	}
	return NULL;
}

/* With the address that it is seen with, if it is one of the network and free, else the first free one. */
static int put_nic(struct txn *t, const struct adoption *a, const char *vm, int device_id,
		   const char **ret_l3, struct error *e)
{
	const struct survey_nic *nic = &a->survey->nics[device_id];
	const struct object *l3 = network_of(txn_view(t), a->host, nic);
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	char uuid[UUID_SIZE];
	struct mac mac;
	int r;

	if (!l3)
		return error_set(
			e, EINVAL,
			"the NIC '%s' of domain '%s' is on the %s '%s', which no L3 network of the host's "
			"cluster uses",
			nic->mac, a->survey->domain.name, nic->network ? "libvirt network" : "bridge",
			nic->network ? nic->network : nic->bridge);
	if (mac_parse(nic->mac, &mac, NULL) < 0)
		return error_set(e, EINVAL, "the NIC '%s' of domain '%s' has an address that no NIC can have",
				 nic->mac, a->survey->domain.name);
	*ret_l3 = object_uuid(l3);
	r = *nic->address
		    ? vm_put_nic(t, vm, object_uuid(l3), device_id, nic->mac, nic->address, uuid, &ignored)
		    : -EINVAL;
	if (r != -EINVAL)
		return r < 0 ? error_move(e, &ignored) : 0;
	return vm_put_nic(t, vm, object_uuid(l3), device_id, nic->mac, NULL, uuid, e);
}

static int put_vm(struct txn *t, const struct adoption *a, const struct object **ret, struct error *e)
{
	const struct request *req = a->job->req;
	const struct hv_listed *domain = &a->survey->domain;
	const char *name = request_str(req, "name"), *platform = request_str(req, "platform");
	struct object *vm = object_new(kind_get(KIND_VM));
	int r;

	if (!vm)
		return error_oom(e);
	object_set_str(vm, VM_UUID, domain->uuid);
	object_set_str(vm, VM_NAME, name ? name : domain->name);
	object_set_str(vm, VM_DOMAIN_NAME, domain->name);
	object_set_str(vm, VM_DOMAIN_HOSTS, object_uuid(a->host));
	object_set_str(vm, VM_ZONE_UUID, object_str(a->host, HOST_ZONE_UUID));
	object_set_str(vm, VM_CLUSTER_UUID, object_str(a->host, HOST_CLUSTER_UUID));
	object_set_str(vm, VM_PLATFORM, platform ? platform : a->survey->virtio ? "Linux" : "Other");
	object_set_str(vm, VM_TYPE, "UserVm");
	object_set_str(vm, VM_HYPERVISOR_TYPE, "KVM");
	object_set_str(vm, VM_MACHINE_TYPE, *a->survey->machine ? a->survey->machine : NULL);
	object_set_int(vm, VM_MEMORY_SIZE, domain->memory);
	object_set_int(vm, VM_CPU_NUM, domain->cpus);
	object_set_int(vm, VM_CPU_SPEED, 0);
	object_set_str(vm, VM_ALLOCATOR_STRATEGY, HOST_STRATEGY_DEFAULT);
	object_set_str(vm, VM_ACCOUNT_UUID, *req->actor.account ? req->actor.account : ADMIN_ACCOUNT_UUID);
	object_set_str(vm, VM_LAST_HOST_UUID, object_uuid(a->host));
	object_set_str(vm, VM_HOST_UUID, hv_domain_is_up(domain->state) ? object_uuid(a->host) : NULL);
	object_set_str(vm, VM_STATE, vm_state_name(vm_state_of_domain(domain->state)));
	r = vm_put_new(t, vm, e);
	if (r == 0)
		*ret = view_get(txn_view(t), KIND_VM, domain->uuid);
	return r;
}

static int adopt_fn(struct txn *t, void *arg, struct error *e)
{
	struct adoption *a = arg;
	const char *uuid = a->survey->domain.uuid, *l3 = NULL, *first = NULL;
	char root[UUID_SIZE], volume[UUID_SIZE];
	uint64_t used = 0;
	const struct object *present = view_get_any(txn_view(t), uuid), *vm = NULL;
	struct object *copy;
	int r;

	if (present)
		return error_set(e, EEXIST, "domain '%s' is the %s '%s' of the pool already",
				 a->survey->domain.name, present->kind->noun, object_name(present));
	if (!a->survey->disk_count)
		return error_set(e, EINVAL, "domain '%s' has no disk", a->survey->domain.name);
	r = put_vm(t, a, &vm, e);
	for (size_t i = 0; r == 0 && i < a->survey->disk_count; i++) {
		const struct survey_disk *disk = &a->survey->disks[i];

		r = put_volume(t, a, vm, disk, choose_device_id(disk, i == 0, &used), i == 0 ? root : volume,
			       e);
	}
	for (size_t i = 0; r == 0 && i < a->survey->nic_count; i++) {
		r = put_nic(t, a, uuid, (int)i, &l3, e);
		first = first ? first : l3;
	}
	if (r == 0)
		r = txn_edit(t, KIND_VM, uuid, &copy, e);
	if (r < 0)
		return r;
	object_set_str(copy, VM_ROOT_VOLUME_UUID, root);
	object_set_str(copy, VM_DEFAULT_L3_UUID, first);
	return txn_put(t, copy, NULL, e);
}

/* The rows are there: what follows from them, in memory and on the host. */
static int settle_adopted(struct job *job, const char *uuid, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	_cleanup_(error_done) struct error why = ERROR_INIT;

	if (!vm)
		return error_gone(e, KIND_VM, uuid);
	/* if it cannot be done now, it is when the host connects again */
	if (hv_domain_stop_autostart(pool_hypervisor(job->pool), job->req->target, uuid, &why) < 0)
		log_warning("vm", uuid, "%s", error_sentence(&why));
	/* what has happened to it since it was looked at */
	vm_reconcile(job->pool, job->req->target, uuid);
	foreign_domains_count(job->pool, job->req->target);
	/* a host that refuses has its networks compared again when it connects */
	(void)vm_apply_leases(job->pool, view, uuid, job->req->target, NULL);
	return job_result_inventory(job, KIND_VM, uuid, ret_result, e);
}

/* Right after a start there may be hosts with a twin that are only about to connect: they are waited for. */
static int vm_adopt_begin(struct txn *t, struct job *job, struct error *e)
{
	if (!pool_awaits_hosts(job->pool))
		return 0;
	view_for_each (host, txn_view(t), KIND_HOST)
		if (host_is_coming(host, false)) {
			error_may_pass(e);
			return error_set(e, ENOTCONN, "host '%s' is Connecting", object_name(host));
		}
	return 0;
}

/* A uuid is the name by which the pool asks all hosts for a VM. Those that are silent cannot be asked. */
static int check_twins(struct pool *pool, const struct view *view, const struct adoption *a, struct error *e)
{
	const struct hv_listed *domain = &a->survey->domain;

	view_for_each (host, view, KIND_HOST) {
		struct hv_sighting s;

		if (host != a->host &&
		    hv_domain_sight(pool_hypervisor(pool), object_uuid(host), domain->uuid, NULL, &s, NULL) ==
			    0 &&
		    s.found)
			return error_set(
				e, EEXIST,
				"the host '%s' has a domain with the uuid of '%s', '%s', too, which must be "
				"undefined there, or get another uuid, first",
				object_name(host), domain->name, domain->uuid);
	}
	return 0;
}

static int vm_adopt_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	_cleanup_(hv_survey_done) struct hv_survey survey = {0};
	struct adoption a = {.job = job, .survey = &survey, .host = request_object(view, job->req)};
	int r;

	if (!a.host)
		return error_gone(e, KIND_HOST, job->req->target);
	r = hv_domain_survey(pool_hypervisor(job->pool), job->req->target, request_str(job->req, "domain"),
			     &survey, e);
	if (r == 0)
		r = check_twins(job->pool, view, &a, e);
	if (r == 0)
		r = store_run(pool_store(job->pool), adopt_fn, &a, e);
	if (r < 0)
		return r;
	kill_point("vm-adopted");
	return settle_adopted(job, survey.domain.uuid, ret_result, e);
}

/* The VM that was adopted from the host as @domain, a name or uuid; NULL: none. */
static const struct object *find_adopted(const struct view *view, const char *host, const char *domain)
{
	char uuid[UUID_SIZE];
	bool is_uuid = uuid_read(domain, uuid);

	view_for_each (vm, view, KIND_VM) {
		const char *name = object_str(vm, VM_DOMAIN_NAME), *place = vm_place(vm);

		if (name && place && strcmp(place, host) == 0 &&
		    (strcmp(name, domain) == 0 || (is_uuid && strcmp(object_uuid(vm), uuid) == 0)))
			return vm;
	}
	return NULL;
}

/* The request says again which domain was meant; without the VM's row nothing has happened. */
static int vm_adopt_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *wanted = request_str(job->req, "domain");
	const struct object *vm = find_adopted(view, job->req->target, wanted);

	if (vm)
		return settle_adopted(job, object_uuid(vm), ret_result, e);
	return error_undone(e, "the daemon ended before domain '%s' was adopted", wanted);
}

/* ---------------------------------------------------------------- releasing */

static int check_volume(const struct view *view, const struct object *volume, struct error *e)
{
	const struct object *snapshot =
		view_next_where(view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, object_uuid(volume), 0);

	if (snapshot)
		return error_set(
			e, EBUSY,
			"the volume '%s' has the snapshot '%s', whose file it needs; delete its snapshots "
			"first",
			object_name(volume), object_name(snapshot));
	if (object_str(volume, VOLUME_ROOT_IMAGE_UUID) && !object_str_is(volume, VOLUME_FORMAT, "raw"))
		return error_set(
			e, EBUSY,
			"the volume '%s' is based on the pool's copy of the image '%s', which the pool would "
			"remove",
			object_name(volume), object_text(volume, VOLUME_ROOT_IMAGE_UUID));
	return 0;
}

/* The tags of a VM go with it, and with them what keeps the pool's copies of its ISOs. */
static int check_drives(const struct view *view, const char *vm, struct error *e)
{
	char image[UUID_SIZE];

	for (int drive = 0; drive < VM_ISO_MAX; drive++)
		if (vm_iso_in_drive(view, vm, drive, image))
			return error_set(
				e, EBUSY,
				"the VM has the ISO '%s' in a drive, whose copy the pool would remove; detach "
				"it first",
				image);
	return 0;
}

static int vm_release_check(const struct view *view, const struct request *req, struct error *e)
{
	int result = check_drives(view, req->target, e);

	if (result < 0)
		return result;
	if (view_next_where(view, KIND_SHAREABLE_REF, SHAREABLE_REF_VM_UUID, req->target, 0))
		return error_set(e, EBUSY, "the VM has a shareable volume; detach it first");
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, req->target) {
		int r = check_volume(view, volume, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int release_fn(struct txn *t, void *arg, struct error *e)
{
	return vm_put_forgotten(t, arg, e);
}

static int vm_release_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, uuid);
	const char *host = vm ? vm_place(vm) : NULL;
	int r;

	(void)ret_result;
	r = store_run(pool_store(job->pool), release_fn, (void *)(uintptr_t)uuid, e);
	if (r < 0)
		return r;
	kill_point("vm-released");
	if (host)
		foreign_domains_count(job->pool, host);
	return 0;
}

/* ------------------------------------------------------------- the list */

static int foreign_domains_get(struct pool *pool, const struct view *view, const struct request *req,
			       json_t **ret_result, struct error *e)
{
	json_t *list;
	int r = foreign_domains_list(pool, view, req->target, &list, e);

	return r < 0 ? r : result_inventories(list, ret_result, e);
}

static const struct operation get_foreign_domains = {
	.section = "tree",
	.name = "GetForeignDomains",
	.message = "org.zstack.header.host.APIGetForeignDomainsMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/hosts/{uuid}/foreign-domains", NULL},
	.params = (const struct param[]){P_UUID(KIND_HOST), {0}},
	.own_results = (const char *const[]){"inventories:List", NULL},
	.item = "ForeignDomain",
	.form = FORM_GET,
	.kind = KIND_HOST,
	.target = "uuid",
	.where = "foreign-domains",
	.flags = OP_SYNC | OP_NEEDS_HOST | OP_ADMIN,
	.help = "the VMs on the host that are not of the pool: uuid, name, state, cpuNum, memorySize",
	.allows = check_connected,
	.get = foreign_domains_get,
};

static const struct operation adopt_vm_instance = {
	.section = "tree",
	.name = "AdoptVmInstance",
	.message = "org.zstack.header.vm.APIAdoptVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/hosts/{uuid}/actions", NULL},
	.key = "adoptVmInstance",
	.params = (const struct param[]){P_UUID(KIND_HOST),
					 {.name = "domain",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = NAME_LENGTH_MAX},
					 P_NEW_NAME,
					 P_PLATFORM,
					 {0}},
	.own_results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_HOST,
	.target = "uuid",
	.verb = "adopt",
	.flags = OP_ADMIN,
	.help = "makes a VM of the pool of a domain of the host (its name or uuid), which goes on as it is",
	.allows = check_connected,
	.begin = vm_adopt_begin,
	.run = vm_adopt_run,
	.recover = vm_adopt_recover,
};

static const struct operation release_vm_instance = {
	.section = "tree",
	.name = "ReleaseVmInstance",
	.message = "org.zstack.header.vm.APIReleaseVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "releaseVmInstance",
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "release",
	.flags = OP_ADMIN | OP_DESTROYS,
	.states = S_RUNNING | S_STOPPED | S_PAUSED,
	.help = "forgets the VM, its volumes and NICs, and leaves domain and disks on the host as they are; its "
		"addresses are free again",
	.check = vm_release_check,
	.run = vm_release_run,
	.recover = vm_release_run,
};

const struct operation *const operations_vm_adopt[] = {&get_foreign_domains, &adopt_vm_instance,
						       &release_vm_instance, NULL};
