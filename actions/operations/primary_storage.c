/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Primary storage, which holds volumes: adding, changing, reconnecting (behaviour.md
 * 5.2). Adding one only writes a row; the hosts open it when it is attached to their
 * cluster (operations/primary_storage_attach.c).
 */
#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/topology.h"
#include "actions/network/host_prepare.h"
#include "actions/operations/table.h"
#include "actions/storage/primary_storage.h"
#include "actions/storage/storage_type.h"
#include "actions/storage/url.h"
#include "hypervisor/storage/pool.h"
#include "model/json.h"
#include "model/states.h"

/* ------------------------------------------------------------------- adding */

/* Checks the url of a storage of @type in @zone; @self is the storage itself, or NULL. */
static int check_url(const struct view *view, const struct storage_type *type, const char *url,
		     const char *zone, const char *self, struct error *e)
{
	_cleanup_free_ char *plain = storage_plain_url(url);
	int r;

	if (!plain)
		return error_oom(e);
	r = type->check_url(plain, e);
	if (r < 0)
		return r;
	view_for_each_where (ps, view, KIND_PRIMARY_STORAGE, PRIMARY_STORAGE_ZONE_UUID, zone)
		if ((!self || strcmp(object_uuid(ps), self) != 0) &&
		    object_str_is(ps, PRIMARY_STORAGE_URL, plain))
			return error_set_code(
				e, EEXIST, "SYS.1007",
				"there has been a primary storage[uuid:%s] having url[%s] in zone[uuid:%s]",
				object_uuid(ps), plain, zone);
	return 0;
}

static int primary_storage_add_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct storage_type *type = req->op->data;
	const char *given = request_str(req, "type");
	int r = object_check_uuid(view, req, e);

	if (r < 0)
		return r;
	if (given && strcmp(given, type->name) != 0)
		return error_set(e, EINVAL, "type '%s' must be '%s' here", given, type->name);
	return check_url(view, type, request_str(req, "url"), request_str(req, "zoneUuid"), NULL, e);
}

static int insert(struct txn *t, void *arg, struct error *e)
{
	const struct job *job = arg;
	const struct storage_type *type = job->req->op->data;
	_cleanup_free_ char *url = storage_plain_url(request_str(job->req, "url"));
	_cleanup_free_ char *path =
		url ? primary_storage_mount_path(pool_state_dir(job->pool), type, url, job->req->target)
		    : NULL;
	_cleanup_json_ json_t *result = NULL;
	struct object *ps;
	int r;

	if (!path)
		return error_oom(e);
	r = object_from_request(txn_view(t), KIND_PRIMARY_STORAGE, job->req, &ps, e);
	if (r < 0)
		return r;
	object_set_str(ps, PRIMARY_STORAGE_URL, url);
	object_set_str(ps, PRIMARY_STORAGE_TYPE, type->name);
	object_set_str(ps, PRIMARY_STORAGE_MOUNT_PATH, path);
	object_set_str(ps, PRIMARY_STORAGE_STATE, STATE_ENABLED);
	object_set_str(ps, PRIMARY_STORAGE_STATUS, STATUS_CONNECTED);
	object_set_int(ps, PRIMARY_STORAGE_TOTAL, 0);
	object_set_int(ps, PRIMARY_STORAGE_AVAILABLE, 0);
	object_set_int(ps, PRIMARY_STORAGE_TOTAL_PHYSICAL, 0);
	object_set_int(ps, PRIMARY_STORAGE_AVAILABLE_PHYSICAL, 0);
	object_set_int(ps, PRIMARY_STORAGE_SYSTEM_USED, 0);
	return object_create(t, ps, job->req, &result, e);
}

static int primary_storage_add_run(struct job *job, json_t **ret_result, struct error *e)
{
	int r = store_run(pool_store(job->pool), insert, job, e);

	return r < 0 ? r : job_result_inventory(job, KIND_PRIMARY_STORAGE, job->req->target, ret_result, e);
}

/* The row is written in one change, so it exists or not. */
static int primary_storage_add_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	if (view_get(view, KIND_PRIMARY_STORAGE, job->req->target))
		return result_inventory(view, KIND_PRIMARY_STORAGE, job->req->target, ret_result, e);
	return error_undone(e, "the daemon ended before the primary storage was added");
}

/* ----------------------------------------------------------- update, state */

/* The files do not move with the url, so it can be changed only while the storage is unused. */
static int primary_storage_update_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *ps = request_object(view, req);
	const char *url = request_str(req, "url");
	_cleanup_free_ char *plain = url ? storage_plain_url(url) : NULL;
	const char *uuid = req->target;

	if (!plain || !ps || object_str_is(ps, PRIMARY_STORAGE_URL, plain))
		return 0;
	if (view_next_where(view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID, uuid, 0) ||
	    view_next_where(view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, uuid, 0) ||
	    view_next_where(view, KIND_IMAGE_CACHE, IMAGE_CACHE_PRIMARY_STORAGE_UUID, uuid, 0))
		return error_set(
			e, EBUSY,
			"the url of primary storage '%s' can only be changed while it is attached to no cluster and holds no volume or cached image",
			object_name(ps));
	return check_url(view, storage_type_of(ps), url, object_text(ps, PRIMARY_STORAGE_ZONE_UUID), uuid, e);
}

static int primary_storage_update_apply(struct txn *t, const struct request *req, json_t **ret_result,
					struct error *e)
{
	const char *url = request_str(req, "url");
	_cleanup_free_ char *plain = url ? storage_plain_url(url) : NULL;
	struct object *copy;
	int r = object_update_apply(t, req, ret_result, e);

	if (r < 0 || !url)
		return r;
	if (!plain)
		return error_oom(e);
	r = txn_edit(t, KIND_PRIMARY_STORAGE, req->target, &copy, e);
	if (r < 0)
		return r;
	object_set_str(copy, PRIMARY_STORAGE_URL, plain);
	if (!storage_type_of(copy)->own_mount)
		object_set_str(copy, PRIMARY_STORAGE_MOUNT_PATH, plain);
	return txn_put(t, copy, NULL, e);
}

static int primary_storage_change_state_apply(struct txn *t, const struct request *req, json_t **ret_result,
					      struct error *e)
{
	static const struct {
		const char *event, *state;
	} states[] = {
		{"enable", STATE_ENABLED},
		{"disable", STATE_DISABLED},
		{"maintain", STATE_MAINTENANCE},
		{"deleting", STATE_DELETING},
	};
	const char *event = request_str(req, "stateEvent");
	struct object *copy;
	int r = txn_edit(t, KIND_PRIMARY_STORAGE, req->target, &copy, e);

	(void)ret_result;
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].event, event) == 0)
			object_set_str(copy, PRIMARY_STORAGE_STATE, states[i].state);
	return txn_put(t, copy, NULL, e);
}

/* --------------------------------------------------------------- reconnect */

static int set_disconnected(struct txn *t, void *arg, struct error *e)
{
	const struct object *ps = view_get(txn_view(t), KIND_PRIMARY_STORAGE, arg);
	struct object *copy;

	if (!ps)
		return 0;
	copy = object_copy(ps);
	object_set_str(copy, PRIMARY_STORAGE_STATUS, STATUS_DISCONNECTED);
	return txn_put(t, copy, NULL, e);
}

/*
 * The storage is Connected when one host can open it; without connected hosts its status does not change. A host that cannot
 * says so. Serves as its own recover function: it writes the present state, and a host that connects later opens the storage
 * then.
 */
static int primary_storage_reconnect_run(struct job *job, json_t **ret_result, struct error *e)
{
	char *uuid = job->req->target;
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, uuid);
	_cleanup_(error_done) struct error first = ERROR_INIT;
	int opened = 0, r;

	if (!ps)
		return error_gone(e, KIND_PRIMARY_STORAGE, uuid);
	for (const struct object *host = primary_storage_next_host(view, uuid, 0); host;
	     host = primary_storage_next_host(view, uuid, host->id)) {
		_cleanup_(error_done) struct error why = ERROR_INIT;

		if (primary_storage_open_pool(job->pool, ps, object_uuid(host), &why) == 0) {
			opened++;
			continue;
		}
		host_note_failure(job->pool, object_uuid(host), &why);
		if (!error_is_set(&first))
			(void)error_move(&first, &why);
	}
	hosts_prepare_again(job->pool);
	kill_point("storage-reopened");
	if (opened == 0 && error_is_set(&first)) {
		r = store_run(pool_store(job->pool), set_disconnected, uuid, e);
		if (r < 0)
			return r;
		error_wrap(&first, "PS.1003");
		return error_move(e, &first);
	}
	r = opened ? primary_storage_measure(job->pool, uuid, NULL, e) : 0;
	return r < 0 ? r : job_result_inventory(job, KIND_PRIMARY_STORAGE, uuid, ret_result, e);
}

/* ------------------------------------------------------------------ capacity */

/* True when the list contains @uuid, or is absent or empty. */
static bool list_allows(const json_t *list, const char *uuid)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		if (strcmp(json_string_value(item), uuid) == 0)
			return true;
	}
	return json_array_size(list) == 0;
}

static bool is_in_clusters(const struct view *view, const struct object *ps, const json_t *clusters)
{
	view_for_each_where (link, view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID,
			     object_uuid(ps))
		if (list_allows(clusters, object_text(link, CLUSTER_PS_CLUSTER_UUID)))
			return true;
	return json_array_size(clusters) == 0;
}

static int primary_storage_capacity_get(struct pool *pool, const struct view *view, const struct request *req,
					json_t **ret_result, struct error *e)
{
	json_int_t total = 0, available = 0, total_physical = 0, available_physical = 0;

	(void)pool;
	view_for_each (ps, view, KIND_PRIMARY_STORAGE) {
		if (!list_allows(request_list(req, "primaryStorageUuids"), object_uuid(ps)) ||
		    !list_allows(request_list(req, "zoneUuids"),
				 object_text(ps, PRIMARY_STORAGE_ZONE_UUID)) ||
		    !is_in_clusters(view, ps, request_list(req, "clusterUuids")))
			continue;
		total += object_int(ps, PRIMARY_STORAGE_TOTAL);
		available += object_int(ps, PRIMARY_STORAGE_AVAILABLE);
		total_physical += object_int(ps, PRIMARY_STORAGE_TOTAL_PHYSICAL);
		available_physical += object_int(ps, PRIMARY_STORAGE_AVAILABLE_PHYSICAL);
	}
	*ret_result = json_pack("{s:I, s:I, s:I, s:I}", "totalCapacity", total, "availableCapacity",
				available, "totalPhysicalCapacity", total_physical,
				"availablePhysicalCapacity", available_physical);
	return *ret_result ? 0 : error_oom(e);
}

/* ------------------------------------------------ local storage, host by host */

static int require_local(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *ps = request_object(view, req);

	return primary_storage_is_local(ps)
		       ? 0
		       : error_set(
				 e, EINVAL,
				 "primary storage[uuid:%s] is shared by its hosts, only one of the type LocalStorage "
				 "has a capacity on each of them",
				 object_uuid(ps));
}

/* Bytes that are reserved on the host: what capacity_update_primary_storage() sums up for all hosts. */
static int64_t reserved_on_host(const struct view *view, const char *ps, const char *host)
{
	int64_t bytes = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_HOST_UUID, host) {
		if (!object_str_is(volume, VOLUME_PRIMARY_STORAGE_UUID, ps))
			continue;
		bytes += object_int(volume, VOLUME_SIZE);
		view_for_each_where (snapshot, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, object_uuid(volume))
			bytes += object_int(snapshot, SNAPSHOT_SIZE);
	}
	view_for_each_where (cache, view, KIND_IMAGE_CACHE, IMAGE_CACHE_HOST_UUID, host)
		if (object_str_is(cache, IMAGE_CACHE_PRIMARY_STORAGE_UUID, ps))
			bytes += object_int(cache, IMAGE_CACHE_SIZE);
	return bytes;
}

static int host_disk_capacity_get(struct pool *pool, const struct view *view, const struct request *req,
				  json_t **ret_result, struct error *e)
{
	const char *ps = req->target, *only = request_str(req, "hostUuid");
	_cleanup_json_ json_t *list = json_array();
	int r = require_local(view, req, e);

	if (r < 0)
		return r;
	for (const struct object *host = primary_storage_next_host(view, ps, 0); host;
	     host = primary_storage_next_host(view, ps, host->id)) {
		struct hv_capacity capacity;
		int64_t available;

		if (only && strcmp(object_uuid(host), only) != 0)
			continue;
		if (hv_storage_pool_capacity(pool_hypervisor(pool), object_uuid(host), ps, &capacity, NULL) <
		    0)
			continue; /* it does not answer */
		available = capacity.total - reserved_on_host(view, ps, object_uuid(host));
		if (json_array_append_new(
			    list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "hostUuid", object_uuid(host),
					    "totalCapacity", (json_int_t)capacity.total, "availableCapacity",
					    (json_int_t)(available > 0 ? available : 0),
					    "totalPhysicalCapacity", (json_int_t)capacity.total,
					    "availablePhysicalCapacity", (json_int_t)capacity.available)) < 0)
			return error_oom(e);
	}
	return result_inventories(steal(&list), ret_result, e);
}

/* Common to all types of primary storage; the form of the url depends on the type. */
static const struct param add_primary_storage_params[] = {
	P_NAME,
	P_DESCRIPTION,
	{.name = "url", .type = PARAM_STRING, .in = IN_BODY, .flags = PARAM_REQUIRED, .max_length = 2048},
	{.name = "zoneUuid",
	 .type = PARAM_STRING,
	 .in = IN_BODY,
	 .flags = PARAM_REQUIRED,
	 .resource = KIND_ZONE},
	{.name = "type", .type = PARAM_STRING, .in = IN_BODY, .max_length = 255},
	P_RESOURCE_UUID,
	{0}};

#define ADD_PRIMARY_STORAGE(op_name, package, folder, storage_type, op_help)                                 \
	{                                                                                                    \
		.section = "5.2", .name = op_name, .message = package ".API" op_name "Msg",                  \
		.method = METHOD_POST, .paths = (const char *const[]){"/primary-storage/" folder, NULL},     \
		.key = "params", .params = add_primary_storage_params,                                       \
		.results = (const char *const[]){"inventory:PrimaryStorageInventory", NULL},                 \
		.form = FORM_CREATE, .kind = KIND_PRIMARY_STORAGE, .where = "primary-storage/" folder,       \
		.flags = OP_ADMIN, .error_code = "SYS.1002", .help = op_help, .data = (storage_type),        \
		.check = primary_storage_add_check, .run = primary_storage_add_run,                          \
		.recover = primary_storage_add_recover,                                                      \
	}

static const struct operation add_local_primary_storage =
	ADD_PRIMARY_STORAGE("AddLocalPrimaryStorage", "org.zstack.header.storage.primary", "local-storage",
			    &storage_type_local, "adds a folder on each host as primary storage");

static const struct operation add_nfs_primary_storage =
	ADD_PRIMARY_STORAGE("AddNfsPrimaryStorage", "org.zstack.header.storage.primary", "nfs",
			    &storage_type_nfs, "adds an NFS export as primary storage");

static const struct operation add_shared_mount_point_primary_storage = ADD_PRIMARY_STORAGE(
	"AddSharedMountPointPrimaryStorage", "org.zstack.header.storage.primary", "smp",
	&storage_type_shared_mount_point, "adds a folder that all hosts share as primary storage");

static const struct operation add_ceph_primary_storage = ADD_PRIMARY_STORAGE(
	"AddCephPrimaryStorage", "org.zstack.storage.ceph.primary", "ceph", &storage_type_ceph,
	"adds a Ceph pool as primary storage: ceph://[user@]monitor[:port],monitor[:port]/pool");

static const struct operation query_primary_storage = {
	.section = "5.2",
	.name = "QueryPrimaryStorage",
	.message = "org.zstack.header.storage.primary.APIQueryPrimaryStorageMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/primary-storage", "/primary-storage/{uuid}", NULL},
	.results = (const char *const[]){"inventories:List", "total:Long", NULL},
	.form = FORM_QUERY,
	.kind = KIND_PRIMARY_STORAGE,
	.flags = OP_SYNC,
	.help = "lists primary storages",
};

static const struct operation update_primary_storage = {
	.section = "5.2",
	.name = "UpdatePrimaryStorage",
	.message = "org.zstack.header.storage.primary.APIUpdatePrimaryStorageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/primary-storage/{uuid}/actions", NULL},
	.key = "updatePrimaryStorage",
	.params =
		(const struct param[]){
			P_UUID(KIND_PRIMARY_STORAGE),
			P_NEW_NAME,
			P_DESCRIPTION,
			{.name = "url", .type = PARAM_STRING, .in = IN_BODY, .max_length = 2048},
			{0}},
	.results = (const char *const[]){"inventory:PrimaryStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_PRIMARY_STORAGE,
	.target = "uuid",
	.verb = "update",
	.flags = OP_UPDATES | OP_ADMIN,
	.help = "changes the primary storage's name, description or url",
	.check = primary_storage_update_check,
	.apply = primary_storage_update_apply,
};

static const struct operation change_primary_storage_state = {
	.section = "5.2",
	.name = "ChangePrimaryStorageState",
	.message = "org.zstack.header.storage.primary.APIChangePrimaryStorageStateMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/primary-storage/{uuid}/actions", NULL},
	.key = "changePrimaryStorageState",
	.params = (const struct param[]){P_UUID(KIND_PRIMARY_STORAGE),
					 {.name = "stateEvent",
					  .type = PARAM_STRING,
					  .in = IN_BODY,
					  .flags = PARAM_REQUIRED,
					  .values = (const char *const[]){"enable", "disable", "maintain",
									  "deleting", NULL}},
					 {0}},
	.results = (const char *const[]){"inventory:PrimaryStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_PRIMARY_STORAGE,
	.target = "uuid",
	.verb = "change-state",
	.flags = OP_ADMIN,
	.help = "changes the state of the primary storage",
	.apply = primary_storage_change_state_apply,
};

static const struct operation reconnect_primary_storage = {
	.section = "5.2",
	.name = "ReconnectPrimaryStorage",
	.message = "org.zstack.header.storage.primary.APIReconnectPrimaryStorageMsg",
	.method = METHOD_PUT,
	.paths = (const char *const[]){"/primary-storage/{uuid}/actions", NULL},
	.key = "reconnectPrimaryStorage",
	.params = (const struct param[]){P_UUID(KIND_PRIMARY_STORAGE), {0}},
	.results = (const char *const[]){"inventory:PrimaryStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_PRIMARY_STORAGE,
	.target = "uuid",
	.verb = "reconnect",
	.flags = OP_ADMIN,
	.help = "reopens the primary storage on its hosts and updates its capacity",
	.run = primary_storage_reconnect_run,
	.recover = primary_storage_reconnect_run,
};

static const struct operation get_primary_storage_capacity = {
	.section = "5.2",
	.name = "GetPrimaryStorageCapacity",
	.message = "org.zstack.header.storage.primary.APIGetPrimaryStorageCapacityMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/primary-storage/capacities", NULL},
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
					 {.name = "primaryStorageUuids",
					  .type = PARAM_LIST,
					  .in = IN_QUERY,
					  .flags = PARAM_MAYBE,
					  .resource = KIND_PRIMARY_STORAGE},
					 {.name = "all", .type = PARAM_BOOL, .in = IN_QUERY},
					 {0}},
	.results =
		(const char *const[]){"totalCapacity:long", "availableCapacity:long",
				      "totalPhysicalCapacity:long", "availablePhysicalCapacity:long", NULL},
	.form = FORM_COLLECTION_GET,
	.kind = KIND_PRIMARY_STORAGE,
	.where = "primary-storage/capacities",
	.flags = OP_SYNC,
	.help = "capacity of primary storage in bytes, total and free",
	.get = primary_storage_capacity_get,
};

static const struct operation get_local_storage_host_disk_capacity = {
	.section = "5.2",
	.name = "GetLocalStorageHostDiskCapacity",
	.message = "org.zstack.storage.primary.local.APIGetLocalStorageHostDiskCapacityMsg",
	.method = METHOD_GET,
	.paths =
		(const char *const[]){"/primary-storage/local-storage/{primaryStorageUuid}/capacities", NULL},
	.params =
		(const struct param[]){
			P_PATH("primaryStorageUuid", KIND_PRIMARY_STORAGE),
			{.name = "hostUuid", .type = PARAM_STRING, .in = IN_QUERY, .resource = KIND_HOST},
			{0}},
	.results = (const char *const[]){"inventories:List", NULL},
	.item = "HostDiskCapacity",
	.form = FORM_GET,
	.kind = KIND_PRIMARY_STORAGE,
	.target = "primaryStorageUuid",
	.where = "host-capacities",
	.flags = OP_SYNC | OP_NEEDS_HOST,
	.help = "capacity of local storage on each of its connected hosts, bytes, total and free",
	.get = host_disk_capacity_get,
};

const struct operation *const operations_primary_storage[] = {
	&add_local_primary_storage,
	&add_nfs_primary_storage,
	&add_shared_mount_point_primary_storage,
	&add_ceph_primary_storage,
	&query_primary_storage,
	&update_primary_storage,
	&change_primary_storage_state,
	&reconnect_primary_storage,
	&get_primary_storage_capacity,
	&get_local_storage_host_disk_capacity,
	NULL,
};
