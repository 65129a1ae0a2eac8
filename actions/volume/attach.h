/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching data volumes to VMs, and detaching them.
 *
 * The VM of a volume is in its vmInstanceUuid, except for a shareable volume,
 * which has a row of KIND_SHAREABLE_REF for each VM.
 */
#ifndef POOLFS_VOLUME_ATTACH_H
#define POOLFS_VOLUME_ATTACH_H

#include "actions/engine/job.h"

/* A volume and a VM that it is attached to. Borrowed uuids. */
struct volume_claim {
	const char *volume, *vm;
};

/** The part of volume_check_attach() that no choice of the VM changes. */
int volume_check_attachable(const struct object *volume, struct error *e);
/**
 * Checks that a data volume can be attached to a VM now. -EBUSY with the manual's sentence when it cannot.
 * Only reads.
 */
int volume_check_attach(const struct view *view, const struct object *volume, const struct object *vm,
			struct error *e);
/** True when the volume, shareable or not, is attached to the VM. */
bool volume_is_attached(const struct view *view, const struct object *volume, const char *vm);
/** True when it is attached to any VM. */
bool volume_is_attached_anywhere(const struct view *view, const struct object *volume);
/**
 * Detaches a volume from a VM: first from the guest, if it runs, then in the rows. Success when it is not
 * attached. -ETIMEDOUT when the guest does not release the disk; the volume stays attached then. Blocking.
 */
int volume_detach(struct job *job, const char *volume, const char *vm, struct error *e);

/** The row that attaches a shareable volume to a VM; NULL when there is none. */
const struct object *volume_find_ref(const struct view *view, const char *volume, const char *vm);

/** Counts the data volumes of a VM. Sets @used[id] (may be NULL) for each device id below @room in use. */
int volume_count_devices(const struct view *view, const char *vm, bool *used, int room);

/** Clears what of the row says where the volume is attached. */
void volume_clear_vm(struct object *volume);
/**
 * Detaches the volume of @arg, a `struct volume_claim`, in the rows. Success when it is not attached. A
 * change function.
 */
int volume_put_released(struct txn *t, void *arg, struct error *e);

#endif
