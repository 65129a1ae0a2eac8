/* SPDX-License-Identifier: Apache-2.0 */
/* See host_prepare.h. */
#include "actions/network/host_prepare.h"

#include "actions/engine/pool_internal.h"
#include "actions/network/l3_network.h"
#include "actions/storage/primary_storage.h"

/* Keeps the first of several errors. */
static void note(int *result, int r)
{
	if (r < 0 && *result == 0)
		*result = r;
}

void host_prepare_wait(struct pool *pool)
{
	/* a preparation takes its view under the lock, so that a later one sees the change */
	scoped_lock(&pool->prepare_lock);
}

int host_prepare(struct pool *pool, const char *host_uuid, struct error *e)
{
	/* Two preparations at once would both find a libvirt pool missing, and both define it. */
	scoped_lock(&pool->prepare_lock);
	_cleanup_view_ struct view *view = store_view(pool_store(pool));
	const struct object *host = view_get(view, KIND_HOST, host_uuid);
	const char *cluster = host ? object_str(host, HOST_CLUSTER_UUID) : NULL;
	int result = 0;

	view_for_each_where (attached, view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_CLUSTER_UUID, cluster) {
		const struct object *ps = view_get(view, KIND_PRIMARY_STORAGE,
						   object_str(attached, CLUSTER_PS_PRIMARY_STORAGE_UUID));

		note(&result, ps ? primary_storage_open_on_host(pool, view, ps, host_uuid, e) : 0);
	}
	view_for_each_where (attached, view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_CLUSTER_UUID, cluster)
		view_for_each_where (l3, view, KIND_L3_NETWORK, L3_L2_NETWORK_UUID,
				     object_str(attached, CLUSTER_L2_L2_NETWORK_UUID))
			note(&result, l3_network_apply_on_host(pool, object_uuid(l3), host_uuid, e));
	return result;
}
