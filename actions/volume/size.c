/* SPDX-License-Identifier: Apache-2.0 */
/* See size.h. */
#include "actions/volume/size.h"

#include "actions/host/capacity.h"
#include "actions/volume/location.h"
#include "actions/volume/volume.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

int64_t volume_round_size(int64_t bytes)
{
	int64_t most = INT64_MAX - INT64_MAX % VOLUME_SIZE_UNIT;

	return bytes > most ? most : (bytes + VOLUME_SIZE_UNIT - 1) / VOLUME_SIZE_UNIT * VOLUME_SIZE_UNIT;
}

int64_t disk_offering_size(const struct view *view, const char *uuid)
{
	const struct object *o = view_get(view, KIND_DISK_OFFERING, uuid);

	return o ? volume_round_size(object_int(o, DISK_OFFERING_DISK_SIZE)) : 0;
}

int64_t image_volume_size(const struct object *image)
{
	return image ? volume_round_size(object_int(image, IMAGE_SIZE)) : 0;
}

struct sizes {
	const char *uuid;
	struct hv_volume_info info;
};

/* Writes the sizes, and computes the reserved bytes of the storage anew. */
static int sizes_fn(struct txn *t, void *arg, struct error *e)
{
	const struct sizes *s = arg;
	struct object *volume;
	char ps[UUID_SIZE];
	int r = txn_edit(t, KIND_VOLUME, s->uuid, &volume, e);

	if (r < 0)
		return r;
	txn_set_fact(t);
	object_set_null(volume, VOLUME_NEXT_SIZE);
	snprintf(ps, sizeof(ps), "%s", object_text(volume, VOLUME_PRIMARY_STORAGE_UUID));
	object_set_int(volume, VOLUME_SIZE, s->info.size);
	object_set_int(volume, VOLUME_ACTUAL_SIZE,
		       s->info.actual_size + volume_snapshots_size(txn_view(t), s->uuid));
	r = txn_put(t, volume, NULL, e);
	return r < 0 ? r : capacity_update_primary_storage(t, ps, e);
}

int volume_sync_size(struct pool *pool, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid), *host;
	struct sizes s = {.uuid = uuid};
	int r;

	if (!volume || !object_str_is(volume, VOLUME_STATUS, STATUS_READY))
		return 0;
	r = volume_find_host(view, volume, &host, e);
	if (r < 0)
		return r;
	r = hv_volume_info(pool_hypervisor(pool), object_uuid(host), object_text(volume, VOLUME_INSTALL_PATH),
			   &s.info, e);
	return r < 0 ? r : store_run(pool_store(pool), sizes_fn, &s, e);
}

void volumes_settle_growth(struct pool *pool)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (volume, view, KIND_VOLUME)
		if (!object_is_null(volume, VOLUME_NEXT_SIZE) &&
		    !job_is_pending_for(view, object_uuid(volume)))
			(void)volume_sync_size(pool, object_uuid(volume), NULL);
}

int volume_settle_size(struct job *job, const char *uuid, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	const struct object *volume = view_get(view, KIND_VOLUME, uuid);

	return volume && object_int(volume, VOLUME_SIZE) % VOLUME_SIZE_UNIT
		       ? volume_sync_size(job->pool, uuid, e)
		       : 0;
}
