/* SPDX-License-Identifier: Apache-2.0 */
/* See storage_refresh.h. */
#include "actions/storage_refresh.h"

#include <stdatomic.h>
#include <string.h>

#include "actions/image/cache.h"
#include "actions/storage/backup_storage.h"
#include "actions/storage/primary_storage.h"

/* Set while a refresh runs: a storage that hangs must not block more and more threads. */
static atomic_flag refreshing = ATOMIC_FLAG_INIT;

/* Failures show in the status of the storage, or are retried by the next refresh. */
static void refresh_all(void *arg)
{
	struct pool *pool = arg;
	_cleanup_view_ struct view *view = store_view(pool_store(pool));

	view_for_each (bs, view, KIND_BACKUP_STORAGE)
		(void)backup_storage_measure(pool, object_uuid(bs), NULL);
	view_for_each (ps, view, KIND_PRIMARY_STORAGE)
		(void)primary_storage_measure(pool, object_uuid(ps), NULL, NULL);
	(void)image_cache_clean(pool, NULL);
	atomic_flag_clear(&refreshing);
}

int storage_refresh(struct pool *pool, struct error *e)
{
	int r;

	if (atomic_flag_test_and_set(&refreshing))
		return 0;
	r = pool_background(pool, refresh_all, pool);
	if (r == 0)
		return 0;
	atomic_flag_clear(&refreshing);
	return error_set(e, -r, "cannot measure the storage: %s", strerror(-r));
}
