/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a volume is: its host, its storage and the image below it; and where a
 * new one can be created. All functions only read the view and never block;
 * results are borrowed from it.
 */
#ifndef POOLFS_VOLUME_LOCATION_H
#define POOLFS_VOLUME_LOCATION_H

#include "actions/engine/operation.h"
#include "actions/engine/pool.h"
#include "actions/storage/storage_choice.h"

/* Where a volume is now. Borrowed from the view. */
struct volume_location {
	const struct object *volume;
	const struct object *vm; /* it is attached to, or NULL; always NULL for shareable volumes */
	const char *ps;		 /* uuid */
	const char *host;	 /* uuid of a connected host that can access the file; that of an active VM */
	bool active;		 /* the VM's domain has the file open: Running or Paused */
};

/**
 * Finds a volume that has a file. -ENOENT when it is gone or has no file, -EBUSY when the state of its VM
 * does not tell whether the file is open (Unknown, Starting, ...), -ENOTCONN (PS.1003) when no host that
 * can access it is connected.
 */
int volume_locate(const struct view *view, const char *uuid, struct volume_location *ret, struct error *e);

/** A connected host that can access the volume's file; NULL when there is none. */
const struct object *volume_any_host(const struct view *view, const struct object *volume);
/** As volume_any_host(); -ENOTCONN (PS.1003) when there is none. */
int volume_find_host(const struct view *view, const struct object *volume, const struct object **ret_host,
		     struct error *e);
/** The cached image at the bottom of the volume's chain of files; NULL when no such image is known. */
const char *volume_base_path(const struct view *view, const struct object *volume);
/**
 * Chooses the storage with the most room for a new volume as in @wish, and a host that can access it. @vm (may
 * be NULL): both must be usable by this VM, whose cluster replaces that of the wish. @wanted_host (may be NULL):
 * uuid of the host to be used. -ENOSPC (PS.1000) when nothing fits; error_may_pass() if something would
 * on a host that is Connecting.
 */
int volume_choose_storage(const struct view *view, const struct object *vm, const struct storage_wish *wish,
			  const char *wanted_host, const struct object **ret_ps,
			  const struct object **ret_host, struct error *e);
/** The root volume of a VM; NULL when it has none. */
const struct object *vm_root_volume(const struct view *view, const struct object *vm);

#endif
