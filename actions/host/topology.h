/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reaches what: hosts, clusters, storage and networks, as the links in the
 * pool say. Small questions that many operations ask.
 */
#ifndef POOLFS_HOST_TOPOLOGY_H
#define POOLFS_HOST_TOPOLOGY_H

#include "model/view.h"

/** The connected host with the smallest row id above @after in a cluster of the storage; NULL = none. */
const struct object *primary_storage_next_host(const struct view *view, const char *ps, int64_t after);

bool cluster_has_l2(const struct view *view, const char *cluster, const char *l2);
bool cluster_has_primary_storage(const struct view *view, const char *cluster, const char *ps);
bool zone_has_backup_storage(const struct view *view, const char *zone, const char *bs);
/** True when the host is Enabled and Connected. */
bool host_is_usable(const struct object *host);
/** The next usable host (row id after @after) of a cluster that has the primary storage; NULL = none. */
const struct object *host_of_primary_storage(const struct view *view, const char *ps, int64_t after);

#endif
