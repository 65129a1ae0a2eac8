/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NICs of existing VMs (behaviour.md 4.1.21-4.1.23, 4.1.47, 4.1.48 and 4.1.63):
 * attaching and detaching them, also live, static addresses and MAC addresses.
 *
 * Attaching writes the row first, which reserves the addresses, and then plugs the
 * NIC in if the VM is active; on failure the row is removed again. Detaching
 * unplugs the NIC first and removes the row then. So a kill in between leaves a
 * row from which the recovery knows what to finish.
 */
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/engine/tags.h"
#include "actions/host/topology.h"
#include "actions/host/wait.h"
#include "actions/network/ip_range.h"
#include "actions/network/l3_network.h"
#include "actions/operations/table.h"
#include "actions/vm/describe.h"
#include "actions/vm/nic.h"
#include "actions/vm/state.h"
#include "actions/vm/tag_rules.h"
#include "actions/volume/location.h"
#include "hypervisor/domain/domain_xml.h"
#include "hypervisor/domain/nic.h"
#include "model/json.h"
#include "model/states.h"

/* How long a guest may take to release a NIC. */
#define DETACH_MS 30000

static const struct object *nic_on(const struct view *view, const char *vm, const char *l3)
{
	view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, vm) {
		if (object_str_is(nic, NIC_L3_UUID, l3))
			return nic;
	}
	return NULL;
}

/* ---------------------------------------------------------------- candidates */

/* Whether the VM's cluster has the L2 network, or, before its first start, any cluster with its storage. */
static bool is_reachable(const struct view *view, const struct object *vm, const struct object *l3)
{
	const char *l2 = object_text(l3, L3_L2_NETWORK_UUID);
	const struct object *root = vm_root_volume(view, vm);
	const char *ps = root ? object_str(root, VOLUME_PRIMARY_STORAGE_UUID) : NULL;

	if (object_str(vm, VM_CLUSTER_UUID))
		return cluster_has_l2(view, object_str(vm, VM_CLUSTER_UUID), l2);
	view_for_each_where (link, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID, l2) {
		if (!ps || cluster_has_primary_storage(view, object_text(link, CLUSTER_L2_CLUSTER_UUID), ps))
			return true;
	}
	return false;
}

static int vm_l3_candidates_get(struct pool *pool, const struct view *view, const struct request *req,
				json_t **ret_result, struct error *e)
{
	const struct object *vm = request_object(view, req);
	_cleanup_json_ json_t *list = json_array();

	(void)pool;
	view_for_each (l3, view, KIND_L3_NETWORK) {
		int r = 0;

		if (object_str_is(l3, L3_STATE, STATE_ENABLED) && !object_int(l3, L3_SYSTEM) &&
		    !object_str_is(l3, L3_CATEGORY, "System") &&
		    !nic_on(view, req->target, object_uuid(l3)) && is_reachable(view, vm, l3))
			r = result_list_add(list, view, req, l3, e);
		if (r < 0)
			return r;
	}
	return result_inventories(steal(&list), ret_result, e);
}

/* -------------------------------------------------------------------- attach */

/* @code: of an address outside all ranges; in the manual it depends on the operation. */
static int check_static_ip(const struct view *view, const char *l3, const char *ip, const char *code,
			   struct error *e)
{
	struct ipv4_range range;
	bool inside = false;
	uint32_t address;

	if (ipv4_parse(ip, &address, NULL) < 0)
		return error_set(e, EINVAL, "%s is not a valid IPv4 address", ip);
	view_for_each_where (o, view, KIND_IP_RANGE, IP_RANGE_L3_NETWORK_UUID, l3) {
		inside = inside || (ip_range_parse(o, &range) && ipv4_range_contains(range, address));
	}
	if (!inside)
		return error_set_code(e, EINVAL, code,
				      "the static IP[%s] is not in any IP range of the L3 network[uuid:%s]",
				      ip, l3);
	if (l3_network_has_nic_with(view, l3, ip))
		return error_set_code(e, EEXIST, "SYS.1006",
				      "the static IP[%s] has been occupied on the L3 network[uuid:%s]", ip,
				      l3);
	return 0;
}

static int vm_attach_l3_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);

	if (vm_is_running_or_stopped(vm))
		return 0;
	return error_set(
		e, EBUSY,
		"unable to attach a L3 network. The vm[uuid: %s] is not Running or Stopped; the current state "
		"is %s",
		req->target, object_text(vm, VM_STATE));
}

static int vm_attach_l3_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *vm = request_object(view, req);
	const char *l3_uuid = request_str(req, "l3NetworkUuid"), *ip = request_str(req, "staticIp");
	const char *hostname = tag_value(view, req->target, "hostname");
	const struct object *l3 = view_get(view, KIND_L3_NETWORK, l3_uuid);
	int r;

	if (nic_on(view, req->target, l3_uuid))
		return error_set(
			e, EBUSY,
			"unable to attach a L3 network. The L3 network[uuid:%s] is already attached to the vm[uuid: "
			"%s]",
			l3_uuid, req->target);
	if (!object_str_is(l3, L3_STATE, STATE_ENABLED))
		return error_set(e, EBUSY,
				 "unable to attach a L3 network. The L3 network[uuid:%s] is disabled",
				 l3_uuid);
	if (object_int(l3, L3_SYSTEM))
		return error_set(
			e, EBUSY,
			"unable to attach a L3 network. The L3 network[uuid:%s] is a system network and vm is a user "
			"vm",
			l3_uuid);
	if (!is_reachable(view, vm, l3))
		return error_set(
			e, EBUSY,
			"unable to attach a L3 network. The L3 network[uuid:%s] is not reachable from the "
			"cluster of the vm[uuid: %s]",
			l3_uuid, req->target);
	if (view_count_where(view, KIND_NIC, NIC_VM_UUID, req->target) >= VM_NICS_MAX)
		return error_set(e, EINVAL, "a VM can have at most %d NICs", VM_NICS_MAX);
	r = ip ? check_static_ip(view, l3_uuid, ip, "SYS.1007", e) : 0;
	if (r == 0 && hostname)
		r = vm_check_hostname(view, &req->actor, hostname, l3_uuid, req->target, e);
	return r < 0 ? r : vm_check_custom_macs(view, req, e);
}

static int free_device_id(const struct view *view, const char *vm)
{
	for (int id = 0;; id++) {
		bool taken = false;

		view_for_each_where (nic, view, KIND_NIC, NIC_VM_UUID, vm) {
			taken = taken || object_int(nic, NIC_DEVICE_ID) == id;
		}
		if (!taken)
			return id;
	}
}

static int add_row_fn(struct txn *t, void *arg, struct error *e)
{
	const struct job *job = arg;
	const struct request *req = job->req;
	const char *vm = req->target, *l3 = request_str(req, "l3NetworkUuid"),
		   *ip = request_str(req, "staticIp");
	char mac[64], prefix[64], uuid[UUID_SIZE];
	int r;

	snprintf(mac, sizeof(mac), "customMac::%s", l3);
	r = vm_put_nic(t, vm, l3, free_device_id(txn_view(t), vm), request_tag(req, mac), ip, uuid, e);
	if (r < 0)
		return r;
	if (ip) {
		nic_static_ip_prefix(l3, prefix);
		r = object_set_system_tag(t, KIND_VM, vm, prefix, ip, false, e);
		if (r < 0)
			return r;
	}
	if (object_str(view_get(txn_view(t), KIND_VM, vm), VM_DEFAULT_L3_UUID))
		return 0;
	return vm_put_default_l3(t, vm, l3, e);
}

/* Plugs a NIC into its VM, if that is active. */
static int plug(struct job *job, const struct view *view, const struct object *nic, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));
	const char *host_uuid = vm ? vm_active_host(vm) : NULL;
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	char network[VM_NETWORK_NAME];
	struct hv_nic spec;
	int r;

	if (!host)
		return 0; /* plugged in at the next start */
	r = l3_network_apply_on_host(job->pool, object_text(nic, NIC_L3_UUID), host_uuid, e);
	if (r < 0)
		return r;
	vm_describe_nic(view, nic, host, network, &spec);
	return hv_nic_attach(pool_hypervisor(job->pool), host_uuid, object_uuid(vm), &spec, e);
}

struct nic_work {
	struct job *job;
	const char *host, *vm;
	int device;
};

/* Whether the guest has the NIC. */
static int guest_has(void *arg, struct error *e)
{
	const struct nic_work *w = arg;
	bool is_gone;
	int r = hv_nic_is_gone(pool_hypervisor(w->job->pool), w->host, w->vm, w->device, &is_gone, e);

	return r < 0 ? r : !is_gone;
}

/*
 * After the plug has failed with @result. Returns 0 when it was only not heard that the guest has got the NIC. Without one
 * the row goes; while the host cannot tell it stays, with its addresses, which the guest may use.
 */
static int settle_plug(struct job *job, const struct view *view, const struct object *nic, int result,
		       struct error *e)
{
	_cleanup_(error_done) struct error ignored = ERROR_INIT;
	struct nic_work w = {.job = job,
			     .vm = object_text(nic, NIC_VM_UUID),
			     .device = (int)object_int(nic, NIC_DEVICE_ID)};
	const struct object *vm = view_get(view, KIND_VM, w.vm);
	int has = 0;

	w.host = vm ? vm_active_host(vm) : NULL;
	if (result == -ENOTCONN && w.host)
		has = host_ask_again(job, w.host, guest_has, &w, &ignored);
	if (has == 0)
		(void)vm_remove_nic(job->pool, view, nic, NULL);
	if (has <= 0)
		return result;
	error_done(e);
	return 0;
}

/* Plugs in the NIC of a row that is written; when the guest has not got it, removes the row again. */
static int plug_or_roll_back(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *nic = nic_on(view, job->req->target, request_str(job->req, "l3NetworkUuid"));
	int r;

	if (!nic)
		return error_set(e, ENOENT, "the new NIC is gone");
	r = plug(job, view, nic, e);
	if (r < 0)
		r = settle_plug(job, view, nic, r, e);
	return r < 0 ? r : job_result_inventory(job, KIND_VM, job->req->target, ret_result, e);
}

static int vm_attach_l3_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = store_run(pool_store(job->pool), add_row_fn, job, e);

	kill_point("nic-written");
	return r < 0 ? r : plug_or_roll_back(job, ret_result, e);
}

static int vm_attach_l3_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *vm = view_get(view, KIND_VM, job->req->target);
	const char *host = vm ? object_str(vm, VM_HOST_UUID) : NULL;

	if (!vm || !nic_on(view, job->req->target, request_str(job->req, "l3NetworkUuid")))
		return error_undone(e, "the daemon ended before the NIC was attached");
	if (host)
		(void)host_wait_connected(job, host);
	return plug_or_roll_back(job, ret_result, e);
}

/* -------------------------------------------------------------------- detach */

static int nic_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *nic = request_object(view, req);
	const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));

	if (vm_is_running_or_stopped(vm))
		return 0;
	return error_set(
		e, EBUSY,
		"unable to detach a L3 network. The vm[uuid: %s] is not Running or Stopped; the current state is %s",
		object_uuid(vm), object_text(vm, VM_STATE));
}

/* Can be repeated. */
static int unplug(void *arg, struct error *e)
{
	const struct nic_work *w = arg;
	int left = job_remaining_ms(w->job);

	return hv_nic_detach(pool_hypervisor(w->job->pool), w->host, w->vm, w->device,
			     left < DETACH_MS ? left : DETACH_MS, e);
}

static int nic_detach_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *nic = view_get(view, KIND_NIC, job->req->target);
	const struct object *vm = nic ? view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID)) : NULL;
	struct nic_work w = {.job = job};
	int r = 0;

	if (!vm)
		return error_gone(e, KIND_NIC, job->req->target);
	w.host = vm_active_host(vm);
	w.vm = object_uuid(vm);
	w.device = (int)object_int(nic, NIC_DEVICE_ID);
	if (w.host)
		r = host_ask_again(job, w.host, unplug, &w, e);
	if (r < 0)
		return r;
	kill_point("nic-unplugged");
	r = vm_remove_nic(job->pool, view, nic, e);
	return r < 0 ? r : job_result_inventory(job, KIND_VM, object_uuid(vm), ret_result, e);
}

/* Detaching can be repeated. */
static int nic_detach_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *nic = view_get(view, KIND_NIC, job->req->target);
	const struct object *vm = nic ? view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID)) : NULL;

	if (!vm)
		return 0;
	if (object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	return nic_detach_run(job, ret_result, e);
}

/* ---------------------------------------------------------- addresses, MACs */

static int vm_static_ip_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *l3 = request_str(req, "l3NetworkUuid"), *ip = request_str(req, "ip");
	const struct object *nic = nic_on(view, req->target, l3);

	if (!nic)
		return error_set(e, EINVAL, "the VM[uuid:%s] has no nic on the L3 network[uuid:%s]",
				 req->target, l3);
	return object_str_is(nic, NIC_IP, ip) ? 0 : check_static_ip(view, l3, ip, "SYS.1006", e);
}

static int vm_static_ip_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *l3 = request_str(req, "l3NetworkUuid"), *ip = request_str(req, "ip");
	const struct object *before = nic_on(txn_view(t), req->target, l3);
	struct object *nic;
	char prefix[64];
	int r;

	(void)ret_result;
	if (!object_str_is(before, NIC_IP, ip)) {
		r = txn_edit(t, KIND_NIC, object_uuid(before), &nic, e);
		if (r < 0)
			return r;
		r = l3_network_allocate_ip(t, l3, ip, nic, e);
		if (r < 0) {
			object_unref(nic);
			return r;
		}
		r = txn_put(t, nic, NULL, e);
		if (r < 0)
			return r;
	}
	nic_static_ip_prefix(l3, prefix);
	return object_set_system_tag(t, KIND_VM, req->target, prefix, ip, false, e);
}

static int vm_static_ip_delete_apply(struct txn *t, const struct request *req, json_t **ret_result,
				     struct error *e)
{
	char prefix[64];
	int r;

	nic_static_ip_prefix(request_str(req, "l3NetworkUuid"), prefix);
	r = object_set_system_tag(t, KIND_VM, req->target, prefix, NULL, false, e);
	return r < 0 ? r : result_inventory(txn_view(t), KIND_VM, req->target, ret_result, e);
}

static int nic_mac_allows(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *nic = request_object(view, req);
	const struct object *vm = view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID));

	if (!object_str_is(vm, VM_TYPE, "UserVm"))
		return error_set(e, EBUSY, "The operation only allows on user vm");
	if (!object_str_is(vm, VM_STATE, vm_state_name(VM_STATE_STOPPED)))
		return error_set(e, EBUSY, "The operation only allows when vm [%s] state is stopped ",
				 object_uuid(vm));
	return 0;
}

static int nic_mac_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *nic = request_object(view, req), *other;
	char text[MAC_STRLEN];
	struct mac mac;

	if (mac_parse(request_str(req, "mac"), &mac, e) < 0)
		return -EINVAL;
	if (!mac_is_host(&mac))
		return error_set(e, EINVAL, "'%s' is not the MAC address of a NIC", request_str(req, "mac"));
	other = view_next_where(view, KIND_NIC, NIC_MAC, mac_format(&mac, text), 0);
	return other && other->id != nic->id ? nic_refuse_mac(text, e) : 0;
}

static int nic_mac_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	char text[MAC_STRLEN];
	struct object *nic;
	struct mac mac;
	int r = mac_parse(request_str(req, "mac"), &mac, e);

	(void)ret_result;
	if (r < 0)
		return r;
	r = txn_edit(t, KIND_NIC, req->target, &nic, e);
	if (r < 0)
		return r;
	object_set_str(nic, NIC_MAC, mac_format(&mac, text));
	return txn_put(t, nic, NULL, e);
}

static const struct operation get_vm_attachable_l3_network = {
	.section = "4.1.21",
	.name = "GetVmAttachableL3Network",
	.message = "org.zstack.header.vm.APIGetVmAttachableL3NetworkMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/l3-networks-candidates", NULL},
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM), {0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "L3NetworkInventory",
	.form = FORM_GET,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.where = "l3-networks-candidates",
	.flags = OP_SYNC,
	.help = "L3 networks that can be attached to the VM",
	.get = vm_l3_candidates_get,
};

static const struct operation attach_l3_network_to_vm = {
	.section = "4.1.22",
	.name = "AttachL3NetworkToVm",
	.message = "org.zstack.header.vm.APIAttachL3NetworkToVmMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/l3-networks/{l3NetworkUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM),
					 P_PATH("l3NetworkUuid", KIND_L3_NETWORK),
					 {.name = "staticIp", .type = PARAM_STRING, .in = IN_BODY},
					 {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "attach-l3-network",
	.help = "attaches an L3 network to the VM with a new NIC",
	.allows = vm_attach_l3_allows,
	.check = vm_attach_l3_check,
	.run = vm_attach_l3_run,
	.recover = vm_attach_l3_recover,
};

static const struct operation detach_l3_network_from_vm = {
	.section = "4.1.23",
	.name = "DetachL3NetworkFromVm",
	.message = "org.zstack.header.vm.APIDetachL3NetworkFromVmMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/nics/{vmNicUuid}", NULL},
	.params = (const struct param[]){P_PATH("vmNicUuid", KIND_NIC), {0}},
	.results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_NIC,
	.target = "vmNicUuid",
	.verb = "detach",
	.flags = OP_DESTROYS,
	.help = "detaches the NIC from its VM and deletes it",
	.check = nic_detach_check,
	.queue2 = nic_queue,
	.run = nic_detach_run,
	.recover = nic_detach_recover,
};

static const struct operation query_vm_nic = {
	.section = "4.1.24",
	.name = "QueryVmNic",
	.message = "org.zstack.header.vm.APIQueryVmNicMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/nics", "/vm-instances/nics/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_NIC,
	.flags = OP_SYNC,
	.help = "lists NICs",
};

static const struct operation set_vm_static_ip = {
	.section = "4.1.47",
	.name = "SetVmStaticIp",
	.message = "org.zstack.header.vm.APISetVmStaticIpMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/actions", NULL},
	.key = "setVmStaticIp",
	.params =
		(const struct param[]){
			P_PATH("vmInstanceUuid", KIND_VM),
			{.name = "l3NetworkUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .resource = KIND_L3_NETWORK},
			{.name = "ip", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "set-static-ip",
	.states = S_STOPPED,
	.help = "sets a static IP address for the NIC on an L3 network",
	.check = vm_static_ip_check,
	.apply = vm_static_ip_apply,
};

static const struct operation delete_vm_static_ip = {
	.section = "4.1.48",
	.name = "DeleteVmStaticIp",
	.message = "org.zstack.header.vm.APIDeleteVmStaticIpMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{vmInstanceUuid}/static-ips", NULL},
	.params = (const struct param[]){P_PATH("vmInstanceUuid", KIND_VM),
					 {.name = "l3NetworkUuid",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .flags = PARAM_REQUIRED | PARAM_MAYBE | PARAM_ADDRESS,
					  .resource = KIND_L3_NETWORK},
					 P_DELETE_MODE,
					 {0}},
	.own_results = (const char *const[]){"inventory:VmInstanceInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_VM,
	.target = "vmInstanceUuid",
	.verb = "delete-static-ip",
	.states = S_RUNNING | S_STOPPED | S_PAUSED,
	.help = "deletes the static IP address of the NIC on an L3 network",
	.apply = vm_static_ip_delete_apply,
};

static const struct operation update_vm_nic_mac = {
	.section = "4.1.63",
	.name = "UpdateVmNicMac",
	.message = "org.zstack.header.vm.APIUpdateVmNicMacMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/nics/{vmNicUuid}/actions", NULL},
	.key = "updateVmNicMac",
	.params =
		(const struct param[]){
			P_PATH("vmNicUuid", KIND_NIC),
			{.name = "mac", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED},
			{0}},
	.results = (const char *const[]){"inventory:VmNicInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_NIC,
	.target = "vmNicUuid",
	.verb = "update-mac",
	.help = "changes the MAC address of the NIC",
	.allows = nic_mac_allows,
	.check = nic_mac_check,
	.queue2 = nic_queue,
	.apply = nic_mac_apply,
};

const struct operation *const operations_vm_nic[] = {
	&get_vm_attachable_l3_network,
	&attach_l3_network_to_vm,
	&detach_l3_network_from_vm,
	&query_vm_nic,
	&set_vm_static_ip,
	&delete_vm_static_ip,
	&update_vm_nic_mac,
	NULL,
};
