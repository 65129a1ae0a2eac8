/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UpdateVmInstance, ChangeInstanceOffering and GetVmCapabilities (behaviour.md
 * 4.1.50, 4.5.4 and 4.1.49).
 *
 * CPUs and memory of a running VM can be changed where vm.numa allows it. What it
 * gets in addition is written first, which reserves the capacity of the host; what
 * it loses is written when the guest has let go of it. When the host or the guest
 * fails, the row gets the size that the guest has at that point.
 */
#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/host/wait.h"
#include "actions/image/rules.h"
#include "actions/host/fence.h"
#include "actions/operations/table.h"
#include "actions/storage/primary_storage.h"
#include "actions/vm/resize.h"
#include "actions/vm/state.h"
#include "actions/volume/location.h"
#include "hypervisor/domain/domain_size.h"
#include "model/states.h"

#define NOT_NUMA                                                                                             \
	"the VM cannot do online cpu/memory update because it is not of NUMA architecture. Please stop the " \
	"VM then do the cpu/memory update again"

static bool is_running(const struct object *vm)
{
	return object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_RUNNING));
}

static const struct object *offering_of(const struct view *view, const struct request *req)
{
	return view_get(view, KIND_INSTANCE_OFFERING, request_str(req, "instanceOfferingUuid"));
}

/* Memory of a running VM changes in steps of VM_MEMORY_STEP; it never gets less than it shall have. */
static int64_t live_memory(int64_t now, int64_t want)
{
	int64_t change = want - now;

	return now + (change + (change > 0 ? VM_MEMORY_STEP - 1 : 0)) / VM_MEMORY_STEP * VM_MEMORY_STEP;
}

/* The size of the VM after the request. */
static struct vm_size wanted_size(const struct view *view, const struct request *req, const struct object *vm)
{
	const struct object *offering = offering_of(view, req);
	struct vm_size now = vm_size_of(vm), want;

	if (offering)
		want = (struct vm_size){object_int(offering, INSTANCE_OFFERING_CPU_NUM),
					object_int(offering, INSTANCE_OFFERING_MEMORY_SIZE)};
	else
		want = (struct vm_size){request_int(req, "cpuNum", now.cpus),
					request_int(req, "memorySize", now.memory)};
	if (is_running(vm))
		want.memory = live_memory(now.memory, want.memory);
	return want;
}

static bool same_size(struct vm_size a, struct vm_size b)
{
	return a.cpus == b.cpus && a.memory == b.memory;
}

/* Whether the VM's host has the capacity for what it gets in addition. */
static int check_capacity(const struct view *view, const struct object *vm, struct vm_size want,
			  struct error *e)
{
	const struct object *host = view_get(view, KIND_HOST, object_str(vm, VM_HOST_UUID));
	struct vm_size now = vm_size_of(vm), more = {want.cpus - now.cpus, want.memory - now.memory};

	if (host && (more.cpus <= 0 || more.cpus <= object_int(host, HOST_AVAILABLE_CPU)) &&
	    (more.memory <= 0 ||
	     more.memory <= object_int(host, HOST_AVAILABLE_MEMORY) - config_int(view, "kvm.reservedMemory")))
		return 0;
	return error_set(e, ENOSPC,
			 "host[uuid:%s] capacity is not enough to offer cpu[%lld], memory[%lld bytes]",
			 object_text(vm, VM_HOST_UUID), (long long)more.cpus, (long long)more.memory);
}

/* CPUs and memory can be changed while the VM is stopped, and live where vm.numa allows it. */
static int check_size(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	struct vm_size want = wanted_size(view, req, vm);
	int r = vm_check_memory(want.memory, e);

	if (r < 0)
		return r;
	if (object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return 0;
	if (!config_bool(view, "vm.numa"))
		return error_set(e, EINVAL, NOT_NUMA);
	if (!is_running(vm))
		return error_set(
			e, EBUSY,
			"The state of vm[uuid:%s] is %s. Only these state[Running,Stopped] is allowed to update cpu "
			"or memory.",
			object_uuid(vm), object_text(vm, VM_STATE));
	return check_capacity(view, vm, want, e);
}

static int vm_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const char *l3 = request_str(req, "defaultL3NetworkUuid"), *state = request_str(req, "state");
	int r = state && strcmp(state, vm_state_name(VM_STATE_STOPPED)) == 0
			? host_check_guest_gone(view, object_str(vm, VM_HOST_UUID), "set the VM to Stopped",
						e)
			: 0;

	if (r < 0)
		return r;
	if (l3) {
		bool has = false;

		view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, object_uuid(vm)) {
			has = has || object_str_is(nic, NIC_L3_UUID, l3);
		}
		if (!has)
			return error_set(e, EINVAL, "the VM[uuid:%s] has no nic on the L3 network[uuid:%s]",
					 object_uuid(vm), l3);
	}
	if (same_size(vm_size_of(vm), wanted_size(view, req, vm)))
		return vm_check_memory(request_int(req, "memorySize", vm_size_of(vm).memory), e);
	return check_size(view, req, e);
}

static int vm_change_offering_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *offering = offering_of(view, req);

	if (!object_str_is(offering, INSTANCE_OFFERING_STATE, STATE_ENABLED))
		return error_set(e, EBUSY, "instance offering[uuid:%s] is Disabled, can't create vm from it",
				 object_uuid(offering));
	return check_size(view, req, e);
}

/* -------------------------------------------------------------------- change */

/* Text fields that UpdateVmInstance can set; the parameters have the names of the fields. */
static const int texts[] = {VM_NAME, VM_DESCRIPTION, VM_PLATFORM, VM_DEFAULT_L3_UUID, VM_STATE};

/* A state that is set by hand needs a host that fits it; later reports of the host overwrite both. */
static void set_host_for_state(struct object *vm)
{
	const char *host = object_str(vm, VM_HOST_UUID);

	object_set_null(vm, VM_UNKNOWN_FROM);
	if (is_running(vm)) {
		if (!host)
			object_set_str(vm, VM_HOST_UUID, object_str(vm, VM_LAST_HOST_UUID));
		return;
	}
	if (host)
		object_set_str(vm, VM_LAST_HOST_UUID, host);
	object_set_null(vm, VM_HOST_UUID);
}

static void set_size(struct object *vm, struct vm_size size)
{
	object_set_int(vm, VM_CPU_NUM, size.cpus);
	object_set_int(vm, VM_MEMORY_SIZE, size.memory);
}

/*
 * Writes the texts of the request, and this size; vm_write() reserves on the host what a running VM gets in
 * addition.
 */
static int put_changes(struct txn *t, const struct request *req, const struct object *before,
		       struct vm_size size, struct error *e)
{
	const struct object *offering = offering_of(txn_view(t), req);
	struct object *vm;
	int r = txn_edit(t, KIND_VM, object_uuid(before), &vm, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *param = vm->kind->fields[texts[i]].name;

		if (request_has(req, param))
			object_set_str(vm, texts[i], request_str(req, param));
	}
	if (request_has(req, "state"))
		set_host_for_state(vm);
	set_size(vm, size);
	if (offering) {
		object_set_str(vm, VM_INSTANCE_OFFERING_UUID, object_uuid(offering));
		object_set_int(vm, VM_CPU_SPEED, object_int(offering, INSTANCE_OFFERING_CPU_SPEED));
		object_set_str(vm, VM_ALLOCATOR_STRATEGY,
			       object_str(offering, INSTANCE_OFFERING_ALLOCATOR_STRATEGY));
	}
	return vm_write(t, before, vm, e);
}

static int vm_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const struct object *vm = request_object(txn_view(t), req);

	(void)ret_result;
	/* a running VM needs its host for another size */
	if (is_running(vm) && !same_size(vm_size_of(vm), wanted_size(txn_view(t), req, vm)))
		return OP_NEEDS_RUN;
	return put_changes(t, req, vm, wanted_size(txn_view(t), req, vm), e);
}

struct resize {
	const struct request *req;
	const struct object *before; /* the VM as it was, a reference; NULL after a restart of the daemon */
	struct vm_size has;	     /* what the guest has; a member is 0 when it is not known */
};

static void resize_done(struct resize *z)
{
	object_unref(z->before);
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int reserve_fn(struct txn *t, void *arg, struct error *e)
{
	struct resize *z = arg;
	const struct object *vm = request_object(txn_view(t), z->req);
	struct vm_size now, want;
	int r;

	if (!vm)
		return error_gone(e, KIND_VM, z->req->target);
	object_unref(z->before);
	z->before = object_ref(vm);
	/* The capacity of the host may have been reserved for others since the request came in. */
	r = check_size(txn_view(t), z->req, e);
	if (r < 0)
		return r;
	now = vm_size_of(vm);
	want = wanted_size(txn_view(t), z->req, vm);
	return put_changes(t, z->req, vm,
			   (struct vm_size){larger(now.cpus, want.cpus), larger(now.memory, want.memory)}, e);
}

/* Restores the row, but for what the guest has got or lost meanwhile. */
static int restore_fn(struct txn *t, void *arg, struct error *e)
{
	static const int strings[] = {VM_NAME,
				      VM_DESCRIPTION,
				      VM_PLATFORM,
				      VM_DEFAULT_L3_UUID,
				      VM_INSTANCE_OFFERING_UUID,
				      VM_ALLOCATOR_STRATEGY};
	struct resize *z = arg;
	const struct object *now = request_object(txn_view(t), z->req);
	struct vm_size size = z->before ? vm_size_of(z->before) : (struct vm_size){0};
	struct object *vm;
	int r;

	if (!now || !z->before)
		return 0;
	r = txn_edit(t, KIND_VM, object_uuid(now), &vm, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		object_set_str(vm, strings[i], object_str(z->before, strings[i]));
	object_set_int(vm, VM_CPU_SPEED, object_int(z->before, VM_CPU_SPEED));
	set_size(vm, (struct vm_size){z->has.cpus ? z->has.cpus : size.cpus,
				      z->has.memory ? z->has.memory : size.memory});
	return vm_write(t, now, vm, e);
}

/* Writes what the guest has let go of. */
static int release_fn(struct txn *t, void *arg, struct error *e)
{
	struct resize *z = arg;
	const struct object *now = request_object(txn_view(t), z->req);
	struct object *vm;
	struct vm_size want;
	int r;

	if (!now)
		return error_gone(e, KIND_VM, z->req->target);
	want = wanted_size(txn_view(t), z->req, now);
	if (same_size(vm_size_of(now), want))
		return 0;
	r = txn_edit(t, KIND_VM, object_uuid(now), &vm, e);
	if (r < 0)
		return r;
	set_size(vm, want);
	return vm_write(t, now, vm, e);
}

/* Gives a running guest the wanted size. */
static int push(struct job *job, struct resize *z, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? vm_active_host(vm) : NULL;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct vm_size was, want;
	int64_t change = 0;
	bool less;
	int cpus = 0, r;

	if (!host)
		return 0; /* takes effect at the next start */
	was = vm_size_of(z->before ? z->before : vm);
	want = wanted_size(view, job->req, vm);
	r = hv_domain_set_memory(pool_hypervisor(job->pool), host, job->req->target, want.memory, &change,
				 &why);
	z->has.memory = was.memory + change;
	less = want.memory < was.memory;
	if (r == 0) {
		r = hv_domain_set_cpus(pool_hypervisor(job->pool), host, job->req->target, (int)want.cpus,
				       &cpus, &why);
		z->has.cpus = cpus;
		less = want.cpus < was.cpus;
	}
	if (r == 0)
		return 0;
	if (less)
		return error_set_code(e, -r, "SYS.1007",
				      "can't decrease capacity when vm[uuid:%s] is running: %s",
				      job->req->target, error_sentence(&why));
	/* The VM was started before vm.numa was set, or has all that its host can give. */
	if (r == -EOPNOTSUPP)
		return error_set_code(e, EOPNOTSUPP, "SYS.1007", NOT_NUMA ": %s", error_sentence(&why));
	return error_move(e, &why);
}

static int vm_update_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(resize_done) struct resize z = {.req = job->req};
	int r = store_run(pool_store(job->pool), reserve_fn, &z, e);

	if (r < 0)
		return r;
	kill_point("growth-written");
	r = push(job, &z, e);
	if (r < 0) {
		(void)store_run(pool_store(job->pool), restore_fn, &z, NULL);
		return r;
	}
	r = store_run(pool_store(job->pool), release_fn, &z, e);
	return r < 0 ? r : job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

/* Whether the row has the texts of the request. They are written together with the size. */
static bool has_texts(const struct object *vm, const struct request *req)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *param = vm->kind->fields[texts[i]].name;

		if (texts[i] != VM_STATE && request_has(req, param) &&
		    !object_str_is(vm, texts[i], request_str(req, param)))
			return false;
	}
	return true;
}

static int vm_update_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;
	struct resize z = {.req = job->req};
	struct vm_size want;
	int r = 0;

	if (vm)
		want = wanted_size(view, job->req, vm);
	if (!vm || vm_size_of(vm).cpus < want.cpus || vm_size_of(vm).memory < want.memory ||
	    !has_texts(vm, job->req))
		return error_undone(e, "the daemon ended before the VM was changed");
	if (host && host_wait_connected(job, host))
		r = push(job, &z, e);
	else if (host && job_should_stop(job))
		return job_stop_reason(job, e);
	else if (host && !same_size(vm_size_of(vm), want)) /* what it has to give up is still its own */
		return error_set_code(
			e, EINTR, "SYS.1000",
			"the daemon ended while VM '%s' was being changed, and its host does not say what it has",
			job->req->target);
	if (r == 0)
		r = store_run(pool_store(job->pool), release_fn, &z, e);
	return r < 0 ? r : job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

/* -------------------------------------------------------------- capabilities */

static int vm_capabilities_get(struct pool *pool, const struct view *view, const struct request *req,
			       json_t **ret_result, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const struct object *root = vm_root_volume(view, vm);
	const struct object *ps =
		root ? view_get(view, KIND_PRIMARY_STORAGE, object_str(root, VOLUME_PRIMARY_STORAGE_UUID))
		     : NULL;
	const struct object *image = view_get(view, KIND_IMAGE, object_str(vm, VM_IMAGE_UUID));
	/* A live migration leaves files on shared storage where they are; files of one host must be copied. */
	bool moves = ps && (!primary_storage_is_local(ps) ||
			    config_bool(view, "localStoragePrimaryStorage.liveMigrationWithStorage.allow"));

	(void)pool;
	*ret_result = json_pack("{s:{s:b, s:b, s:b}}", "capabilities", "LiveMigration", moves,
				"VolumeMigration", false, /* there is no operation for it */
				"Reimage", image && !image_is_iso(image));
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation get_vm_capabilities = {
	.section = "4.1.49",
	.name = "GetVmCapabilities",
	.message = "org.zstack.header.vm.APIGetVmCapabilitiesMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/capabilities", NULL},
	.params = (const struct param[]){P_UUID(KIND_VM), {0}},
	.results = (const char *const[]){"capabilities:Map", NULL},
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "uuid",
	.where = "capabilities",
	.flags = OP_SYNC,
	.help = "what can be done with the VM",
	.get = vm_capabilities_get,
};

static const struct operation update_vm_instance = {
	.section = "4.1.50",
	.name = "UpdateVmInstance",
	.message = "org.zstack.header.vm.APIUpdateVmInstanceMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "updateVmInstance",
	.params =
		(const struct param[]){
			P_UUID(KIND_VM),
			P_NEW_NAME,
			P_DESCRIPTION,
			{.name = "state",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_NOFILE,
			 .values = (const char *const[]){"Stopped", "Running", NULL}},
			{.name = "defaultL3NetworkUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .resource = KIND_L3_NETWORK},
			P_PLATFORM,
			{.name = "cpuNum", .type = PARAM_INT, .in = IN_BODY, .min = 1, .max = 1024},
			{.name = "memorySize", .type = PARAM_LONG, .in = IN_BODY, .min = 1, .max = INT64_MAX},
			{0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES,
	.help = "changes the name, description, CPUs, memory, default network or platform of the VM",
	.check = vm_update_check,
	.apply = vm_update_apply,
	.run = vm_update_run,
	.recover = vm_update_recover,
};

static const struct operation change_instance_offering = {
	.section = "4.5.4",
	.name = "ChangeInstanceOffering",
	.message = "org.zstack.header.vm.APIChangeInstanceOfferingMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/actions", NULL},
	.key = "changeInstanceOffering",
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM),
					 {.name = "instanceOfferingUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_INSTANCE_OFFERING},
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "change-instance-offering",
	.help = "changes the CPUs and memory of the VM to those of another offering",
	.check = vm_change_offering_check,
	.apply = vm_update_apply,
	.run = vm_update_run,
	.recover = vm_update_recover,
};

const struct operation *const operations_vm_update[] = {
	&get_vm_capabilities,
	&update_vm_instance,
	&change_instance_offering,
	NULL,
};
