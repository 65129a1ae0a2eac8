/* SPDX-License-Identifier: Apache-2.0 */
/* The types of primary storage. See storage_type.h. */
#include "actions/storage/storage_type.h"

#include <string.h>

#include "actions/storage/url.h"
#include "hypervisor/storage/ceph_path.h"

static int check_nfs_url(const char *url, struct error *e)
{
	const char *path = strstr(url, ":/");

	if (!path || path == url || strpbrk(url, " \t\n"))
		return error_set(e, EINVAL, "url '%s' must have the form host:/path", url);
	return 0;
}

const struct storage_type storage_type_local = {
	.name = "LocalStorage",
	.pool_type = "dir",
	.check_url = storage_check_folder,
	.per_host = true,
};

const struct storage_type storage_type_nfs = {
	.name = "NFS",
	.pool_type = "netfs",
	.check_url = check_nfs_url,
	.has_source = true,
	.own_mount = true,
};

const struct storage_type storage_type_shared_mount_point = {
	.name = "SharedMountPoint",
	.pool_type = "dir",
	.check_url = storage_check_folder,
};

const struct storage_type storage_type_ceph = {
	.name = "Ceph",
	.pool_type = "rbd",
	.check_url = hv_ceph_url_check,
	.has_source = true,
	.raw_only = true,
	.keeps_snapshots = true,
	.reachable_from_daemon = true,
};

static const struct storage_type *const types[] = {
	&storage_type_local,
	&storage_type_nfs,
	&storage_type_shared_mount_point,
	&storage_type_ceph,
};

const struct storage_type *storage_type_of(const struct object *ps)
{
	for (size_t i = 0; ps && i < ARRAY_SIZE(types); i++)
		if (object_str_is(ps, PRIMARY_STORAGE_TYPE, types[i]->name))
			return types[i];
	return &storage_type_shared_mount_point;
}
