/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding, updating and reconnecting hosts.
 *
 * Adding a host writes the description of a simulated host, writes the row with
 * status Connecting, opens the connection and waits for its first report. A failure
 * rolls everything back. ssh passwords are neither used nor stored: the daemon's
 * user needs a key that the host accepts.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/fence_command.h"
#include "actions/host/host.h"
#include "actions/host/simulator.h"
#include "actions/host/uri.h"
#include "actions/network/ipv4.h"
#include "actions/operations/table.h"
#include "hypervisor/host_uri.h"
#include "hypervisor/hypervisor.h"
#include "model/json.h"
#include "model/states.h"

/* How long a new host may take to connect. */
#define CONNECT_TIMEOUT_S 30

/* ------------------------------------------------------- reports of the host */

static int set_connecting(struct txn *t, void *uuid, struct error *e)
{
	return host_set_status(t, uuid, STATUS_CONNECTING, "connecting", e);
}

/*
 * Waits until the host, whose status was set to Connecting, has reported. Another thread commits the
 * report, so this looks at the newest view ten times a second.
 */
static int wait_for_report(struct job *job, const char *uuid, struct error *e)
{
	static const struct timespec pause = {.tv_nsec = NS_PER_S / 10};
	int64_t give_up = store_now() + CONNECT_TIMEOUT_S * NS_PER_S;

	for (;;) {
		/* first: then the view is not older than the beginning */
		bool begun = !hv_host_is_to_reconnect(pool_hypervisor(job->pool), uuid);
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *host = view_get(view, KIND_HOST, uuid);

		if (!host)
			return error_gone(e, KIND_HOST, uuid);
		if (begun && object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
			return 0;
		if (begun && object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED))
			return error_set_code(e, ENOTCONN, "HOST.1003", "%s",
					      object_text(host, HOST_STATUS_REASON));
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		if (store_now() > give_up)
			return error_set_code(e, ETIMEDOUT, "HOST.1003",
					      "'%s' did not answer within %d seconds",
					      object_text(host, HOST_URI), CONNECT_TIMEOUT_S);
		(void)nanosleep(&pause, NULL);
	}
}

/* ------------------------------------------------------------------ checks */

static bool is_address(const char *text)
{
	uint32_t address;

	return ipv4_parse(text, &address, NULL) == 0 || host_name_is_valid(text);
}

/* A managementIp must be an address or a host name, and unique; the host @own_uuid (or NULL) may have it. */
static int check_address(const struct view *view, const char *address, const char *own_uuid, struct error *e)
{
	if (!is_address(address))
		return error_set(e, EINVAL,
				 "managementIp[%s] is neither an IPv4 address nor a valid hostname", address);
	view_for_each_where (host, view, KIND_HOST, HOST_MANAGEMENT_IP, address)
		if (!own_uuid || strcmp(object_uuid(host), own_uuid) != 0)
			return error_set_code(e, EEXIST, "SYS.1007",
					      "there has been a host having managementIp[%s]", address);
	return 0;
}

/* Two hosts with one URI would be the same machine: its capacity would be reserved twice. */
static int check_uri(const struct view *view, const char *uri, struct error *e)
{
	int r = hv_uri_check(uri, e);

	if (r < 0)
		return r;
	view_for_each (host, view, KIND_HOST)
		if (object_str_is(host, HOST_URI, uri))
			return error_set_code(e, EEXIST, "SYS.1007", "host '%s' already has the uri '%s'",
					      object_name(host), uri);
	return 0;
}

static int check_user(const char *user, struct error *e)
{
	for (const char *p = user; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return error_set(e, EINVAL, "'%s' is not a user name", user);
	return *user ? 0 : error_set(e, EINVAL, "field[username] cannot be an empty string");
}

/* How the operations that add hosts differ; `.data` of their rows. */
struct addition {
	const char *type; /* hypervisorType, "Simulator" or "KVM"; NULL = follows from the URI */
	/* The URI of the new host, allocated. For a simulated host also writes its description. */
	int (*make_uri)(struct job *job, char **ret_uri, struct error *e);
};

static const char *wanted_type(const struct request *req)
{
	const struct addition *how = req->op->data;

	return how->type ? how->type : host_hypervisor_type_of_uri(request_str(req, "uri"));
}

static int host_add_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *cluster = view_get(view, KIND_CLUSTER, request_str(req, "clusterUuid"));
	const char *type = wanted_type(req), *uri = request_str(req, "uri");
	const char *user = request_str(req, "username");
	_cleanup_free_ char *of_uri = uri ? host_address_of_uri(uri) : NULL;
	const char *address = request_has(req, "managementIp") ? request_str(req, "managementIp") : of_uri;
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	r = uri ? check_uri(view, uri, e) : 0;
	if (r < 0)
		return r;
	r = address ? check_address(view, address, NULL, e) : 0;
	if (r < 0)
		return r;
	r = user ? check_user(user, e) : 0;
	if (r < 0)
		return r;
	if (request_int(req, "cpuCapacity", 0) > HOST_SIMULATOR_CPUS_MAX)
		return error_set(e, ERANGE, "a simulated host has at most %d CPUs", HOST_SIMULATOR_CPUS_MAX);
	if (!object_str_is(cluster, CLUSTER_HYPERVISOR_TYPE, type))
		return error_set(
			e, EINVAL,
			"a host with hypervisorType[%s] cannot be in cluster[uuid:%s] with hypervisorType[%s]",
			type, object_uuid(cluster), object_text(cluster, CLUSTER_HYPERVISOR_TYPE));
	return 0;
}

/* ------------------------------------------------------------------ adding */

struct add {
	const struct request *req;
	const char *uri;     /* borrowed */
	const char *address; /* borrowed */
};

static int insert_host(struct txn *t, void *arg, struct error *e)
{
	const struct add *add = arg;
	const struct object *cluster =
		view_get(txn_view(t), KIND_CLUSTER, request_str(add->req, "clusterUuid"));
	_cleanup_json_ json_t *result = NULL;
	struct object *host;
	int r;

	if (!cluster)
		return error_gone(e, KIND_CLUSTER, request_str(add->req, "clusterUuid"));
	r = object_from_request(txn_view(t), KIND_HOST, add->req, &host, e);
	if (r < 0)
		return r;
	object_set_str(host, HOST_ZONE_UUID, object_str(cluster, CLUSTER_ZONE_UUID));
	object_set_str(host, HOST_HYPERVISOR_TYPE, object_str(cluster, CLUSTER_HYPERVISOR_TYPE));
	object_set_str(host, HOST_URI, add->uri);
	object_set_str(host, HOST_MANAGEMENT_IP, add->address);
	object_set_str(host, HOST_STATE, STATE_ENABLED);
	object_set_str(host, HOST_STATUS, STATUS_CONNECTING);
	object_set_str(host, HOST_STATUS_REASON, "connecting");
	return object_create(t, host, add->req, &result, e);
}

static char *ssh_uri(const char *user, const char *address, int64_t port)
{
	char *uri;

	/* no_tty: ssh fails instead of asking for a password */
	return asprintf(&uri, "qemu+ssh://%s@%s:%" PRId64 "/system?no_tty=1", user, address, port) < 0 ? NULL
												       : uri;
}

static int given_uri(struct job *job, char **ret_uri, struct error *e)
{
	*ret_uri = strdup(request_str(job->req, "uri"));
	return *ret_uri ? 0 : error_oom(e);
}

static int kvm_uri(struct job *job, char **ret_uri, struct error *e)
{
	const struct request *req = job->req;

	*ret_uri = ssh_uri(request_str(req, "username"), request_str(req, "managementIp"),
			   request_int(req, "sshPort", 22));
	return *ret_uri ? 0 : error_oom(e);
}

static int simulator_uri(struct job *job, char **ret_uri, struct error *e)
{
	const struct request *req = job->req;

	return host_simulator_describe(job->pool, req->target, request_int(req, "cpuCapacity", 0),
				       request_int(req, "memoryCapacity", 0), ret_uri, e);
}

static const struct addition kvm = {.type = "KVM", .make_uri = kvm_uri};
static const struct addition any = {.make_uri = given_uri};
static const struct addition simulated = {.type = "Simulator", .make_uri = simulator_uri};

/* Removes what a failed addition has left: the connection, the row, the description. */
static void forget(struct pool *pool, const char *uuid)
{
	struct object_key key = {KIND_HOST, uuid};

	hv_host_remove(pool_hypervisor(pool), uuid);
	if (store_run(pool_store(pool), object_remove_key, &key, NULL) == 0)
		host_simulator_forget(pool, uuid);
}

/* Writes the row of the new host, connects and waits for the report. Failures leave what they have done. */
static int add_host_row(struct job *job, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_free_ char *uri = NULL, *of_uri = NULL;
	const struct addition *how = job->req->op->data;
	struct add add = {.req = job->req};
	int r = how->make_uri(job, &uri, e);

	if (r < 0)
		return r;
	of_uri = host_address_of_uri(uri);
	add.uri = uri;
	add.address = request_has(job->req, "managementIp") ? request_str(job->req, "managementIp")
		      : of_uri				    ? of_uri
							    : "127.0.0.1";
	kill_point("host-described");
	r = store_run(pool_store(job->pool), insert_host, &add, e);
	if (r < 0)
		return r;
	kill_point("host-written");
	r = hv_host_add(pool_hypervisor(job->pool), uuid, uri, e);
	return r < 0 ? r : wait_for_report(job, uuid, e);
}

static int host_add_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = add_host_row(job, e);

	if (r < 0) {
		forget(job->pool, job->req->target);
		return r;
	}
	return job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
}

static int host_add_recover(struct job *job, json_t **ret_result, struct error *e)
{
	const char *uuid = job->req->target;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *host = view_get(view, KIND_HOST, uuid);
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r;

	/* The daemon connects to all hosts when it starts. */
	r = host ? wait_for_report(job, uuid, &why) : -EINTR;
	/* A host that has been connected may be in use. */
	if (r == 0 || (host && !object_is_null(host, HOST_CPU_NUM)))
		return job_result_inventory(job, KIND_HOST, uuid, ret_result, e);
	forget(job->pool, uuid);
	return host ? error_move(e, &why) : error_undone(e, "poolfs ended before the host had a row");
}

/* --------------------------------------------------- reconnecting, updating */

static int host_reconnect_run(struct job *job, json_t **ret_result, struct error *e)
{
	char *uuid = job->req->target;
	int r = store_run(pool_store(job->pool), set_connecting, uuid, e);

	kill_point("host-connecting");
	if (r < 0)
		return r;
	r = hv_host_reconnect(pool_hypervisor(job->pool), uuid, e);
	if (r < 0)
		return r;
	r = wait_for_report(job, uuid, e);
	return r < 0 ? r : job_result_inventory(job, KIND_HOST, uuid, ret_result, e);
}

/* As for a new host, this only waits for the report. */
static int host_reconnect_recover(struct job *job, json_t **ret_result, struct error *e)
{
	int r = wait_for_report(job, job->req->target, e);

	return r < 0 ? r : job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
}

static int host_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const char *address = request_str(req, "managementIp"), *command = request_str(req, "fenceCommand");
	int r = command && *command ? fence_command_check_path(command, e) : 0;

	if (r < 0)
		return r;
	return address ? check_address(view, address, req->target, e) : 0;
}

/* True when the request changes the address in the URI of a host that was added by address and user. */
static bool moves(const struct view *view, const struct request *req)
{
	const struct object *host = request_object(view, req);
	const char *address = request_str(req, "managementIp");

	return host && address && object_str(host, HOST_USERNAME) &&
	       !object_str_is(host, HOST_MANAGEMENT_IP, address);
}

static int host_update_apply(struct txn *t, const struct request *req, json_t **ret_result, struct error *e)
{
	const char *command = request_str(req, "fenceCommand");

	/* A worker looks at the file of the command. */
	return moves(txn_view(t), req) || (command && *command) ? OP_NEEDS_RUN
								: object_update_apply(t, req, ret_result, e);
}

struct move {
	const struct request *req;
	char *uri; /* owned: the new URI of the host */
};

static void move_done(struct move *move)
{
	free(move->uri);
}

static int move_host(struct txn *t, void *arg, struct error *e)
{
	struct move *move = arg;
	struct object *host;
	int r = object_update_fn(t, (void *)(uintptr_t)move->req, e);

	if (r < 0)
		return r;
	r = txn_edit(t, KIND_HOST, move->req->target, &host, e);
	if (r < 0)
		return r;
	free(move->uri);
	move->uri = ssh_uri(object_text(host, HOST_USERNAME), object_text(host, HOST_MANAGEMENT_IP),
			    object_int(host, HOST_SSH_PORT));
	object_set_str(host, HOST_URI, move->uri);
	object_set_str(host, HOST_STATUS, STATUS_CONNECTING);
	object_set_str(host, HOST_STATUS_REASON, "connecting");
	if (!move->uri) {
		object_unref(host);
		return error_oom(e);
	}
	return txn_put(t, host, NULL, e);
}

static int host_update_run(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_(move_done) struct move move = {.req = job->req};
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const char *command = request_str(job->req, "fenceCommand");
	int r = command && *command ? fence_command_check_file(command, e) : 0;

	if (r < 0)
		return r;
	if (!moves(view, job->req)) {
		r = store_run(pool_store(job->pool), object_update_fn, job->req, e);
		return r < 0 ? r : job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
	}
	r = store_run(pool_store(job->pool), move_host, &move, e);
	if (r < 0)
		return r;
	hv_host_remove(pool_hypervisor(job->pool), job->req->target);
	r = hv_host_add(pool_hypervisor(job->pool), job->req->target, move.uri, e);
	return r < 0 ? r : job_result_inventory(job, KIND_HOST, job->req->target, ret_result, e);
}

static const struct operation add_kvm_host = {
	.section = "5.1",
	.name = "AddKVMHost",
	.message = "org.zstack.kvm.APIAddKVMHostMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/hosts/kvm", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "managementIp",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 {.name = "clusterUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_CLUSTER},
					 {.name = "username",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 {.name = "password",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED | PARAM_SECRET,
					  .max_length = 255},
					 {.name = "sshPort",
					  .type = PARAM_INT,
					  .in = IN_BODY,
					  .min = 1,
					  .max = 65535,
					  .default_value = "22"},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_HOST,
	.where = "hosts/kvm",
	.flags = OP_ADMIN,
	.error_code = "HOST.1000",
	.help = "adds a host that is reached by ssh with the key of the daemon; the password is ignored",
	.data = &kvm,
	.check = host_add_check,
	.run = host_add_run,
	.recover = host_add_recover,
};

static const struct operation add_host = {
	.section = "5.1",
	.name = "AddHost",
	.message = "org.zstack.header.host.APIAddHostMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/hosts", NULL},
	.key = "params",
	.params =
		(const struct param[]){
			P_NAME,
			P_DESCRIPTION,
			{.name = "uri",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .max_length = 1024},
			{.name = "clusterUuid",
			 .type = PARAM_STRING,
			 .in = IN_BODY,
			 .flags = PARAM_REQUIRED,
			 .resource = KIND_CLUSTER},
			{.name = "managementIp", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			P_RESOURCE_UUID,
			{0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_HOST,
	.where = "hosts",
	.flags = OP_ADMIN,
	.error_code = "HOST.1000",
	.help = "adds a host by its libvirt URI",
	.data = &any,
	.check = host_add_check,
	.run = host_add_run,
	.recover = host_add_recover,
};

static const struct operation add_simulator_host = {
	.section = "5.1",
	.name = "AddSimulatorHost",
	.message = "org.zstack.header.simulator.APIAddSimulatorHostMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/hosts/simulators", NULL},
	.key = "params",
	.params = (const struct param[]){P_NAME,
					 P_DESCRIPTION,
					 {.name = "managementIp",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .max_length = 255},
					 {.name = "clusterUuid",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .resource = KIND_CLUSTER},
					 {.name = "memoryCapacity",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .min = 1,
					  .max = INT64_MAX},
					 {.name = "cpuCapacity",
					  .type = PARAM_LONG,
					  .in = IN_BODY,
					  .min = 1,
					  .max = INT64_MAX},
					 P_RESOURCE_UUID,
					 {0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_CREATE,
	.kind = KIND_HOST,
	.where = "hosts/simulators",
	.flags = OP_ADMIN,
	.error_code = "HOST.1000",
	.help = "adds a simulated host",
	.data = &simulated,
	.check = host_add_check,
	.run = host_add_run,
	.recover = host_add_recover,
};

static const struct operation query_host = {
	.section = "5.1",
	.name = "QueryHost",
	.message = "org.zstack.header.host.APIQueryHostMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/hosts", "/hosts/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_HOST,
	.flags = OP_SYNC,
	.help = "lists hosts",
};

static const struct operation update_host = {
	.section = "5.1",
	.name = "UpdateHost",
	.message = "org.zstack.header.host.APIUpdateHostMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/hosts/{uuid}/actions", NULL},
	.key = "updateHost",
	.params =
		(const struct param[]){
			P_UUID(KIND_HOST),
			P_NEW_NAME,
			P_DESCRIPTION,
			{.name = "managementIp", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
			P_FENCE_COMMAND,
			{0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_HOST,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the host's name, description, address or fence command",
	.check = host_update_check,
	.apply = host_update_apply,
	.run = host_update_run,
	.recover = host_update_run,
};

static const struct operation reconnect_host = {
	.section = "5.1",
	.name = "ReconnectHost",
	.message = "org.zstack.header.host.APIReconnectHostMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/hosts/{uuid}/actions", NULL},
	.key = "reconnectHost",
	.params = (const struct param[]){P_UUID(KIND_HOST), {0}},
	.results = (const char *const[]){"inventory:HostInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_HOST,
	.target = "uuid",
	.verb = "reconnect",
	.flags = OP_ADMIN,
	.error_code = "HOST.1002",
	.help = "closes the connection to the host and opens it again",
	.run = host_reconnect_run,
	.recover = host_reconnect_recover,
};

const struct operation *const operations_host[] = {
	&add_kvm_host, &add_host, &add_simulator_host, &query_host, &update_host, &reconnect_host, NULL,
};
