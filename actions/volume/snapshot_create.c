/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking snapshots (behaviour.md 4.2.21, 3.5).
 *
 *   1. One change writes the snapshot as Creating, with the volume's present file as its own, names the
 *      new head in the volume's nextPath, and says that the file is this job's (storage/orphan_file.h).
 *   2. The new head is made: an empty overlay of the present file.
 *   3. A running guest changes over to it, at one moment.
 *   4. One change makes the new head the volume's and the snapshot Ready.
 *
 * Settling between them (snapshot_reconcile()): a guest that runs tells on which of the two files it is. When
 * none runs, the new head counts if it is there: if the guest had changed over, it has the later data, and if
 * not, it is empty and reads as the old head does, which nobody has written to. So nothing is lost either
 * way.
 *
 * When a chain has become as long as volumeSnapshot.incrementalSnapshot.maxNum, the head takes in everything
 * above the image first, and the snapshot begins a new tree; the old tree stays as it is.
 *
 * Where the storage keeps snapshots itself, it is another story: volume/snapshot_storage.c.
 */
#include "actions/volume/snapshot_create.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/tags.h"
#include "actions/host/capacity.h"
#include "actions/host/wait.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot_rows.h"
#include "actions/volume/snapshot_storage.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"

/* ----------------------------------------------------------------------- rows */

struct take {
	struct job *job;
	const struct new_snapshot *spec;
	char name[96];	      /* file name of the new head */
	char host[UUID_SIZE]; /* that does the work */
};

/* How long a chain of this volume may become. */
static int64_t chain_limit(const struct view *view, const char *volume)
{
	const char *own = tag_value(view, volume, "volumeMaxIncrementalSnapshotNum");
	int64_t limit = own ? strtoll(own, NULL, 10) : 0;

	return limit > 0 ? limit : config_int(view, "volumeSnapshot.incrementalSnapshot.maxNum");
}

static bool is_chain_full(const struct view *view, const char *volume)
{
	return snapshot_depth(view, snapshot_latest(view, volume)) >= chain_limit(view, volume);
}

/* Names the new head beside the present one. */
static int put_next(struct txn *t, const struct take *k, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, k->spec->volume);
	struct object *volume = object_copy(before);
	const char *path = object_text(before, VOLUME_INSTALL_PATH);
	_cleanup_free_ char *next = NULL;

	if (!volume || asprintf(&next, "%.*s%s", (int)(path_file_name(path) - path), path, k->name) < 0) {
		next = NULL;
		object_unref(volume);
		return error_oom(e);
	}
	object_set_str(volume, VOLUME_NEXT_PATH, next);
	return txn_put(t, volume, NULL, e);
}

/* Step 1. */
static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	struct take *k = arg;
	const char *uuid = k->spec->volume;
	_cleanup_object_ const struct object *volume = object_ref(view_get(txn_view(t), KIND_VOLUME, uuid));
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, uuid);
	r = snapshot_check_take(txn_view(t), volume, e);
	if (r == 0)
		r = snapshot_put_creating(t, k->spec, volume, is_chain_full(txn_view(t), uuid), e);
	if (r == 0)
		r = orphan_file_put(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID),
				    object_str(volume, VOLUME_HOST_UUID), k->name, k->job->uuid, e);
	return r < 0 ? r : put_next(t, k, e);
}

/* --------------------------------------------------------------------- settling */

/* How the snapshot that is under way ended. */
struct reconciled {
	const char *volume;
	const char *next; /* the file that was asked about */
	bool changed_over;
	int64_t frozen_size; /* bytes of the file that the snapshot has */
};

/* Step 4. */
static int finish(struct txn *t, const struct reconciled *s, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_VOLUME, s->volume);
	_cleanup_free_ char *next = strdup(object_text(before, VOLUME_NEXT_PATH));
	struct object *volume = object_copy(before);
	char ps[UUID_SIZE];
	int r;

	if (!next || !volume) {
		object_unref(volume);
		return error_oom(e);
	}
	snprintf(ps, sizeof(ps), "%s", object_text(before, VOLUME_PRIMARY_STORAGE_UUID));
	object_set_str(volume, VOLUME_INSTALL_PATH, next);
	object_set_null(volume, VOLUME_NEXT_PATH);
	r = txn_put(t, volume, NULL, e);
	if (r == 0)
		r = snapshot_put_taken(t, s->volume, s->frozen_size, e);
	if (r == 0)
		r = orphan_file_adopt(t, ps, next, e);
	return r < 0 ? r : capacity_update_primary_storage(t, ps, e);
}

static int undo(struct txn *t, const struct reconciled *s, struct error *e)
{
	struct object *volume = object_copy(view_get(txn_view(t), KIND_VOLUME, s->volume));
	int r;

	if (!volume)
		return error_oom(e);
	object_set_null(volume, VOLUME_NEXT_PATH);
	r = txn_put(t, volume, NULL, e);
	return r < 0 ? r : snapshot_drop_creating(t, s->volume, e);
}

static int reconciled_fn(struct txn *t, void *arg, struct error *e)
{
	const struct reconciled *s = arg;
	const struct object *volume = view_get(txn_view(t), KIND_VOLUME, s->volume);

	/* somebody else has cleared it up meanwhile */
	if (!volume || !object_str_is(volume, VOLUME_NEXT_PATH, s->next))
		return 0;
	return s->changed_over ? finish(t, s, e) : undo(t, s, e);
}

/* Whether the volume's guest is on the new head: 1, 0, or -ENODATA when no guest has the volume open. */
static int ask_guest(struct pool *pool, const struct view *view, const struct object *volume, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID));
	_cleanup_free_ char *path = NULL;
	int r;

	if (!vm || !object_str(vm, VM_HOST_UUID))
		return -ENODATA;
	r = hv_disk_path(pool_hypervisor(pool), object_text(vm, VM_HOST_UUID), object_uuid(vm),
			 object_uuid(volume), &path, e);
	if (r < 0)
		return r;
	return path ? strcmp(path, object_text(volume, VOLUME_NEXT_PATH)) == 0 : -ENODATA;
}

/* Whether the new head is there and whole. */
static int ask_storage(struct pool *pool, const struct view *view, const struct object *volume,
		       struct error *e)
{
	const struct object *host = volume_any_host(view, volume);
	struct hv_volume_info info;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r;

	if (!host)
		return error_set_code(e, ENOTCONN, "PS.1003", "no host of primary storage '%s' is connected",
				      object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
	r = hv_volume_info(pool_hypervisor(pool), object_uuid(host), object_text(volume, VOLUME_NEXT_PATH),
			   &info, &why);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? error_move(e, &why) : info.size == object_int(volume, VOLUME_SIZE);
}

int snapshot_reconcile(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid), *host;
	struct reconciled s = {.volume = uuid};
	struct hv_volume_info info;
	int r;

	if (volume && snapshots_are_kept_by_storage(view, volume))
		return snapshot_reconcile_on_storage(pool, view, volume, e);
	if (!volume || !object_str(volume, VOLUME_NEXT_PATH))
		return 0;
	r = ask_guest(pool, view, volume, e);
	if (r == -ENODATA)
		r = ask_storage(pool, view, volume, e);
	if (r < 0)
		return r;
	s.changed_over = r;
	s.next = object_str(volume, VOLUME_NEXT_PATH);
	host = volume_any_host(view, volume);
	if (r && host &&
	    hv_volume_info(pool_hypervisor(pool), object_uuid(host), object_text(volume, VOLUME_INSTALL_PATH),
			   &info, NULL) == 0)
		s.frozen_size = info.actual_size;
	return store_run(pool_store(pool), reconciled_fn, &s, e);
}

int snapshot_reconcile_vm(struct pool *pool, const char *vm, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int r = 0;

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm)
		if (r == 0)
			r = snapshot_reconcile(pool, object_uuid(volume), e);
	return r;
}

void snapshots_reconcile_idle(struct pool *pool)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (volume, view, KIND_VOLUME)
		if ((object_str(volume, VOLUME_NEXT_PATH) || snapshot_creating(view, object_uuid(volume))) &&
		    !job_is_pending_for(view, object_uuid(volume)))
			(void)snapshot_reconcile(pool, object_uuid(volume), NULL);
}

/* ----------------------------------------------------------------------- taking */

/* Steps 2 and 3. */
static int change_over(struct take *k, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(k->job->pool);
	_cleanup_view_ struct view *view = store_view(pool_store(k->job->pool));
	_cleanup_free_ char *path = NULL;
	struct volume_location place;
	int r = volume_locate(view, k->spec->volume, &place, e);

	if (r == 0)
		r = hv_volume_create(hv, place.host, place.ps, k->name, "qcow2",
				     object_int(place.volume, VOLUME_SIZE),
				     object_text(place.volume, VOLUME_INSTALL_PATH),
				     object_text(place.volume, VOLUME_FORMAT), &path, e);
	if (r < 0)
		return r;
	kill_point("snapshot-overlay");
	if (place.active)
		r = hv_disk_switch(hv, place.host, object_uuid(place.vm), k->spec->volume, path, e);
	kill_point("snapshot-switched");
	return r;
}

/* After a failure: takes everything back, unless the guest did change over. */
static int roll_back(struct take *k, struct error *why, struct error *e)
{
	struct reconciled s = {.volume = k->spec->volume};
	_cleanup_view_ struct view *view = store_view(pool_store(k->job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, k->spec->volume);
	int r = volume ? ask_guest(k->job->pool, view, volume, NULL) : 0;

	/* Nobody knows, since the host is gone: it stays as it is until somebody does. */
	if (r < 0 && r != -ENODATA)
		return error_move(e, why);
	if (!volume || !object_str(volume, VOLUME_NEXT_PATH))
		return error_move(e, why);
	s.next = object_str(volume, VOLUME_NEXT_PATH);
	if (r == 1)
		return snapshot_reconcile(k->job->pool, k->spec->volume, e);
	(void)store_run(pool_store(k->job->pool), reconciled_fn, &s, NULL);
	orphan_files_remove(k->job->pool, k->job->uuid);
	return error_move(e, why);
}

int snapshot_take(struct job *job, const struct new_snapshot *spec, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct take k = {.job = job, .spec = spec};
	struct view *view;
	int r = snapshot_reconcile(job->pool, spec->volume, e);

	if (r < 0)
		return r;
	view = store_view(pool_store(job->pool));
	if (snapshots_are_kept_by_storage(view, view_get(view, KIND_VOLUME, spec->volume))) {
		view_unref(view);
		return snapshot_take_on_storage(job, spec, e);
	}
	if (snapshot_latest(view, spec->volume) && is_chain_full(view, spec->volume))
		r = volume_merge(job, spec->volume,
				 volume_base_path(view, view_get(view, KIND_VOLUME, spec->volume)), e);
	view_unref(view);
	snprintf(k.name, sizeof(k.name), "%s-%s.qcow2", spec->volume, spec->uuid);
	if (r == 0)
		r = store_run(pool_store(job->pool), begin_fn, &k, e);
	if (r < 0)
		return r;
	kill_point("snapshot-begun");
	r = change_over(&k, &why);
	if (r == 0)
		r = snapshot_reconcile(job->pool, spec->volume, &why);
	kill_point("snapshot-done");
	return r < 0 ? roll_back(&k, &why, e) : 0;
}

int snapshot_recover_volume(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	const struct object *vm = volume ? view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID)) : NULL;
	int r;

	if (!volume)
		return 0;
	if (vm && object_str(vm, VM_HOST_UUID))
		(void)host_wait_connected(job, object_str(vm, VM_HOST_UUID));
	host_wait_for_storage(job, object_str(volume, VOLUME_PRIMARY_STORAGE_UUID),
			      object_str(volume, VOLUME_HOST_UUID));
	r = snapshot_reconcile(job->pool, uuid, e);
	orphan_files_remove(job->pool, job->uuid);
	return r;
}
