/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of primary storage and their properties, one row each. Code that
 * treats the types differently asks for a property, not for the type.
 *
 * To add one: its row in storage_type.c and its declaration here, the operation
 * that adds storage of this type (a row in operations/primary_storage.c), and
 * what the hypervisor needs for it (hypervisor/storage/).
 */
#ifndef POOLFS_STORAGE_STORAGE_TYPE_H
#define POOLFS_STORAGE_STORAGE_TYPE_H

#include <stdbool.h>

#include "model/object.h"

struct storage_type {
	const char *name;      /* "Ceph", as in the field `type` */
	const char *pool_type; /* of struct hv_storage_pool_def: "dir", "netfs" or "rbd" */
	/* Checks a url without trailing slashes; -EINVAL. */
	int (*check_url)(const char *url, struct error *e);
	/* The url is the source of the libvirt pool; else it is the folder on the hosts. */
	bool has_source;
	/* The folder is a mount point below the state folder; else the url. */
	bool own_mount;
	/* Each host has its own files: what is written on one host is not visible on the others. */
	bool per_host;
	/* All volumes and images are raw, whatever format they are created from. */
	bool raw_only;
	/* The storage keeps the snapshots of a volume itself, and has clones in place of files with a backing
	 * file. */
	bool keeps_snapshots;
	/* The daemon itself can open a volume by its path, without a host. */
	bool reachable_from_daemon;
};

extern const struct storage_type storage_type_local;
extern const struct storage_type storage_type_nfs;
extern const struct storage_type storage_type_shared_mount_point;
extern const struct storage_type storage_type_ceph;

/** The type of a primary storage, never NULL; for NULL or an unknown type storage_type_shared_mount_point. */
const struct storage_type *storage_type_of(const struct object *ps);

#endif
