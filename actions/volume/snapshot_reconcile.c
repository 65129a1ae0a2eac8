/* SPDX-License-Identifier: Apache-2.0 */
/* See snapshot_reconcile.h. */
#include "actions/volume/snapshot_reconcile.h"

#include <string.h>

#include "actions/host/capacity.h"
#include "actions/host/wait.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/location.h"
#include "actions/volume/merge.h"
#include "actions/volume/snapshot.h"
#include "actions/volume/snapshot_rows.h"
#include "actions/volume/snapshot_storage.h"
#include "actions/volume/volume.h"
#include "hypervisor/domain/disk.h"
#include "hypervisor/storage/volume.h"

/* ------------------------------------------------------------------ the rows */

/* How the snapshot ended. */
struct reconciled {
	const char *volume;
	const char *next;    /* nextPath when the host was asked */
	bool switched;	     /* it is the head now */
	int64_t frozen_size; /* bytes of the snapshot's file */
};

static int finish(struct txn *t, const struct reconciled *s, struct error *e)
{
	struct object *volume;
	char ps[UUID_SIZE];
	int r = txn_edit(t, KIND_VOLUME, s->volume, &volume, e);

	if (r < 0)
		return r;
	snprintf(ps, sizeof(ps), "%s", object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
	object_set_str(volume, VOLUME_INSTALL_PATH, s->next);
	object_set_null(volume, VOLUME_NEXT_PATH);
	r = txn_put(t, volume, NULL, e);
	if (r < 0)
		return r;
	r = snapshot_put_taken(t, s->volume, s->frozen_size, e);
	if (r < 0)
		return r;
	r = orphan_file_adopt(t, ps, s->next, e);
	return r < 0 ? r : capacity_update_primary_storage(t, ps, e);
}

static int undo(struct txn *t, const struct reconciled *s, struct error *e)
{
	struct object *volume;
	int r = txn_edit(t, KIND_VOLUME, s->volume, &volume, e);

	if (r < 0)
		return r;
	object_set_null(volume, VOLUME_NEXT_PATH);
	r = txn_put(t, volume, NULL, e);
	return r < 0 ? r : snapshot_drop_creating(t, s->volume, e);
}

static int reconciled_fn(struct txn *t, void *arg, struct error *e)
{
	const struct reconciled *s = arg;
	const struct object *volume = view_get(txn_view(t), KIND_VOLUME, s->volume);

	/* another thread has reconciled it meanwhile */
	if (!volume || !object_str_is(volume, VOLUME_NEXT_PATH, s->next))
		return 0;
	return s->switched ? finish(t, s, e) : undo(t, s, e);
}

/* ------------------------------------------------------------------ the host */

/* 1 when the guest uses the new head, 0 when the old one, -ENODATA when no guest has the volume open. */
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

/* 1 when the new head exists and is an overlay of the old one, else 0. Its maker writes that last. */
static int ask_storage(struct pool *pool, const struct view *view, const struct object *volume,
		       struct error *e)
{
	const struct object *host;
	_cleanup_free_ char *backing = NULL;
	_cleanup_(error_done) struct error why = ERROR_INIT;
	int r = volume_find_host(view, volume, &host, e);

	if (r < 0)
		return r;
	r = hv_volume_backing(pool_hypervisor(pool), object_uuid(host), object_text(volume, VOLUME_NEXT_PATH),
			      &backing, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_move(e, &why);
	return backing && object_str_is(volume, VOLUME_INSTALL_PATH, backing);
}

/* Writes how the snapshot of a volume with a nextPath has ended. */
static int conclude(struct pool *pool, const struct view *view, const struct object *volume, bool switched,
		    struct error *e)
{
	struct reconciled s = {.volume = object_uuid(volume),
			       .next = object_str(volume, VOLUME_NEXT_PATH),
			       .switched = switched};
	const struct object *host = switched ? volume_any_host(view, volume) : NULL;
	struct hv_volume_info info;

	if (host && hv_volume_info(pool_hypervisor(pool), object_uuid(host),
				   object_text(volume, VOLUME_INSTALL_PATH), &info, NULL) == 0)
		s.frozen_size = info.actual_size;
	return store_run(pool_store(pool), reconciled_fn, &s, e);
}

int snapshot_conclude(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);

	return volume && object_str(volume, VOLUME_NEXT_PATH) ? conclude(pool, view, volume, true, e) : 0;
}

/* What is the head? */
static int reconcile_head(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r;

	if (volume && volume_uses_storage_snapshots(view, volume))
		return snapshot_reconcile_on_storage(pool, view, volume, e);
	if (!volume || !object_str(volume, VOLUME_NEXT_PATH))
		return 0;
	r = ask_guest(pool, view, volume, e);
	if (r == -ENODATA)
		r = ask_storage(pool, view, volume, e);
	return r < 0 ? r : conclude(pool, view, volume, r, e);
}

int snapshot_reconcile(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r = volume ? volume_settle_merges(pool, view, volume, e) : 0;

	return r < 0 ? r : reconcile_head(pool, uuid, e);
}

int snapshot_undo(struct pool *pool, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	struct reconciled s = {.volume = uuid};
	int r;

	if (!volume)
		return -ENOENT;
	r = ask_guest(pool, view, volume, NULL);
	if (r < 0 && r != -ENODATA)
		return r;
	if (!object_str(volume, VOLUME_NEXT_PATH))
		return -ENOENT;
	if (r == 1)
		return 1;
	s.next = object_str(volume, VOLUME_NEXT_PATH);
	(void)store_run(pool_store(pool), reconciled_fn, &s, NULL);
	return 0;
}

int snapshot_reconcile_vm(struct pool *pool, const char *vm, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_VM_UUID, vm) {
		int r = snapshot_reconcile(pool, object_uuid(volume), e);

		if (r < 0)
			return r;
	}
	return 0;
}

void snapshots_reconcile_idle(struct pool *pool)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (volume, view, KIND_VOLUME)
		if ((object_str(volume, VOLUME_NEXT_PATH) || snapshot_creating(view, object_uuid(volume))) &&
		    !job_is_pending_for(view, object_uuid(volume)))
			(void)reconcile_head(pool, object_uuid(volume), NULL);
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
