/* SPDX-License-Identifier: Apache-2.0 */
/* See size_refresh.h. */
#include "actions/volume/size_refresh.h"

#include "actions/engine/result.h"
#include "actions/host/capacity.h"
#include "actions/volume/location.h"
#include "actions/volume/volume.h"
#include "hypervisor/storage/volume.h"
#include "model/states.h"

struct measured {
	const struct object *volume; /* borrowed; as it was when its file was measured */
	int64_t actual;		     /* bytes */
};

/* Writes nothing when the volume has got another file meanwhile, or a job is changing it. */
static int write_fn(struct txn *t, void *arg, struct error *e)
{
	const struct measured *m = arg;
	const char *uuid = object_uuid(m->volume);
	const struct object *now = view_get(txn_view(t), KIND_VOLUME, uuid);
	int64_t actual = m->actual + volume_snapshots_size(txn_view(t), uuid);
	struct object *volume;
	int r;

	if (!now || !object_str_is(now, VOLUME_INSTALL_PATH, object_str(m->volume, VOLUME_INSTALL_PATH)) ||
	    !object_str_is(now, VOLUME_STATUS, STATUS_READY) || job_is_pending_for(txn_view(t), uuid) ||
	    object_int(now, VOLUME_ACTUAL_SIZE) == actual)
		return 0;
	r = txn_edit(t, KIND_VOLUME, uuid, &volume, e);
	if (r < 0)
		return r;
	object_set_int(volume, VOLUME_ACTUAL_SIZE, actual);
	r = txn_put(t, volume, NULL, e);
	return r < 0 ? r
		     : capacity_update_primary_storage(t, object_text(m->volume, VOLUME_PRIMARY_STORAGE_UUID),
						       e);
}

int volume_refresh_sizes(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	(void)e; /* what cannot be measured now is measured the next time */
	view_for_each (volume, view, KIND_VOLUME) {
		struct measured m = {.volume = volume};
		struct hv_volume_info info;
		const struct object *host;

		if (!object_str_is(volume, VOLUME_STATUS, STATUS_READY) ||
		    volume_find_host(view, volume, &host, NULL) < 0 ||
		    hv_volume_info(pool_hypervisor(pool), object_uuid(host),
				   object_text(volume, VOLUME_INSTALL_PATH), &info, NULL) < 0)
			continue;
		m.actual = info.actual_size;
		(void)store_run(pool_store(pool), write_fn, &m, NULL);
	}
	return 0;
}
