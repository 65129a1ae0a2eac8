/* SPDX-License-Identifier: Apache-2.0 */
/* See remove.h. */
#include "actions/volume/remove.h"

#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/engine/submit.h"
#include "actions/host/capacity.h"
#include "actions/image/cache.h"
#include "actions/storage/orphan_file.h"
#include "actions/volume/location.h"
#include "actions/volume/snapshot_rows.h"
#include "actions/volume/volume.h"
#include "model/states.h"

/* ------------------------------------------------------------------- removing */

/* The volume's own files: the current or planned one, and one that an interrupted job was creating. */
static int orphan_files(struct txn *t, const struct object *volume, struct error *e)
{
	const char *ps = object_str(volume, VOLUME_PRIMARY_STORAGE_UUID);
	const char *host = object_str(volume, VOLUME_HOST_UUID);
	const char *path = object_str(volume, VOLUME_INSTALL_PATH),
		   *next = object_str(volume, VOLUME_NEXT_PATH);
	char name[64];
	int r = 0;

	if (!ps)
		return 0;
	volume_file_name(volume, name);
	r = orphan_file_put(t, ps, host, path ? path_file_name(path) : name, NULL, e);
	return r < 0 || !next ? r : orphan_file_put_path(t, ps, host, next, e);
}

int volume_put_gone(struct txn *t, const char *uuid, struct error *e)
{
	_cleanup_object_ const struct object *volume = object_ref(view_get(txn_view(t), KIND_VOLUME, uuid));
	int r;

	if (!volume)
		return 0;
	r = orphan_files(t, volume, e);
	if (r < 0)
		return r;
	r = snapshots_orphan_all(t, uuid, e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_SHAREABLE_REF, SHAREABLE_REF_VOLUME_UUID, uuid, e);
	if (r < 0)
		return r;
	r = object_remove_where(t, KIND_SCHEDULER, SCHEDULER_TARGET_UUID, uuid, e);
	if (r == 0)
		r = object_remove_where(t, KIND_SCHEDULER_JOB, SCHED_JOB_TARGET_UUID, uuid, e);
	if (r < 0)
		return r;
	r = object_remove(t, view_get(txn_view(t), KIND_VOLUME, uuid), e);
	if (r < 0 || !object_str(volume, VOLUME_PRIMARY_STORAGE_UUID))
		return r;
	return capacity_update_primary_storage(t, object_text(volume, VOLUME_PRIMARY_STORAGE_UUID), e);
}

static int gone_fn(struct txn *t, void *arg, struct error *e)
{
	return volume_put_gone(t, arg, e);
}

int volume_drop(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);
	int r;

	if (!volume)
		return 0;
	r = store_run(pool_store(pool), gone_fn, (void *)(uintptr_t)uuid, e);
	if (r < 0)
		return r;
	kill_point("volume-gone");
	orphan_files_remove(pool, NULL);
	/* The cached copy of a deleted image is needed until its last volume is gone. */
	if (object_str(volume, VOLUME_ROOT_IMAGE_UUID) &&
	    !view_get(view, KIND_IMAGE, object_str(volume, VOLUME_ROOT_IMAGE_UUID)))
		(void)image_cache_clean(pool, NULL);
	return 0;
}

int volume_remove(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid), *host;
	int r = 0;

	if (volume && object_str(volume, VOLUME_PRIMARY_STORAGE_UUID))
		r = volume_find_host(view, volume, &host, e);
	return r < 0 ? r : volume_drop(pool, uuid, e);
}

/* -------------------------------------------------------------------- expunging */

int volume_expunge_due(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	int64_t due = store_now() - config_int(view, "volume.expungePeriod") * NS_PER_S;
	const struct actor actor = {.source = "scheduler"};
	int result = 0;

	if (strcmp(config_str(view, "volume.deletionPolicy"), "Never") == 0)
		return 0;
	view_for_each_where (volume, view, KIND_VOLUME, VOLUME_STATUS, STATUS_DELETED) {
		struct request *req;
		int r;

		/* A root volume is expunged with its VM. */
		if (object_str_is(volume, VOLUME_TYPE, "Root") ||
		    object_int(volume, VOLUME_LAST_OP_DATE) > due ||
		    job_is_pending_for(view, object_uuid(volume)))
			continue;
		r = request_new(operation_by_name("ExpungeDataVolume"), object_uuid(volume), NULL, &actor,
				&req, e);
		if (r == 0)
			r = pool_submit_wait(pool, req, NULL, e);
		if (r < 0)
			result = r;
	}
	return result;
}
