/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: what the files of the family share, and what others need of them.
 *
 * A volume is one file on a primary storage, perhaps an overlay of others: of
 * the frozen files of its snapshots, and of a cached image. All lie flat in the
 * storage's libvirt pool, and begin with the volume's uuid, except the image.
 *
 * Jobs of a volume wait in its own queue and in that of its VM (volume_queue_vm()),
 * so nothing that a handler sees of the two changes under it, but what the guest
 * and the host do by themselves.
 */
#ifndef POOLFS_VOLUME_LOCATION_H
#define POOLFS_VOLUME_LOCATION_H

#include "actions/engine/operation.h"
#include "actions/engine/pool.h"

/* Where a volume is now. Borrowed from the view. */
struct volume_location {
	const struct object *volume;
	const struct object *vm; /* that it is attached to, or NULL; never for shareable volumes */
	const char *ps;		 /* uuid */
	const char *host; /* uuid: a connected host that reaches the file; where the VM is active, its host */
	bool active;	  /* the VM's domain has the file open: Running or Paused */
};

/** Does the volume's storage keep its snapshots itself? */
bool snapshots_are_kept_by_storage(const struct view *view, const struct object *volume);

/**
 * Finds a volume that has a file. -EBUSY when its VM is in no state in which one can tell (Unknown, Starting,
 * ...), -ENOTCONN (PS.1003) when no host reaches it, -ENOENT.
 */
int volume_locate(const struct view *view, const char *uuid, struct volume_location *ret, struct error *e);

/** The queue2 of operations on a volume: its VM, or the one that a waiting job will attach it to. */
op_queue_fn volume_queue_vm;
/** The same for a volume by its uuid. */
const char *volume_vm_in_queue(const struct view *view, const char *volume);
/** The connected host through which a volume's file is reached; NULL when there is none. */
const struct object *volume_any_host(const struct view *view, const struct object *volume);
/** The name that a volume's first file has: `<uuid>.<format>`. @ret: 64 bytes. */
void volume_file_name(const struct object *volume, char ret[64]);
/** Bytes on the storage of a volume and its snapshots, as last seen. */
int64_t volume_snapshots_size(const struct view *view, const char *volume);

/** -EBUSY with the manual's sentence when the volume is Deleted. */
int volume_check_alive(const struct object *volume, struct error *e);
/** The storage (and for a local one the host) for a new volume of @size bytes. PS.1000 when there is none. */
int volume_choose_storage(const struct view *view, const struct object *vm, const char *wanted_ps,
			  const char *wanted_host, int64_t size, const struct object **ret_ps,
			  const struct object **ret_host, struct error *e);
/** Writes a number of a volume. For workers. */
int volume_set_number(struct pool *pool, const char *uuid, int field, int64_t value, struct error *e);

/** The root volume of a VM; NULL when it has none. */
const struct object *vm_root_volume(const struct view *view, const struct object *vm);
/** True when the VM's domain has its disks open: Running or Paused. */
bool volume_vm_is_active(const struct object *vm);

#endif
