/* SPDX-License-Identifier: Apache-2.0 */
/* See merge.h. */
#include "actions/volume/merge.h"

#include "actions/volume/location.h"
#include "hypervisor/domain/disk_chain.h"
#include "hypervisor/storage/volume.h"

int volume_merge(struct job *job, const char *uuid, const char *base, struct error *e)
{
	struct hypervisor *hv = pool_hypervisor(job->pool);
	_cleanup_view_ struct view *view = store_view(pool_store(job->pool));
	_cleanup_(error_done) struct error why = ERROR_INIT;
	struct volume_location place;
	int r = volume_locate(view, uuid, &place, e);

	if (r < 0)
		return r;
	for (;;) {
		const char *path = object_text(place.volume, VOLUME_INSTALL_PATH);

		r = place.active ? hv_disk_pull(hv, place.host, object_uuid(place.vm), uuid, base,
						job_copy_progress, job, &why)
				 : hv_volume_pull(hv, place.host, path, base, job_copy_progress, job, &why);
		if (r != -EINVAL || !base)
			return r < 0 ? error_move(e, &why) : 0;
		error_done(&why);
		base = NULL;
	}
}
