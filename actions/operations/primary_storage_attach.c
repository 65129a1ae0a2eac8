/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Primary storage and its clusters: attaching, detaching, deleting.
 *
 * Attaching opens the storage's libvirt pool on the connected hosts of the cluster
 * and measures it; it fails when one of them cannot open the storage. A host that
 * connects later opens it then, see host_prepare(). Detaching first stops the VMs of
 * the cluster that use the storage, since it may be unmounted afterwards. Deleting
 * is refused while the storage holds volumes, unless deleteMode is Enforcing.
 *
 * The row that links storage and cluster is written after the hosts have opened the
 * storage, and removed before they close it. After a kill this row tells recovery
 * what to do: without it the storage is closed on the hosts, and attaching begins anew;
 * with it they open the storage when they connect.
 */
#include "actions/cascade/primary_storage_remove.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/result.h"
#include "actions/engine/rows.h"
#include "actions/host/topology.h"
#include "actions/host/wait.h"
#include "actions/network/host_prepare.h"
#include "actions/operations/table.h"
#include "actions/storage/primary_storage.h"
#include "actions/vm/stops.h"
#include "hypervisor/storage/pool.h"
#include "model/states.h"

/* A storage and a cluster, as a request names them. */
struct pair {
	const char *ps, *cluster; /* cluster NULL: all clusters; for close_unlinked() only */
	bool busy;		  /* set by unlink_pair(): a VM that uses the storage is up */
};

static struct pair pair_of(const struct request *req)
{
	return (struct pair){.ps = req->target, .cluster = request_str(req, "clusterUuid")};
}

/* The connected host of the cluster (NULL: of any) with the smallest row id above @after; NULL = none. */
static const struct object *next_host(const struct view *view, const char *cluster, int64_t after)
{
	const struct object *host;

	do {
		host = cluster ? view_next_where(view, KIND_HOST, HOST_CLUSTER_UUID, cluster, after)
			       : view_next(view, KIND_HOST, after);
		after = host ? host->id : 0;
	} while (host && !object_str_is(host, HOST_STATUS, STATUS_CONNECTED));
	return host;
}

static int primary_storage_attach_check(const struct view *view, const struct request *req, struct error *e)
{
	struct pair pair = pair_of(req);
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, pair.ps);
	const struct object *cluster = view_get(view, KIND_CLUSTER, pair.cluster);

	if (ps && cluster &&
	    !object_str_is(ps, PRIMARY_STORAGE_ZONE_UUID, object_str(cluster, CLUSTER_ZONE_UUID)))
		return error_set(e, EINVAL,
				 "primary storage[uuid:%s] and cluster[uuid:%s] are not in the same zone",
				 pair.ps, pair.cluster);
	if (cluster_has_primary_storage(view, pair.cluster, pair.ps))
		return error_set_code(e, EEXIST, "SYS.1006",
				      "primary storage[uuid:%s] has been attached to cluster[uuid:%s]",
				      pair.ps, pair.cluster);
	return 0;
}

static int link_pair(struct txn *t, void *arg, struct error *e)
{
	const struct pair *pair = arg;

	if (cluster_has_primary_storage(txn_view(t), pair->cluster, pair->ps))
		return 0;
	return link_put(t, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID, pair->ps,
			CLUSTER_PS_CLUSTER_UUID, pair->cluster, e);
}

/* Opens the storage on all connected hosts of the cluster. */
static int open_on_cluster(struct job *job, const struct pair *pair, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, pair->ps);

	if (!ps)
		return error_gone(e, KIND_PRIMARY_STORAGE, pair->ps);
	for (const struct object *host = next_host(view, pair->cluster, 0); host;
	     host = next_host(view, pair->cluster, host->id)) {
		int r;

		if (job_should_stop(job))
			return job_stop_reason(job, e);
		r = primary_storage_open_pool(job->pool, ps, object_uuid(host), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Closes the storage on the hosts of the cluster that answer. Its files are not touched. */
static void close_on_cluster(struct job *job, const struct pair *pair)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	for (const struct object *host = next_host(view, pair->cluster, 0); host;
	     host = next_host(view, pair->cluster, host->id))
		(void)hv_storage_pool_close(pool_hypervisor(job->pool), object_uuid(host), pair->ps, NULL);
}

/*
 * A host that connected between opening the storage and writing the link has not opened it, and says so when it cannot.
 * Returns on how many hosts the storage is open.
 */
static int open_on_late_hosts(struct job *job, const struct pair *pair)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, pair->ps);
	int count = 0;

	for (const struct object *host = ps ? next_host(view, pair->cluster, 0) : NULL; host;
	     host = next_host(view, pair->cluster, host->id)) {
		_cleanup_(error_done) struct error why = ERROR_INIT;

		if (primary_storage_open_pool(job->pool, ps, object_uuid(host), &why) == 0)
			count++;
		else
			host_note_failure(job->pool, object_uuid(host), &why);
	}
	return count;
}

static int primary_storage_attach_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct pair pair = pair_of(job->req);
	int r = open_on_cluster(job, &pair, e);

	kill_point("storage-opened");
	if (r == 0)
		r = store_run(pool_store(job->pool), link_pair, &pair, e);
	kill_point("storage-attached");
	if (r < 0) {
		close_on_cluster(job, &pair);
		return r;
	}
	if (open_on_late_hosts(job, &pair) > 0)
		(void)primary_storage_measure(job->pool, pair.ps, NULL, NULL);
	return job_result_inventory(job, KIND_PRIMARY_STORAGE, pair.ps, ret_result, e);
}

/* When the link exists, the hosts open the storage as they connect; otherwise it must be closed on them. */
static int primary_storage_attach_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct pair pair = pair_of(job->req);
	bool waited;

	if (cluster_has_primary_storage(view, pair.cluster, pair.ps)) {
		(void)primary_storage_measure(job->pool, pair.ps, NULL, NULL);
		return job_result_inventory(job, KIND_PRIMARY_STORAGE, pair.ps, ret_result, e);
	}
	waited = host_wait_for_cluster(job, pair.cluster);
	close_on_cluster(job, &pair);
	/* When the daemon is ending, its next start closes the storage on the hosts not connected yet. */
	if (!waited)
		return job_stop_reason(job, e);
	return error_undone(
		e, "the daemon ended while the primary storage was being attached; it is not attached");
}

static int primary_storage_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	struct pair pair = pair_of(req);

	if (cluster_has_primary_storage(view, pair.cluster, pair.ps))
		return 0;
	return error_set_code(e, EBUSY, "SYS.1006",
			      "primary storage[uuid:%s] has not been attached to cluster[uuid:%s] yet",
			      pair.ps, pair.cluster);
}

/* True when the VM is in the cluster of the pair and has a volume on its storage. */
static bool uses_pair(const struct view *view, const struct object *vm, const void *arg)
{
	const struct pair *pair = arg;

	if (!object_str_is(vm, VM_CLUSTER_UUID, pair->cluster))
		return false;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, object_uuid(vm))
		if (object_str_is(volume, VOLUME_PRIMARY_STORAGE_UUID, pair->ps))
			return true;
	return false;
}

static int unlink_pair(struct txn *t, void *arg, struct error *e)
{
	struct pair *pair = arg;
	const struct object *link =
		link_find(txn_view(t), KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID,
			  pair->ps, CLUSTER_PS_CLUSTER_UUID, pair->cluster);

	pair->busy = vm_any_up(txn_view(t), uses_pair, pair);
	return pair->busy || !link ? 0 : txn_remove(t, link, e);
}

/* A host that connected before the link was removed may be opening the storage. */
static void close_unlinked(struct job *job, const struct pair *pair)
{
	host_prepare_wait(job->pool);
	close_on_cluster(job, pair);
	hosts_prepare_again(job->pool);
}

/* Stops the VMs and removes the link; again while a VM was started in between. */
static int detach(struct job *job, struct pair *pair, struct error *e)
{
	do {
		int r = job_should_stop(job) ? job_stop_reason(job, e) : vm_stop_all(job, uses_pair, pair, e);

		kill_point("storage-vms-stopped");
		if (r == 0)
			r = store_run(pool_store(job->pool), unlink_pair, pair, e);
		if (r < 0)
			return r;
	} while (pair->busy);
	kill_point("storage-detached");
	close_unlinked(job, pair);
	return 0;
}

static int primary_storage_detach_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct pair pair = pair_of(job->req);
	int r = detach(job, &pair, e);

	if (r < 0)
		return r;
	/* A local storage is smaller now; when no other host has it, the last known size stays. */
	(void)primary_storage_measure(job->pool, pair.ps, NULL, NULL);
	return job_result_inventory(job, KIND_PRIMARY_STORAGE, pair.ps, ret_result, e);
}

/* Does what remains: stops VMs, removes the link, closes the storage on the hosts. */
static int primary_storage_detach_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct pair pair = pair_of(job->req);
	bool waited = host_wait_for_cluster(job, pair.cluster);

	if (cluster_has_primary_storage(view, pair.cluster, pair.ps))
		return primary_storage_detach_run(job, ret_result, e);
	close_unlinked(job, &pair);
	if (!waited)
		return job_stop_reason(job, e);
	(void)primary_storage_measure(job->pool, pair.ps, NULL, NULL);
	return job_result_inventory(job, KIND_PRIMARY_STORAGE, pair.ps, ret_result, e);
}

/* ----------------------------------------------------------------- deletion */

static int primary_storage_delete_check(const struct view *view, const struct request *req, struct error *e)
{
	const struct object *ps = request_object(view, req), *link, *volume;

	if (!ps || request_is_enforcing(req))
		return 0;
	link = view_next_where(view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID,
			       req->target, 0);
	if (link)
		return error_set(
			e, EBUSY,
			"primary storage[uuid:%s] cannot be deleted for still being attached to cluster[uuid:%s]",
			req->target, object_text(link, CLUSTER_PS_CLUSTER_UUID));
	volume = view_next_where(view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, req->target, 0);
	if (volume)
		return error_set(
			e, ENOTEMPTY,
			"primary storage '%s' still holds volume '%s', expunge it first or use deleteMode=Enforcing",
			object_name(ps), object_name(volume));
	return 0;
}

static int primary_storage_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return primary_storage_remove(job, job->req->target, request_is_enforcing(job->req), e);
}

/* Continues the deletion, on all hosts: any of them may have the storage open. */
static int primary_storage_delete_recover(struct job *job, json_t **ret_result, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	/* The row is removed last. */
	if (!request_object(view, job->req))
		return 0;
	(void)host_wait_for_cluster(job, NULL);
	/* No row tells any more where the storage is open, so close it even when the job is past its deadline. */
	if (!view_next_where(view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID,
			     job->req->target, 0))
		close_unlinked(job, &(struct pair){.ps = job->req->target});
	return primary_storage_delete_run(job, ret_result, e);
}

static const struct operation delete_primary_storage = {
	.section = "5.2",
	.name = "DeletePrimaryStorage",
	.message = "org.zstack.header.storage.primary.APIDeletePrimaryStorageMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/primary-storage/{uuid}", NULL},
	.params = (const struct param[]){P_UUID_IF_ANY(KIND_PRIMARY_STORAGE), P_DELETE_MODE, {0}},
	.form = FORM_VERB,
	.kind = KIND_PRIMARY_STORAGE,
	.target = "uuid",
	.verb = "delete",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "SYS.1004",
	.help = "deletes the primary storage, with deleteMode=Enforcing also the volumes on it",
	.check = primary_storage_delete_check,
	.run = primary_storage_delete_run,
	.recover = primary_storage_delete_recover,
};

static const struct operation attach_primary_storage_to_cluster = {
	.section = "5.2",
	.name = "AttachPrimaryStorageToCluster",
	.message = "org.zstack.header.storage.primary.APIAttachPrimaryStorageToClusterMsg",
	.method = METHOD_POST,
	.paths = (const char *const[]){"/clusters/{clusterUuid}/primary-storage/{primaryStorageUuid}", NULL},
	.key = "params",
	.params = (const struct param[]){P_PATH("clusterUuid", KIND_CLUSTER),
					 P_PATH("primaryStorageUuid", KIND_PRIMARY_STORAGE),
					 {0}},
	.results = (const char *const[]){"inventory:PrimaryStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_PRIMARY_STORAGE,
	.target = "primaryStorageUuid",
	.verb = "attach-to-cluster",
	.flags = OP_ADMIN,
	.error_code = "PS.1001",
	.help = "attaches the primary storage to a cluster, so that its hosts can use it",
	.check = primary_storage_attach_check,
	.run = primary_storage_attach_run,
	.recover = primary_storage_attach_recover,
};

static const struct operation detach_primary_storage_from_cluster = {
	.section = "5.2",
	.name = "DetachPrimaryStorageFromCluster",
	.message = "org.zstack.header.storage.primary.APIDetachPrimaryStorageFromClusterMsg",
	.method = METHOD_DELETE,
	.paths = (const char *const[]){"/clusters/{clusterUuid}/primary-storage/{primaryStorageUuid}", NULL},
	.params = (const struct param[]){P_PATH("clusterUuid", KIND_CLUSTER),
					 P_PATH("primaryStorageUuid", KIND_PRIMARY_STORAGE),
					 {0}},
	.results = (const char *const[]){"inventory:PrimaryStorageInventory", NULL},
	.form = FORM_VERB,
	.kind = KIND_PRIMARY_STORAGE,
	.target = "primaryStorageUuid",
	.verb = "detach-from-cluster",
	.flags = OP_DESTROYS | OP_ADMIN,
	.error_code = "PS.1002",
	.help = "detaches the primary storage from a cluster; VMs of the cluster that use it are stopped",
	.check = primary_storage_detach_check,
	.run = primary_storage_detach_run,
	.recover = primary_storage_detach_recover,
};

const struct operation *const operations_primary_storage_attach[] = {
	&delete_primary_storage,
	&attach_primary_storage_to_cluster,
	&detach_primary_storage_from_cluster,
	NULL,
};
