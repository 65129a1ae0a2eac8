/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking snapshots on storage that does it itself, with the volume (Ceph). The volume keeps its file, and
 * the guest takes no part.
 *
 *   1. One change writes the snapshot as Creating, with the path that it will have, and makes that path one
 *      of this job (storage/orphan_file.h).
 *   2. The storage takes it, atomically.
 *   3. One change makes it Ready, and the latest one.
 *
 * If this is interrupted, the snapshot counts if the storage has it.
 */
#include "actions/volume/snapshot_storage.h"

#include "actions/engine/kill_point.h"
#include "actions/host/capacity.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_rows.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

/* ------------------------------------------------------------------ reconciling */

struct reconciled {
	const char *volume;
	char ps[UUID_SIZE];
	const char *path; /* of the snapshot */
	bool taken;
	int64_t size;
};

static int reconciled_fn(struct txn *t, void *arg, struct error *e)
{
	const struct reconciled *s = arg;
	const struct object *snapshot = snapshot_creating(txn_view(t), s->volume);
	int r;

	/* another thread has reconciled it meanwhile */
	if (!snapshot || !object_str_is(snapshot, SNAPSHOT_INSTALL_PATH, s->path))
		return 0;
	if (!s->taken)
		return snapshot_drop_creating(t, s->volume, e);
	r = snapshot_put_taken(t, s->volume, s->size, e);
	if (r < 0)
		return r;
	r = orphan_file_adopt(t, s->ps, s->path, e);
	return r < 0 ? r : capacity_update_primary_storage(t, s->ps, e);
}

int snapshot_reconcile_on_storage(struct pool *pool, const struct view *view, const struct object *volume,
				  struct error *e)
{
	const struct object *snapshot = snapshot_creating(view, object_uuid(volume));
	const struct object *host;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct reconciled s = {.volume = object_uuid(volume)};
	struct hv_volume_info info = {0};
	int r;

	if (!snapshot)
		return 0;
	r = volume_find_host(view, volume, &host, e);
	if (r < 0)
		return r;
	snprintf(s.ps, sizeof(s.ps), "%s", object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
	s.path = object_text(snapshot, SNAPSHOT_INSTALL_PATH);
	r = hv_volume_info(pool_hypervisor(pool), object_uuid(host), s.path, &info, &why);
	if (r < 0 && r != -ENOENT)
		return error_move(e, &why);
	s.taken = r == 0;
	s.size = info.actual_size;
	return store_run(pool_store(pool), reconciled_fn, &s, e);
}

/* ----------------------------------------------------------------------- taking */

struct take {
	struct job *job;
	struct new_snapshot new; /* its path is set */
};

/* Step 1. */
static int begin_fn(struct txn *t, void *arg, struct error *e)
{
	const struct take *k = arg;
	_cleanup_object_ const struct object *volume =
		object_ref(view_get(txn_view(t), KIND_VOLUME, k->new.volume));
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, k->new.volume);
	r = snapshot_check_take(txn_view(t), volume, e);
	if (r < 0)
		return r;
	r = snapshot_put_creating(t, &k->new, volume, false, e);
	if (r < 0)
		return r;
	return orphan_file_put(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), NULL,
			       path_file_name(k->new.path), k->job->uuid, e);
}

/* Step 2. */
static int take(struct take *k, struct error *e)
{
	struct pool *pool = k->job->pool;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	struct volume_location place;
	int r = volume_locate(view, k->new.volume, &place, e);

	return r < 0 ? r : hv_volume_snapshot(pool_hypervisor(pool), place.host, k->new.path, e);
}

/* Asks the storage, whatever the call returned. When no host can be asked, the snapshot stays Creating. */
static bool was_taken(struct take *k, struct error *e)
{
	struct store *store = pool_store(k->job->pool);
	_cleanup_view_ struct view *before = store_view(store), *view = NULL;
	const struct object *volume = view_get(before, KIND_VOLUME, k->new.volume), *snapshot;
	int r = volume ? snapshot_reconcile_on_storage(k->job->pool, before, volume, e) : 0;

	view = store_view(store);
	snapshot = view_get(view, KIND_SNAPSHOT, k->new.uuid);

	return r == 0 && snapshot && object_str_is(snapshot, SNAPSHOT_STATUS, STATUS_READY);
}

int snapshot_take_on_storage(struct job *job, const struct new_snapshot *new, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, new->volume);
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct take k = {.job = job, .new = *new};
	_cleanup_free_ char *path = NULL;
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, new->volume);
	if (asprintf(&path, "%s@%s", object_text(volume, VOLUME_INSTALL_PATH), new->uuid) < 0) {
		path = NULL;
		return error_oom(e);
	}
	k.new.path = path;
	r = store_run(pool_store(job->pool), begin_fn, &k, e);
	if (r < 0)
		return r;
	kill_point("snapshot-begun");
	r = take(&k, &why);
	kill_point("snapshot-switched");
	if (was_taken(&k, r < 0 ? NULL : &why)) {
		kill_point("snapshot-done");
		return 0;
	}
	orphan_files_remove(job->pool, job->uuid);
	return error_is_set(&why) ? error_move(e, &why)
				  : error_set(e, EIO, "the storage did not take the snapshot '%s'", path);
}
