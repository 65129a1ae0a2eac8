/* SPDX-License-Identifier: Apache-2.0 */
/* Primary storage of a whole pool, see pool_fixture.h. */
#ifndef POOLFS_TESTS_STORAGE_FIXTURE_H
#define POOLFS_TESTS_STORAGE_FIXTURE_H

#include "tests/unit/pool_fixture.h"

#include <libvirt/libvirt.h>

/* Of a storage in the only zone, for the caller. */
static inline json_t *storage_params(struct pool_fixture *f, const char *url)
{
	char zone[UUID_SIZE];

	first_uuid(f, KIND_ZONE, zone);
	return json_pack("{s:s, s:s, s:s}", "name", "storage", "url", url, "zoneUuid", zone);
}

/* The only cluster. */
static inline json_t *cluster_params(struct pool_fixture *f)
{
	char cluster[UUID_SIZE];

	first_uuid(f, KIND_CLUSTER, cluster);
	return json_pack("{s:s}", "clusterUuid", cluster);
}

/* What libvirt has of a storage, for the caller. */
static inline virStoragePoolPtr host_pool(virConnectPtr conn, const char *ps)
{
	virStoragePoolPtr pool = virStoragePoolLookupByUUIDString(conn, ps);

	assert_non_null(pool);
	return pool;
}

#endif
