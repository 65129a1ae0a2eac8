/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts, clusters, storage and networks are connected, according to the rows
 * that link them. All objects returned are borrowed from the view.
 */
#ifndef POOLFS_HOST_TOPOLOGY_H
#define POOLFS_HOST_TOPOLOGY_H

#include "actions/engine/request.h"

/**
 * The connected host with the lowest row id above @after in a cluster of the primary storage; NULL = none.
 */
const struct object *primary_storage_next_host(const struct view *view, const char *ps, int64_t after);

/**
 * True when the L2 network, primary storage or backup storage is attached to the cluster or zone; all are
 * uuids.
 */
bool cluster_has_l2(const struct view *view, const char *cluster, const char *l2);
bool cluster_has_primary_storage(const struct view *view, const char *cluster, const char *ps);
bool zone_has_backup_storage(const struct view *view, const char *zone, const char *bs);
/**
 * True when the host can do what the request asks for: it is Connected, or, as long as the request is not due, may be until
 * then, since jobs wait for the hosts of a pool that has just been mounted: error_may_pass(@e), if it is only due too early.
 */
bool host_can_serve(const struct object *host, const struct request *req, struct error *e);
/** True when the host is Enabled and Connected. */
bool host_is_usable(const struct object *host);
/** As primary_storage_next_host(), of the usable hosts. */
const struct object *host_of_primary_storage(const struct view *view, const char *ps, int64_t after);

#endif
