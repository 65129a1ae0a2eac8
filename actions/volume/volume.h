/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: their properties, and the queues in which their jobs wait.
 *
 * A volume is a file on a primary storage. It may be an overlay of other files:
 * those of its snapshots, and a cached image. All files are in one flat folder,
 * the storage's libvirt pool. Their names begin with the uuid of the volume,
 * except that of the image.
 *
 * Jobs of a volume wait in its own queue and in that of its VM (volume_queue_vm()).
 * While a job runs, the rows of both change only by what the guest and the host
 * do by themselves.
 */
#ifndef POOLFS_VOLUME_VOLUME_H
#define POOLFS_VOLUME_VOLUME_H

#include "actions/engine/operation.h"
#include "actions/engine/pool.h"

/** The name of a volume's first file: `<uuid>.<format>`. @ret: 64 bytes. */
void volume_file_name(const struct object *volume, char ret[64]);
/** True for a volume that may be attached to several VMs at the same time. */
bool volume_is_shareable(const struct object *volume);
/** True when the VM's domain has its disks open: the VM is Running or Paused. */
bool volume_vm_is_active(const struct object *vm);
/**
 * True when the storage takes the snapshots of this volume itself (Ceph), so that they are not files of their
 * own. False for NULL.
 */
bool volume_uses_storage_snapshots(const struct view *view, const struct object *volume);
/** Sum of the sizes of a volume's snapshots on the storage, in bytes, from their rows. */
int64_t volume_snapshots_size(const struct view *view, const char *volume);
/** -EBUSY with the manual's sentence when the volume is Deleted. */
int volume_check_alive(const struct object *volume, struct error *e);
/** The second queue of operations on a volume: its VM, or the VM that a waiting job attaches it to. */
op_queue_fn volume_queue_vm;
/** The same for the volume with this uuid: the uuid of the VM, borrowed, or NULL. */
const char *volume_vm_in_queue(const struct view *view, const char *volume);
/** Sets the integer field @field of a volume. -ENOENT when the volume is gone. Blocking. */
int volume_set_number(struct pool *pool, const char *uuid, int field, int64_t value, struct error *e);

#endif
