/* SPDX-License-Identifier: Apache-2.0 */
/* See topology.h. */
#include "actions/host/topology.h"

#include "actions/engine/rows.h"
#include "model/states.h"

bool cluster_has_l2(const struct view *view, const char *cluster, const char *l2)
{
	return link_find(view, KIND_CLUSTER_L2_NETWORK, CLUSTER_L2_L2_NETWORK_UUID, l2,
			 CLUSTER_L2_CLUSTER_UUID, cluster) != NULL;
}

bool cluster_has_primary_storage(const struct view *view, const char *cluster, const char *ps)
{
	return link_find(view, KIND_CLUSTER_PRIMARY_STORAGE, CLUSTER_PS_PRIMARY_STORAGE_UUID, ps,
			 CLUSTER_PS_CLUSTER_UUID, cluster) != NULL;
}

bool zone_has_backup_storage(const struct view *view, const char *zone, const char *bs)
{
	return link_find(view, KIND_ZONE_BACKUP_STORAGE, ZONE_BS_BACKUP_STORAGE_UUID, bs, ZONE_BS_ZONE_UUID,
			 zone) != NULL;
}

bool host_can_serve(const struct object *host, const struct request *req, struct error *e)
{
	if (object_str_is(host, HOST_STATUS, STATUS_CONNECTED))
		return true;
	if (!object_str_is(host, HOST_STATUS, STATUS_CONNECTING))
		return false;
	if (req->due)
		error_may_pass(e);
	return !req->due;
}

bool host_is_usable(const struct object *host)
{
	return object_str_is(host, HOST_STATE, STATE_ENABLED) &&
	       object_str_is(host, HOST_STATUS, STATUS_CONNECTED);
}

const struct object *host_of_primary_storage(const struct view *view, const char *ps, int64_t after)
{
	const struct object *host = view_next(view, KIND_HOST, after);

	while (host && !(host_is_usable(host) &&
			 cluster_has_primary_storage(view, object_str(host, HOST_CLUSTER_UUID), ps)))
		host = view_next(view, KIND_HOST, host->id);
	return host;
}

const struct object *primary_storage_next_host(const struct view *view, const char *ps, int64_t after)
{
	const struct object *host = view_next(view, KIND_HOST, after);

	while (host && !(object_str_is(host, HOST_STATUS, STATUS_CONNECTED) &&
			 cluster_has_primary_storage(view, object_str(host, HOST_CLUSTER_UUID), ps)))
		host = view_next(view, KIND_HOST, host->id);
	return host;
}
