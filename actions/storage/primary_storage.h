/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the storage operations share: where a storage is on a host, and how much
 * room it has. The questions that others ask are in topology.h.
 *
 * A primary storage is one libvirt pool of the same uuid on each host of its
 * clusters: a folder of each host (LocalStorage), a folder that all hosts share
 * (SharedMountPoint), an NFS export that each host mounts below the state
 * folder (NFS), or a pool of Ceph (Ceph). A backup storage is a folder on the
 * machine of the daemon, which reads and writes it itself.
 */
#ifndef POOLFS_STORAGE_PRIMARY_STORAGE_H
#define POOLFS_STORAGE_PRIMARY_STORAGE_H

#include "actions/engine/pool.h"
#include "actions/storage/storage_type.h"

/** True when each host has files of its own: what is written on one host is not on the others. */
bool primary_storage_is_local(const struct object *ps);
/** True when the storage keeps the snapshots of a volume itself, with the volume. Accepts NULL. */
bool primary_storage_keeps_snapshots(const struct object *ps);
/** The format of a new volume there; static. Accepts NULL. */
const char *primary_storage_format(const struct object *ps, bool shareable);
/** The folder of a storage of this type, url and uuid on its hosts, or its url when it has none; allocated.
 * NULL without memory. */
char *primary_storage_mount_path(const char *state_dir, const struct storage_type *type, const char *url,
				 const char *uuid);
/** Defines and starts the storage's libvirt pool on a host; success when it is there already. Blocking. */
int primary_storage_open_pool(struct pool *pool, const struct object *ps, const char *host, struct error *e);
/**
 * Asks the hosts of the storage how much room there is (a local storage is as large as all its connected
 * hosts together) and writes it, with the status Connected. @also (may be NULL) is asked too, though its
 * cluster may not have the storage yet or its row not say Connected yet. Hosts that do not answer do not
 * count. Blocking. -ENOTCONN (PS.1003) when none does.
 */
int primary_storage_measure(struct pool *pool, const char *uuid, const char *also, struct error *e);

/** Opens a primary storage's libvirt pool on a host, and measures it. Blocking: for workers. */
int primary_storage_open_on_host(struct pool *pool, const struct view *view, const struct object *ps,
				 const char *host, struct error *e);

#endif
