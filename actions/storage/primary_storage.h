/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Primary storage on the hosts: its path, opening it, and its capacity. Which
 * hosts and clusters have it: host/topology.h.
 *
 * A primary storage is one libvirt pool of the same uuid on each host of its
 * clusters: a folder of each host (LocalStorage), a folder that all hosts share
 * (SharedMountPoint), an NFS export that each host mounts below the state
 * folder (NFS), or a pool of Ceph (Ceph). See storage_type.h.
 */
#ifndef POOLFS_STORAGE_PRIMARY_STORAGE_H
#define POOLFS_STORAGE_PRIMARY_STORAGE_H

#include "actions/engine/pool.h"
#include "actions/storage/storage_type.h"

/** True when each host has its own files: what is written on one host is not visible on the others. */
bool primary_storage_is_local(const struct object *ps);
/** True when the storage keeps the snapshots of a volume itself, with the volume. Accepts NULL. */
bool primary_storage_keeps_snapshots(const struct object *ps);
/** The format of a new volume on the storage, "raw" or "qcow2"; static. Accepts NULL. */
const char *primary_storage_format(const struct object *ps, bool shareable);
/**
 * The folder on the hosts of a storage of this type, url and uuid; its url when it has none. Allocated, NULL
 * when memory is short.
 */
char *primary_storage_mount_path(const char *state_dir, const struct storage_type *type, const char *url,
				 const char *uuid);
/** Defines and starts the storage's libvirt pool on a host; success when it is already active. Blocking. */
int primary_storage_open_pool(struct pool *pool, const struct object *ps, const char *host, struct error *e);
/**
 * Asks the hosts of the storage for its capacity and writes it, with the status Connected. For a local
 * storage this is the sum over its connected hosts, otherwise the first answer. The host @also (may be NULL)
 * is asked too, even when its cluster does not have the storage or its row is not Connected yet. Hosts that
 * do not answer are skipped. -ENOENT when the storage is gone, -ENOTCONN (PS.1003) when no host answers.
 * Blocking.
 */
int primary_storage_measure(struct pool *pool, const char *uuid, const char *also, struct error *e);

/** Opens a primary storage's libvirt pool on a host, and measures it. Blocking: for workers. */
int primary_storage_open_on_host(struct pool *pool, const struct view *view, const struct object *ps,
				 const char *host, struct error *e);

#endif
