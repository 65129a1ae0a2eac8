/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the state of hosts, deleting them, and their total capacity. */
#include <string.h>

#include "actions/cascade/host_remove.h"
#include "actions/engine/job_run.h"
#include "actions/engine/result.h"
#include "actions/host/topology.h"
#include "actions/host/wait.h"
#include "actions/operations/table.h"
#include "actions/vm/placement.h"
#include "actions/vm/stops.h"
#include "model/json.h"
#include "model/states.h"

/* ------------------------------------------------------------------- states */

struct state_change {
	const char *host;
	const char *state; /* NULL: back from PreMaintenance to the former one */
};

/* A host that the end of the daemon has left PreMaintenance keeps its former state; one of an older program has none. */
static int put_state(struct txn *t, void *arg, struct error *e)
{
	const struct state_change *change = arg;
	char former[32];
	struct object *host;
	const char *known;
	int r = txn_edit(t, KIND_HOST, change->host, &host, e);

	if (r < 0)
		return r;
	known = object_str(host, object_str_is(host, HOST_STATE, STATE_PRE_MAINTENANCE) ? HOST_FORMER_STATE
											: HOST_STATE);
	snprintf(former, sizeof(former), "%s", known ? known : STATE_DISABLED);
	object_set_str(host, HOST_STATE, change->state ? change->state : former);
	object_set_str(host, HOST_FORMER_STATE,
		       object_str_is(host, HOST_STATE, STATE_PRE_MAINTENANCE) ? former : NULL);
	return txn_put(t, host, NULL, e);
}

static int set_state(struct job *job, const char *state, struct error *e)
{
	struct state_change change = {job->req->target, state};

	return store_run(pool_store(job->pool), put_state, &change, e);
}

static int host_change_state_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *host = request_object(view, req);
	const char *event = request_str(req, "stateEvent");

	if (!host || strcmp(event, "maintain") != 0 || host_can_serve(host, req, e))
		return 0;
	return error_set(e, EBUSY, "can not maintain host[uuid:%s, status:%s]which is not Connected",
			 req->target, object_text(host, HOST_STATUS));
}

/* PreMaintenance keeps new VMs off the host while its VMs are being stopped. */
static int maintain(struct job *job, struct error *e)
{
	int r = set_state(job, STATE_PRE_MAINTENANCE, e);

	if (r == 0)
		r = vm_stop_all(job, vm_runs_on, job->req->target, e);
	if (r == 0)
		return set_state(job, STATE_MAINTENANCE, e);
	error_wrap(e, "HOST.1001");
	(void)set_state(job, NULL, NULL);
	return r;
}

static int host_change_state_run(struct job *job, json_t **ret_result, struct error *e)
{
	const char *event = request_str(job->req, "stateEvent");
	int r = strcmp(event, "maintain") == 0
			? maintain(job, e)
			: set_state(job, strcmp(event, "enable") == 0 ? STATE_ENABLED : STATE_DISABLED, e);

	return r < 0 ? r : job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
}

/* Some VMs may be stopped, others not: it goes on with these, and the host gets no new ones meanwhile. */
static int host_change_state_recover(struct job *job, json_t **ret_result, struct error *e)
{
	int r;

	if (strcmp(request_str(job->req, "stateEvent"), "maintain") != 0)
		return host_change_state_run(job, ret_result, e);
	(void)host_wait_connected(job, job->req->target);
	if (!job_should_stop(job) && job_may_go_on(job))
		return host_change_state_run(job, ret_result, e);
	r = set_state(job, NULL, e);
	return r < 0 ? r
		     : error_undone(
			       e,
			       "poolfs ended while the VMs of the host were being stopped; the host is no longer PreMaintenance");
}

/* ----------------------------------------------------------------- deletion */

static int host_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return host_remove(job, job->req->target, request_is_enforcing(job->req), e);
}

/* ------------------------------------------------------------------ capacity */

static int host_capacity_get(struct pool *pool, const struct view *view, const struct request *req,
			     json_t **ret_result, struct error *e)
{
	int64_t total_cpu = 0, cpu = 0, total_memory = 0, memory = 0, managed = 0;

	(void)pool;
	view_for_each (host, view, KIND_HOST) {
		if (!host_is_usable(host) ||
		    !request_list_has(req, "zoneUuids", object_text(host, HOST_ZONE_UUID)) ||
		    !request_list_has(req, "clusterUuids", object_text(host, HOST_CLUSTER_UUID)) ||
		    !request_list_has(req, "hostUuids", object_uuid(host)))
			continue;
		total_cpu += object_int(host, HOST_TOTAL_CPU);
		cpu += object_int(host, HOST_AVAILABLE_CPU);
		managed += object_int(host, HOST_CPU_NUM);
		total_memory += object_int(host, HOST_TOTAL_MEMORY);
		memory += object_int(host, HOST_AVAILABLE_MEMORY);
	}
	*ret_result = json_pack("{s:I, s:I, s:I, s:I, s:I}", "totalCpu", (json_int_t)total_cpu,
				"availableCpu", (json_int_t)cpu, "totalMemory", (json_int_t)total_memory,
				"availableMemory", (json_int_t)memory, "managedCpuNum", (json_int_t)managed);
	return *ret_result ? 0 : error_oom(e);
}

static int host_strategies_get(struct pool *pool, const struct view *view, const struct request *req,
			       json_t **ret_result, struct error *e)
{
	_cleanup_json_ json_t *list = json_array();

	(void)pool, (void)view, (void)req;
	if (!list)
		return error_oom(e);
	for (size_t i = 0; placement_strategy(i); i++)
		if (json_array_append_new(list, json_string(placement_strategy(i))) < 0)
			return error_oom(e);
	*ret_result = json_pack("{s:O}", "strategies", list);
	return *ret_result ? 0 : error_oom(e);
}

static const struct operation delete_host = {
	.section = "5.1",
	.name = "DeleteHost",
	.message = "org.zstack.header.host.APIDeleteHostMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/hosts/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_HOST), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_HOST,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the host; its VMs are stopped, those on its local storage are removed",
	.run = host_delete_run,
	.recover = host_delete_run,
};

static const struct operation change_host_state = {
	.section = "5.1",
	.name = "ChangeHostState",
	.message = "org.zstack.header.host.APIChangeHostStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/hosts/{uuid}/actions", NULL},
	.key = "changeHostState",
	.params = (const struct param[]){P_UUID(KIND_HOST),
					 {.name = "stateEvent",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .values = (const char *const[]){"enable", "disable", "maintain",
									  NULL}},
					 {0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_HOST,
	.target = "uuid",
	.verb = "change-state",
	.flags = OP_ADMIN,
	.help = "changes the state of the host",
	.check = host_change_state_check,
	.run = host_change_state_run,
	.recover = host_change_state_recover,
};

static const struct operation get_cpu_memory_capacity = {
	.section = "5.1",
	.name = "GetCpuMemoryCapacity",
	.message = "org.zstack.header.allocator.APIGetCpuMemoryCapacityMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/hosts/capacities/cpu-memory", NULL},
	.params = (const struct param[]){{.name = "zoneUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_ZONE},
					 {.name = "clusterUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_CLUSTER},
					 {.name = "hostUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_HOST},
					 {.name = "all", .type = PARAM_BOOL, .in = IN_QUERY},
					 {0}},
	.results = (const char *const[]){"totalCpu:long", "availableCpu:long", "totalMemory:long",
					 "availableMemory:long", "managedCpuNum:int", NULL},
	.form = FORM_COLLECTION_GET,
	.kind = KIND_HOST,
	.where = "hosts/capacities/cpu-memory",
	.flags = OP_SYNC,
	.help = "CPUs and bytes of memory of the hosts, total and free",
	.get = host_capacity_get,
};

static const struct operation get_host_allocator_strategies = {
	.section = "5.1",
	.name = "GetHostAllocatorStrategies",
	.message = "org.zstack.header.allocator.APIGetHostAllocatorStrategiesMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/hosts/allocators/strategies", NULL},
	.results = (const char *const[]){"strategies:List", NULL},
	.form = FORM_COLLECTION_GET,
	.kind = KIND_HOST,
	.where = "hosts/allocators/strategies",
	.flags = OP_SYNC,
	.help = "strategies by which a host can be chosen for a VM",
	.get = host_strategies_get,
};

const struct operation *const operations_host_state[] = {
	&delete_host, &change_host_state, &get_cpu_memory_capacity, &get_host_allocator_strategies, NULL,
};
