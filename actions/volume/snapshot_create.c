/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking snapshots (behaviour.md 4.2.21, 3.5).
 *
 *   1. One change writes the snapshot as Creating, with the volume's current file as its own, writes the
 *      path of the new head into the volume's nextPath, and makes that file one of this job
 *      (storage/orphan_file.h).
 *   2. The new head is created: an empty overlay of the current file.
 *   3. A running guest is switched to it, atomically.
 *   4. One change makes the new head the volume's file, and the snapshot Ready.
 *
 * If this is interrupted, snapshot_reconcile() finds out how far it got: a running guest tells which of the
 * two files it uses. When none runs, the new head is used if it exists: if the guest had been switched, it
 * has the later data, and if not, it is empty and reads as the old head, which nobody has written to since.
 * So no data is lost either way.
 *
 * When a chain is as long as volumeSnapshot.incrementalSnapshot.maxNum allows, all files above the image
 * are merged into the head first, and the snapshot is the root of a new tree; the old tree stays as it is.
 *
 * volume/snapshot_storage.c is for storage that takes snapshots itself.
 */
#include "actions/volume/snapshot_create.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/tags.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/location.h"
#include "actions/volume/merge.h"
#include "actions/volume/size.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_reconcile.h"
#include "actions/volume/snapshot_rows.h"
#include "actions/volume/snapshot_storage.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/storage/volume.h"

/* ----------------------------------------------------------------------- rows */

struct take {
	struct job *job;
	const struct new_snapshot *new;
	char name[96]; /* file name of the new head */
};

/* libvirt accepts 200 files: those of the snapshots, the head, its next, the image, and some to spare. */
#define CHAIN_MAX 190

/* The maximum number of snapshots in a chain of this volume. */
static int64_t chain_limit(const struct view *view, const char *volume)
{
	const char *own = tag_value(view, volume, "volumeMaxIncrementalSnapshotNum");
	int64_t limit = own ? strtoll(own, NULL, 10) : 0;

	if (limit <= 0)
		limit = config_int(view, "volumeSnapshot.incrementalSnapshot.maxNum");
	return limit < CHAIN_MAX ? limit : CHAIN_MAX;
}

static bool is_chain_full(const struct view *view, const char *volume)
{
	return snapshot_depth(view, snapshot_latest(view, volume)) >= chain_limit(view, volume);
}

/* Writes the path of the new head: in the folder of the current one. */
static int put_next(struct txn *t, const struct take *k, struct error *e)
{
	_cleanup_free_ char *next = NULL;
	struct object *volume;
	const char *path;
	int r = txn_edit(t, KIND_VOLUME, k->new->volume, &volume, e);

	if (r < 0)
		return r;
	path = object_text(volume, VOLUME_INSTALL_PATH);
	if (asprintf(&next, "%.*s%s", (int)(path_file_name(path) - path), path, k->name) < 0) {
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
	const struct take *k = arg;
	const char *uuid = k->new->volume;
	_cleanup_object_ const struct object *volume = object_ref(view_get(txn_view(t), KIND_VOLUME, uuid));
	int r;

	if (!volume)
		return error_gone(e, KIND_VOLUME, uuid);
	if (object_str(volume, VOLUME_MERGE_PATH)) /* of this head: the next one was never merged */
		return error_set(
			e, EBUSY,
			"volume[uuid:%s] is still being merged in its guest, after a deletion that failed",
			uuid);
	r = snapshot_check_take(txn_view(t), volume, e);
	if (r < 0)
		return r;
	r = snapshot_put_creating(t, k->new, volume, is_chain_full(txn_view(t), uuid), e);
	if (r < 0)
		return r;
	r = orphan_file_put(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID),
			    object_str(volume, VOLUME_HOST_UUID), k->name, k->job->uuid, e);
	return r < 0 ? r : put_next(t, k, e);
}

/* ----------------------------------------------------------------------- taking */

/* Steps 2 and 3. */
static int switch_head(struct take *k, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(k->job->pool);
	_cleanup_view_ struct view *view = store_view(pool_store(k->job->pool));
	_cleanup_free_ char *path = NULL;
	struct volume_location place;
	int r = volume_locate(view, k->new->volume, &place, e);

	if (r < 0)
		return r;
	r = hv_volume_create(hv, place.host, place.ps, k->name, "qcow2",
			     object_int(place.volume, VOLUME_SIZE),
			     object_text(place.volume, VOLUME_INSTALL_PATH),
			     object_text(place.volume, VOLUME_FORMAT), &path, e);
	if (r < 0)
		return r;
	kill_point("snapshot-overlay");
	if (place.active)
		r = hv_disk_switch(hv, place.host, object_uuid(place.vm), k->new->volume, path, e);
	kill_point("snapshot-switched");
	return r;
}

/* After a failure: undoes everything and returns @why, unless the guest did switch. */
static int roll_back(struct take *k, struct error *why, struct error *e)
{
	int r = snapshot_undo(k->job->pool, k->new->volume);

	if (r == 1)
		return snapshot_reconcile(k->job->pool, k->new->volume, e);
	if (r == 0)
		orphan_files_remove(k->job->pool, k->job->uuid);
	return error_move(e, why);
}

int snapshot_take(struct job *job, const struct new_snapshot *new, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct take k = {.job = job, .new = new};
	_cleanup_view_ struct view *view = NULL;
	const struct object *volume;
	int r = snapshot_reconcile(job->pool, new->volume, e);

	if (r == 0)
		r = volume_settle_size(job, new->volume, e);
	if (r < 0)
		return r;
	view = store_view(pool_store(job->pool));
	volume = view_get(view, KIND_VOLUME, new->volume);
	if (volume_uses_storage_snapshots(view, volume))
		return snapshot_take_on_storage(job, new, e);
	if (snapshot_latest(view, new->volume) && is_chain_full(view, new->volume))
		r = volume_merge(job, new->volume, volume_base_path(view, volume), e);
	if (r < 0)
		return r;
	snprintf(k.name, sizeof(k.name), "%s-%s.qcow2", new->volume, new->uuid);
	r = store_run(pool_store(job->pool), begin_fn, &k, e);
	if (r < 0)
		return r;
	kill_point("snapshot-begun");
	r = switch_head(&k, &why);
	if (r == 0)
		r = snapshot_conclude(job->pool, new->volume, &why);
	kill_point("snapshot-done");
	return r < 0 ? roll_back(&k, &why, e) : 0;
}
