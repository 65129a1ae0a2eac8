/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bandwidth limits of NICs (behaviour.md 4.1.25-4.1.27), in bit/s; the directions
 * are those of the guest.
 *
 * The limit is written to the NIC's row and then set on the host if the VM is
 * active. A host without traffic control cannot enforce it: then the limit stays
 * in the row for the next start on a host that can, and the answer says so. When
 * the host fails for any other reason the former limit is restored.
 */
#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/vm/nic.h"
#include "actions/vm/state.h"
#include "hypervisor/domain/nic.h"
#include "model/json.h"

#define BANDWIDTH_MAX (INT64_C(32) << 30) /* bit/s */

static const struct {
	const char *param, *direction, *sentence;
	int field;
} directions[] = {
	{"outboundBandwidth", "out", "networkOutboundBandwidth execeds the max value 32G bps", NIC_OUTBOUND},
	{"inboundBandwidth", "in", "networkInboundBandwidth execeds the max value 32G bps", NIC_INBOUND},
};

static int nic_set_qos_check(const struct view *view, const struct request *req, struct error *e)
{
	bool any = false;

	(void)view;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		any = any || request_has(req, directions[i].param);
		if (request_int(req, directions[i].param, 0) > BANDWIDTH_MAX)
			return error_set(e, EINVAL, "%s", directions[i].sentence);
	}
	return any ? 0
		   : error_set(e, EINVAL, "outboundBandwidth and inboundBandwidth must be set at lease one.");
}

static int nic_qos_get(struct pool *pool, const struct view *view, const struct request *req,
		       json_t **ret_result, struct error *e)
{
	const struct object *nic = request_object(view, req);

	(void)pool;
	*ret_result = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		if (!object_is_null(nic, directions[i].field))
			json_add_member(ret_result, directions[i].param,
					json_integer(object_int(nic, directions[i].field)));
	return *ret_result ? 0 : error_oom(e);
}

/* -------------------------------------------------------------------- change */

struct limits {
	const struct request *req;
	const struct object *before; /* out: the NIC as it was, a reference */
};

static void limits_done(struct limits *l)
{
	object_unref(l->before);
}

static int limit_fn(struct txn *t, void *arg, struct error *e)
{
	struct limits *l = arg;
	const struct object *before = request_object(txn_view(t), l->req);
	const char *removed = request_str(l->req, "direction");
	struct object *nic;
	int r = txn_edit(t, KIND_NIC, l->req->target, &nic, e);

	if (r < 0)
		return r;
	object_unref(l->before);
	l->before = object_ref(before);
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		if (removed && strcmp(removed, directions[i].direction) == 0)
			object_set_null(nic, directions[i].field);
		if (request_has(l->req, directions[i].param))
			object_set_int(nic, directions[i].field, request_int(l->req, directions[i].param, 0));
	}
	return txn_put(t, nic, NULL, e);
}

static int restore_fn(struct txn *t, void *arg, struct error *e)
{
	struct limits *l = arg;
	const struct object *now = request_object(txn_view(t), l->req);
	struct object *nic;

	if (!now)
		return 0;
	nic = object_copy(now);
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++)
		if (object_is_null(l->before, directions[i].field))
			object_set_null(nic, directions[i].field);
		else
			object_set_int(nic, directions[i].field, object_int(l->before, directions[i].field));
	return txn_put(t, nic, NULL, e);
}

/* {"applied": whether the limit is in force, "reason": why not} */
static int answer(const char *reason, json_t **ret_result, struct error *e)
{
	*ret_result = json_pack("{s:b}", "applied", reason == NULL);
	if (reason)
		json_add_member(ret_result, "reason", json_string(reason));
	return *ret_result ? 0 : error_oom(e);
}

/* Sets the limits of the row on the VM's host. */
static int push(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *nic = request_object(view, job->req);
	const struct object *vm = nic ? view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID)) : NULL;
	const char *host = vm ? vm_active_host(vm) : NULL;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r;

	if (!host)
		return answer("the VM is not running: the limit is kept for its next start", ret_result, e);
	r = hv_nic_set_bandwidth(pool_hypervisor(job->pool), host, object_uuid(vm), object_text(nic, NIC_MAC),
				 object_int(nic, NIC_INBOUND), object_int(nic, NIC_OUTBOUND), &why);
	if (r == -EOPNOTSUPP)
		return answer(
			"traffic control does not work on the host: the limit is kept for the next start on one where it does",
			ret_result, e);
	return r < 0 ? error_move(e, &why) : answer(NULL, ret_result, e);
}

static int nic_qos_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(limits_done) struct limits l = {.req = job->req};
	int r = store_run(pool_store(job->pool), limit_fn, &l, e);

	if (r < 0)
		return r;
	kill_point("nic-qos-written");
	r = push(job, ret_result, e);
	if (r < 0)
		(void)store_run(pool_store(job->pool), restore_fn, &l, NULL);
	return r;
}

/* Setting a limit can be repeated. */
static int nic_qos_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *nic = request_object(view, job->req);
	const struct object *vm = nic ? view_get(view, KIND_VM, object_str(nic, NIC_VM_UUID)) : NULL;

	if (vm && object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	return nic_qos_run(job, ret_result, e);
}

static const struct operation set_nic_qos = {
	.section = "4.1.25",
	.name = "SetNicQoS",
	.message = "org.zstack.header.vm.APISetNicQoSMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/vm-instances/{uuid}/actions", NULL},
	.key = "setNicQos",
	.key_aliases = (const char *const[]){"setNicQoS", "params.setNicQos", NULL},
	.params = (const struct param[]){P_UUID(KIND_NIC),
					 {.name = "outboundBandwidth",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .min = 8192,
					  .max = INT64_MAX},
					 {.name = "inboundBandwidth",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .min = 8192,
					  .max = INT64_MAX},
					 {0}},
	.own_results = (const char *const[]){"applied:boolean", "reason:String", NULL},
	.form = FORM_VERB,
	.kind = KIND_NIC,
	.target = "uuid",
	.verb = "set-qos",
	.help = "limits the bandwidth of the NIC, in bit/s",
	.check = nic_set_qos_check,
	.queue2 = nic_queue,
	.run = nic_qos_run,
	.recover = nic_qos_recover,
};

static const struct operation get_nic_qos = {
	.section = "4.1.26",
	.name = "GetNicQoS",
	.message = "org.zstack.header.vm.APIGetNicQoSMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/nic-qos", NULL},
	.route_aliases = (const char *const[]){"GET /vm-instances/{uuid}/QoS",
					       "GET /vm-instances/{uuid}/nic-QoS", NULL},
	.params = (const struct param[]){P_UUID(KIND_NIC), {0}},
	.results = (const char *const[]){"outboundBandwidth:long", "inboundBandwidth:long", NULL},
	.form = FORM_GET,
	.kind = KIND_NIC,
	.target = "uuid",
	.where = "nic-qos",
	.flags = OP_SYNC,
	.help = "bandwidth limits of the NIC, in bit/s",
	.get = nic_qos_get,
};

static const struct operation delete_nic_qos = {
	.section = "4.1.27",
	.name = "DeleteNicQoS",
	.message = "org.zstack.header.vm.APIDeleteNicQoSMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/vm-instances/{uuid}/nic-qos", NULL},
	.route_aliases = (const char *const[]){"DELETE /vm-instances/{uuid}/nic-QoS", NULL},
	.params = (const struct param[]){P_UUID(KIND_NIC),
					 {.name = "direction",
					  .type = PARAM_STRING,
					  .in = IN_QUERY,
					  .flags = PARAM_REQUIRED,
					  .values = (const char *const[]){"in", "out", NULL}},
					 {0}},
	.own_results = (const char *const[]){"applied:boolean", "reason:String", NULL},
	.form = FORM_VERB,
	.kind = KIND_NIC,
	.target = "uuid",
	.verb = "delete-qos",
	.help = "removes the bandwidth limit of one direction",
	.queue2 = nic_queue,
	.run = nic_qos_run,
	.recover = nic_qos_recover,
};

const struct operation *const operations_vm_nic_qos[] = {
	&set_nic_qos,
	&get_nic_qos,
	&delete_nic_qos,
	NULL,
};
