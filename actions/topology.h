/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reaches what: hosts, clusters, storage and networks, as the links in the
 * pool say. Small questions that many operations ask.
 */
#ifndef POOLFS_TOPOLOGY_H
#define POOLFS_TOPOLOGY_H

#include "actions/job.h"

bool cluster_has_l2(const struct view *view, const char *cluster, const char *l2);
bool cluster_has_primary_storage(const struct view *view, const char *cluster, const char *ps);
bool zone_has_backup_storage(const struct view *view, const char *zone, const char *bs);
/** True when the host is Enabled and Connected. */
bool host_is_usable(const struct object *host);
/** The next usable host (row id after @after) of a cluster that has the primary storage; NULL = none. */
const struct object *host_of_primary_storage(const struct view *view, const char *ps, int64_t after);

/** Waits, for recoveries, until a host is connected; false when it does not come within 30 s. Blocking. */
bool host_wait_connected(struct job *job, const char *host);
/** Waits in the same way for @host, or when that is NULL for any host that reaches the primary storage @ps
 * (NULL: for nothing). */
void host_wait_for_storage(struct job *job, const char *ps, const char *host);

/** Opens a primary storage's libvirt pool on a host, and measures it. Blocking: for workers. */
int primary_storage_open_on_host(struct pool *pool, const struct view *view, const struct object *ps,
				 const char *host, struct error *e);
/** Opens the libvirt network of an L3 network on a host (with all its leases). @ret_name: 32 bytes. Blocking.
 */
int l3_network_open_on_host(struct pool *pool, const struct view *view, const struct object *l3,
			    const char *host, char ret_name[32], struct error *e);
/** Makes everything that a newly connected host needs there: pools and networks of its cluster. Blocking. */
int host_prepare(struct pool *pool, const char *host, struct error *e);
/** Makes an absolute path below a backup storage for an image's file; allocated. NULL without memory. */
char *backup_storage_image_path(const struct object *bs, const char *image_uuid, const char *format);

/*
 * The copy of an image on a primary storage from which root volumes are overlaid: made on the first use
 * (one upload however many VMs start at once), found by later ones. @ret_path and @ret_format are allocated.
 * Blocking: for workers; progress goes to @job.
 */
int image_cache_get(struct job *job, const char *image_uuid, const char *ps_uuid, const char *host_uuid,
		    char **ret_path, char **ret_format, struct error *e);
/** Removes cached copies that no volume is based on and whose image is gone. Blocking. */
int image_cache_clean(struct pool *pool, struct error *e);

/* Addresses. */
/** The first free address of the L3 network, or @wanted if given: L3.1000 when none / SYS.1006 when taken or
 * outside. Fills ip, netmask and gateway of the (not yet written) NIC object @nic. */
int l3_network_allocate_ip(struct txn *t, const char *l3_uuid, const char *wanted, struct object *nic,
			   struct error *e);
/** Number of addresses of an L3 network that nobody has. */
int64_t l3_network_free_count(const struct view *view, const char *l3_uuid);

#endif
