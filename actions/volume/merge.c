/* SPDX-License-Identifier: Apache-2.0 */
/* See merge.h. */
#include "actions/volume/merge.h"

#include <string.h>

#include "actions/engine/kill_point.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/storage/volume.h"

/* --------------------------------------------------------------------- the note */

struct note {
	const char *volume;
	const char *path; /* NULL: the merge is settled */
};

static int note_fn(struct txn *t, void *arg, struct error *e)
{
	const struct note *note = arg;
	struct object *volume;
	int r = txn_edit(t, KIND_VOLUME, note->volume, &volume, e);

	if (r < 0)
		return r;
	object_set_str(volume, VOLUME_MERGE_PATH, note->path);
	return txn_put(t, volume, NULL, e);
}

int volume_note_merge(struct pool *pool, const char *volume, const char *path, struct error *e)
{
	struct note note = {volume, path};

	return store_run(pool_store(pool), note_fn, &note, e);
}

/* The file that the head stands on; NULL where the storage itself merges, whose answer is final. */
static const char *former_of(const struct view *view, const struct object *volume)
{
	const struct object *latest = snapshot_latest(view, object_uuid(volume));

	return latest && !volume_uses_storage_snapshots(view, volume)
		       ? object_str(latest, SNAPSHOT_INSTALL_PATH)
		       : NULL;
}

/* --------------------------------------------------------------------- merging */

static int merge(struct job *job, const struct volume_location *place, const char *former, const char *base,
		 struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	const char *uuid = object_uuid(place->volume);
	const char *path = object_text(place->volume, VOLUME_INSTALL_PATH);
	_cleanup_(error_done) struct error why = ERROR_INIT;

	for (;;) {
		int r = place->active ? hv_disk_pull(hv, place->host, object_uuid(place->vm), uuid, base,
						     job_copy_progress, job, &why)
				      : hv_volume_pull(hv, place->host, path, former, base, job_copy_progress,
						       job, &why);

		if (r != -EINVAL || !base)
			return r < 0 ? error_move(e, &why) : 0;
		error_done(&why);
		base = NULL;
	}
}

int volume_merge(struct job *job, const char *uuid, const char *base, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	struct volume_location place;
	const char *former;
	int r = volume_locate(view, uuid, &place, e);

	if (r < 0)
		return r;
	former = former_of(view, place.volume);
	if (former)
		r = volume_note_merge(job->pool, uuid, former, e);
	if (r == 0)
		r = merge(job, &place, former, base, e);
	kill_point("merge-made");
	return r == 0 && former ? volume_note_merge(job->pool, uuid, NULL, e) : r;
}

/* -------------------------------------------------------------------- settling */

/* Where a guest that has the volume open runs; NULL: there is none. */
static int find_guest(struct pool *pool, const struct view *view, const struct object *volume,
		      const struct object **ret_vm, struct error *e)
{
	const struct object *vm = view_get(view, KIND_VM, object_str(volume, VOLUME_VM_UUID));
	_cleanup_free_ char *path = NULL;
	int r = 0;

	if (vm && object_str(vm, VM_HOST_UUID))
		r = hv_disk_path(pool_hypervisor(pool), object_text(vm, VM_HOST_UUID), object_uuid(vm),
				 object_uuid(volume), &path, e);
	*ret_vm = path ? vm : NULL;
	return r;
}

/* Nobody has it open: has the head what was copied? */
static int merge_again(struct pool *pool, const struct view *view, const struct object *volume,
		       struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(pool);
	const char *path = object_text(volume, VOLUME_INSTALL_PATH);
	const char *former = object_str(volume, VOLUME_MERGE_PATH);
	const struct object *host;
	_cleanup_free_ char *backing = NULL;
	int r = volume_find_host(view, volume, &host, e);

	if (r == 0)
		r = hv_volume_backing(hv, object_uuid(host), path, &backing, e);
	if (r < 0 || (backing && strcmp(backing, former) == 0))
		return r;
	return hv_volume_pull(hv, object_uuid(host), path, former, backing, NULL, NULL, e);
}

int volume_settle_merge(struct pool *pool, const struct view *view, const struct object *volume,
			struct error *e)
{
	const struct object *vm;
	int r;

	if (!object_str(volume, VOLUME_MERGE_PATH))
		return 0;
	r = find_guest(pool, view, volume, &vm, e);
	/* its QEMU is the one that has merged: before it is started the merge is settled */
	if (r == 0)
		r = vm ? hv_disk_flush(pool_hypervisor(pool), object_text(vm, VM_HOST_UUID), object_uuid(vm),
				       object_uuid(volume), e)
		       : merge_again(pool, view, volume, e);
	return r < 0 ? r : volume_note_merge(pool, object_uuid(volume), NULL, e);
}
