/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a type of primary storage is: one row each, which all code that treats
 * the types differently asks.
 *
 * To add one: its row in storage_type.c, its name here, the operation that adds
 * storages of it (a line in operations/primary_storage.c), and what the
 * hypervisor lacks for it (hypervisor/storage/).
 */
#ifndef POOLFS_STORAGE_STORAGE_TYPE_H
#define POOLFS_STORAGE_STORAGE_TYPE_H

#include <stdbool.h>

#include "model/object.h"

struct storage_type {
	const char *name;      /* "Ceph", as in the field `type` */
	const char *pool_type; /* of struct hv_storage_pool_def: "dir", "netfs" or "rbd" */
	/* Checks a url without slashes at its end; -EINVAL. */
	int (*check_url)(const char *url, struct error *e);
	/* The url is the pool's source; else it is its folder on the hosts. */
	bool has_source;
	/* The folder is a mount point below the state folder of the hosts; else the url. */
	bool own_mount;
	/* Each host has files of its own: what is written on one host is not on the others. */
	bool per_host;
	/* Volumes and images have no format but raw, whatever they were made from. */
	bool raw_only;
	/* It keeps the snapshots of a volume itself; what is a file with a backing file elsewhere is a clone. */
	bool keeps_snapshots;
	/* The daemon opens a volume by its path, wherever the hosts are. */
	bool reachable_from_daemon;
};

extern const struct storage_type storage_type_local;
extern const struct storage_type storage_type_nfs;
extern const struct storage_type storage_type_shared_mount_point;
extern const struct storage_type storage_type_ceph;

/** The type of a primary storage; for NULL a folder that all hosts share, which has nothing of its own. */
const struct storage_type *storage_type_of(const struct object *ps);

#endif
