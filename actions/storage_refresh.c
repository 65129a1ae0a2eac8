/* SPDX-License-Identifier: Apache-2.0 */
/* See storage_refresh.h. */
#include "actions/storage_refresh.h"

#include "actions/image/cache.h"
#include "actions/storage/backup_storage.h"
#include "actions/storage/primary_storage.h"

int storage_refresh(struct pool *pool, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	(void)e; /* failures show in the status of the storage, or are retried by the next refresh */
	view_for_each (bs, view, KIND_BACKUP_STORAGE)
		(void)backup_storage_measure(pool, object_uuid(bs), NULL);
	view_for_each (ps, view, KIND_PRIMARY_STORAGE)
		(void)primary_storage_measure(pool, object_uuid(ps), NULL, NULL);
	(void)image_cache_clean(pool, NULL);
	return 0;
}
