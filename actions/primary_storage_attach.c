/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Primary storage and its clusters: attaching, detaching, deleting.
 *
 * Attaching opens the storage's libvirt pool on the cluster's connected hosts (a
 * host that connects later opens it then, see host_prepare()) and measures it; only
 * a storage that could be opened on all of them gets attached. Detaching stops the
 * VMs of the cluster that use it, since a storage that is not attached can be
 * unmounted. Deleting never takes volumes along unless deleteMode is Enforcing.
 */
#include "actions/handlers.h"
#include "actions/image.h"
#include "actions/object_ops.h"
#include "actions/storage.h"
#include "actions/topology.h"
#include "actions/vm.h"
#include "actions/vm_stops.h"

/* A storage and a cluster, as a request names them. */
struct pair {
	const char *ps, *cluster;
	bool busy; /* out, of unlink_pair(): a VM is up */
};

static struct pair pair_of(const struct request *req)
{
	return (struct pair){.ps = req->target, .cluster = request_str(req, "clusterUuid")};
}

/* The connected host of the cluster with the smallest row id above @after; NULL = none. */
static const struct object *next_host(const struct view *view, const char *cluster, int64_t after)
{
	const struct object *host = view_next_where(view, KIND_HOST, HOST_CLUSTER_UUID, cluster, after);

	while (host && !object_str_is(host, HOST_STATUS, "Connected"))
		host = view_next_where(view, KIND_HOST, HOST_CLUSTER_UUID, cluster, host->id);
	return host;
}

int primary_storage_attach_check(const struct view *view, const struct request *req, struct error *e)
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

/* Opens the storage on all connected hosts of the cluster. *ret_count: how many these are. */
static int open_on_cluster(struct job *job, const struct pair *pair, int *ret_count, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE, pair->ps);
	int r = ps ? 0 : error_set(e, ENOENT, "primary storage '%s' is gone", pair->ps);

	*ret_count = 0;
	for (const struct object *host = next_host(view, pair->cluster, 0); host && r == 0;
	     host = next_host(view, pair->cluster, host->id)) {
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		r = primary_storage_open_pool(job->pool, ps, object_uuid(host), e);
		*ret_count += r == 0;
	}
	return r;
}

/* Closes the storage on the hosts of the cluster, as far as they answer; libvirt's files are not touched. */
static void close_on_cluster(struct job *job, const struct pair *pair)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));

	for (const struct object *host = next_host(view, pair->cluster, 0); host;
	     host = next_host(view, pair->cluster, host->id))
		(void)hv_pool_close(pool_hypervisor(job->pool), object_uuid(host), pair->ps, NULL);
}

int primary_storage_attach_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct pair pair = pair_of(job->req);
	int hosts, r = open_on_cluster(job, &pair, &hosts, e);

	if (r == 0)
		r = store_run(pool_store(job->pool), link_pair, &pair, e);
	if (r < 0) {
		close_on_cluster(job, &pair);
		return r;
	}
	/* a host that connected between the two steps above has missed both */
	(void)open_on_cluster(job, &pair, &hosts, NULL);
	if (hosts)
		(void)primary_storage_measure(job->pool, pair.ps, NULL, NULL);
	return job_result_inventory(job, KIND_PRIMARY_STORAGE, pair.ps, ret_result, e);
}

int primary_storage_detach_check(const struct view *view, const struct request *req, struct error *e)
{
	struct pair pair = pair_of(req);

	if (cluster_has_primary_storage(view, pair.cluster, pair.ps))
		return 0;
	return error_set_code(e, EBUSY, "SYS.1006",
			      "primary storage[uuid:%s] has not been attached to cluster[uuid:%s] yet",
			      pair.ps, pair.cluster);
}

/* Is the VM in the cluster of a pair, with a volume on its storage? */
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

/* Stops the VMs and takes the link away, which fails when a VM was started in between: then once more. */
static int detach(struct job *job, struct pair *pair, struct error *e)
{
	do {
		int r = job_should_stop(job) ? job_stop_reason(job, e) : vm_stop_all(job, uses_pair, pair, e);

		if (r == 0)
			r = store_run(pool_store(job->pool), unlink_pair, pair, e);
		if (r < 0)
			return r;
	} while (pair->busy);
	close_on_cluster(job, pair);
	return 0;
}

int primary_storage_detach_run(struct job *job, json_t **ret_result, struct error *e)
{
	struct pair pair = pair_of(job->req);
	int r = detach(job, &pair, e);

	if (r < 0)
		return r;
	/* a local storage is smaller now; when no other host has it, its size stays as it was known last */
	(void)primary_storage_measure(job->pool, pair.ps, NULL, NULL);
	return job_result_inventory(job, KIND_PRIMARY_STORAGE, pair.ps, ret_result, e);
}

/* ----------------------------------------------------------------- deletion */

int primary_storage_delete_check(const struct view *view, const struct request *req, struct error *e)
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

/* Takes the volumes and their VMs along, as far as the hosts answer. */
static int remove_users(struct job *job, const char *ps, struct error *e)
{
	for (int64_t after = 0;;) {
		_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
		const struct object *volume =
			view_next_where(view, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, ps, after);
		const char *vm;

		if (!volume)
			return 0;
		if (job_should_stop(job))
			return job_stop_reason(job, e);
		after = volume->id;
		vm = object_str(volume, VOLUME_VM_UUID);
		if (vm)
			(void)vm_remove_all_where(job, FIELD_UUID, vm, NULL);
		else
			(void)vm_remove_volume(job->pool, object_uuid(volume), NULL);
	}
}

struct removal {
	const char *ps;
	bool enforcing;
};

static int remove_rows(struct txn *t, void *arg, struct error *e)
{
	const struct removal *removal = arg;
	struct object_key key = {KIND_PRIMARY_STORAGE, removal->ps};
	int r;

	if (!removal->enforcing &&
	    view_next_where(txn_view(t), KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, key.uuid, 0))
		return error_set(e, ENOTEMPTY, "primary storage '%s' holds volumes", key.uuid);
	r = object_remove_where(t, KIND_VOLUME, VOLUME_PRIMARY_STORAGE_UUID, key.uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_SNAPSHOT, SNAPSHOT_PRIMARY_STORAGE_UUID, key.uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_IMAGE_CACHE, IMAGE_CACHE_PRIMARY_STORAGE_UUID, key.uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID,
					key.uuid, e);
	return r < 0 ? r : object_remove_key(t, &key, e);
}

int primary_storage_remove(struct job *job, const char *uuid, bool enforcing, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct removal removal = {uuid, enforcing};
	int r = enforcing ? remove_users(job, uuid, e) : 0;

	if (r == 0)
		r = image_cache_drop(job->pool, uuid, enforcing ? NULL : e);
	if (job_should_stop(job))
		return job_stop_reason(job, e);
	if (r < 0 && !enforcing)
		return r;
	/* a host of any cluster may have it open: image_cache_drop() opens it where it must */
	view_for_each (host, view, KIND_HOST)
		if (object_str_is(host, HOST_STATUS, "Connected"))
			(void)hv_pool_close(pool_hypervisor(job->pool), object_uuid(host), uuid, NULL);
	return store_run(pool_store(job->pool), remove_rows, &removal, e);
}

int primary_storage_delete_run(struct job *job, json_t **ret_result, struct error *e)
{
	(void)ret_result;
	return primary_storage_remove(job, job->req->target, request_is_enforcing(job->req), e);
}
