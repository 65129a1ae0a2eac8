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

static int note_field(enum kind_id kind)
{
	return kind == KIND_VOLUME ? (int)VOLUME_MERGE_PATH : (int)SNAPSHOT_MERGE_PATH;
}

struct note {
	const struct object *row; /* a former version of it */
	const char *path;	  /* NULL: the merge is settled */
};

static int note_fn(struct txn *t, void *arg, struct error *e)
{
	const struct note *note = arg;
	enum kind_id kind = note->row->kind->id;
	struct object *row;
	int r = txn_edit(t, kind, object_uuid(note->row), &row, e);

	if (r < 0)
		return r;
	object_set_str(row, note_field(kind), note->path);
	return txn_put(t, row, NULL, e);
}

int merge_note(struct pool *pool, const struct object *o, const char *path, struct error *e)
{
	struct note note = {o, path};

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

static int merge(struct job *job, const struct volume_location *place, const char *base, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	const char *uuid = object_uuid(place->volume);
	const char *path = object_text(place->volume, VOLUME_INSTALL_PATH);
	_cleanup_(error_done) struct error why = ERROR_INIT;

	for (;;) {
		int r = place->active
				? hv_disk_pull(hv, place->host, object_uuid(place->vm), uuid, base,
					       job_copy_progress, job, &why)
				: hv_volume_pull(hv, place->host, path, base, job_copy_progress, job, &why);

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
		r = merge_note(job->pool, place.volume, former, e);
	if (r == 0)
		r = merge(job, &place, base, e);
	kill_point("merge-made");
	return former ? merge_end(job->pool, place.volume, uuid, r, e) : r;
}

/* -------------------------------------------------------------------- settling */

/* A volume with its guest, if one has it open. */
struct settling {
	struct pool *pool;
	const struct view *view;
	const struct object *volume, *vm, *latest; /* vm, latest: NULL = none */
};

static int find_guest(struct settling *s, struct error *e)
{
	const struct object *vm = view_get(s->view, KIND_VM, object_str(s->volume, VOLUME_VM_UUID));
	_cleanup_free_ char *path = NULL;
	int r = 0;

	if (vm && object_str(vm, VM_HOST_UUID))
		r = hv_disk_path(pool_hypervisor(s->pool), object_text(vm, VM_HOST_UUID), object_uuid(vm),
				 object_uuid(s->volume), &path, e);
	s->vm = path ? vm : NULL;
	return r;
}

/* The QEMU that has the file open is the one that has merged: before it is started the merge is settled. 1 while it still
 * does. */
static int flush(const struct settling *s, struct error *e)
{
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r = hv_disk_flush(pool_hypervisor(s->pool), object_text(s->vm, VM_HOST_UUID), object_uuid(s->vm),
			      object_uuid(s->volume), &why);

	if (r == -EINPROGRESS)
		return 1;
	return r < 0 ? error_move(e, &why) : 0;
}

/* Nobody has it open: what was copied may be lost. */
static int step_back(const struct settling *s, const char *path, const char *former, struct error *e)
{
	const struct object *host;
	int r = volume_find_host(s->view, s->volume, &host, e);

	return r < 0 ? r : hv_volume_stand_on(pool_hypervisor(s->pool), object_uuid(host), path, former, e);
}

static int settle(const struct settling *s, const struct object *o, struct error *e)
{
	bool is_head = o == s->volume;
	const char *former = object_str(o, note_field(o->kind->id));
	const char *path = object_text(o, is_head ? (int)VOLUME_INSTALL_PATH : (int)SNAPSHOT_INSTALL_PATH);
	int r;

	if (!former)
		return 0;
	if (s->vm && (is_head || (s->latest && snapshot_is_below(s->view, s->latest, o))))
		r = flush(s, e);
	else
		r = step_back(s, path, former, e);
	return r != 0 ? (r < 0 ? r : 0) : merge_note(s->pool, o, NULL, e);
}

static bool has_note(const struct view *view, const struct object *volume)
{
	bool has = object_str(volume, VOLUME_MERGE_PATH);

	view_for_each_where (o, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, object_uuid(volume))
		has |= object_str(o, SNAPSHOT_MERGE_PATH) != NULL;
	return has;
}

int volume_settle_merges(struct pool *pool, const struct view *view, const struct object *volume,
			 struct error *e)
{
	struct settling s = {.pool = pool,
			     .view = view,
			     .volume = volume,
			     .latest = snapshot_latest(view, object_uuid(volume))};
	int r;

	if (!has_note(view, volume))
		return 0;
	r = find_guest(&s, e);
	if (r == 0)
		r = settle(&s, volume, e);
	if (r < 0)
		return r;
	view_for_each_where (o, view, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID, object_uuid(volume)) {
		r = settle(&s, o, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int merge_end(struct pool *pool, const struct object *o, const char *volume, int result, struct error *e)
{
	_cleanup_view_ struct view *view = NULL;
	const struct object *now;

	if (result >= 0)
		return merge_note(pool, o, NULL, e);
	view = store_view(pool_store(pool));
	now = view_get(view, KIND_VOLUME, volume);
	if (now)
		(void)volume_settle_merges(pool, view, now, NULL);
	return result;
}
