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
#ifndef POOLFS_STORAGE_H
#define POOLFS_STORAGE_H

#include "actions/job.h"
#include "hypervisor/hypervisor.h"

/** True when each host has files of its own: what is written on one host is not on the others. */
bool primary_storage_is_local(const struct object *ps);
/**
 * True when the storage keeps the snapshots of a volume itself, with the volume: Ceph. What is a new file
 * with a backing file elsewhere is a clone there. Accepts NULL.
 */
bool primary_storage_keeps_snapshots(const struct object *ps);
/** The format of a new volume there; static. Accepts NULL. */
const char *primary_storage_format(const struct object *ps, bool shareable);
/** The folder of a storage of this type, url and uuid on its hosts, for Ceph its url; allocated. NULL without
 * memory. */
char *primary_storage_mount_path(const char *state_dir, const char *type, const char *url, const char *uuid);
/** The connected host with the smallest row id above @after in a cluster of the storage; NULL = none. */
const struct object *primary_storage_next_host(const struct view *view, const char *ps, int64_t after);
/** Defines and starts the storage's libvirt pool on a host; success when it is there already. Blocking. */
int primary_storage_open_pool(struct pool *pool, const struct object *ps, const char *host, struct error *e);
/**
 * Asks the hosts of the storage how much room there is (a local storage is as large as all its connected
 * hosts together) and writes it, with the status Connected. @also (may be NULL) is asked too, though its
 * cluster may not have the storage yet or its row not say Connected yet. Hosts that do not answer do not
 * count. Blocking. -ENOTCONN (PS.1003) when none does.
 */
int primary_storage_measure(struct pool *pool, const char *uuid, const char *also, struct error *e);

/**
 * Removes a storage with its cached images, libvirt pools and links, and all that is on it: the volumes only
 * when
 * @enforcing, which also passes over what hosts refuse. Success when it is gone. Blocking: for workers.
 */
int primary_storage_remove(struct job *job, const char *uuid, bool enforcing, struct error *e);

/** Checks that @url can be a storage's folder: absolute, without "..", not in /dev, /proc or /sys. -EINVAL.
 */
int storage_check_folder(const char *url, struct error *e);

/** @url without slashes at its end, as libvirt writes folders too; allocated. NULL without memory. */
char *storage_plain_url(const char *url);

/** Bytes of the file system of a backup storage's folder, in all and free. Blocking. Negative errno. */
int backup_storage_capacity(const char *url, struct hv_capacity *ret, struct error *e);
/**
 * Looks whether the folder of a backup storage can be used, and writes its status and capacities.
 * Blocking. -ENOTCONN with code BS.1500 when it cannot be used (which is written too).
 */
int backup_storage_measure(struct pool *pool, const char *uuid, struct error *e);
/**
 * Measures every storage anew in the background, so that sizes are recent and a backup storage that came back
 * is used again, and removes cached images that nobody uses. For the timer thread; returns at once.
 */
int storage_refresh(struct pool *pool, struct error *e);
/** True when images can be put there: Enabled and Connected. */
bool backup_storage_is_usable(const struct object *bs);

#endif
