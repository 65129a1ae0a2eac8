/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching volumes to VMs and taking them away. */
#ifndef POOLFS_VOLUME_ATTACH_H
#define POOLFS_VOLUME_ATTACH_H

#include "actions/engine/job.h"

struct volume_claim {
	const char *volume, *vm;
};

/** Whether a data volume could be attached to a VM now: the manual's sentence of what stands against it. */
int volume_check_attach(const struct view *view, const struct object *volume, const struct object *vm,
			struct error *e);
/** True when the VM has the volume, a shareable one too. */
bool volume_is_attached(const struct view *view, const struct object *volume, const char *vm);
/** True when any VM has it. */
bool volume_is_attached_anywhere(const struct view *view, const struct object *volume);
/**
 * Takes a volume from a VM, live if it runs: first from the guest, then in the rows. Success when it is not
 * attached. -ETIMEDOUT when the guest keeps it (it stays attached). Blocking.
 */
int volume_detach(struct job *job, const char *volume, const char *vm, struct error *e);

/** True for a volume that several VMs may have at a time. */
bool volume_is_shareable(const struct object *volume);

/** The row that attaches a shareable volume to a VM; NULL when there is none. */
const struct object *volume_find_ref(const struct view *view, const char *volume, const char *vm);

/** How many data volumes a VM has; marks the device ids below @room in @used (NULL: not asked). */
int volume_count_devices(const struct view *view, const char *vm, bool *used, int room);

/** Takes the volume of a `struct volume_claim` from its VM, in the rows. A change function. */
int volume_put_released(struct txn *t, void *arg, struct error *e);

#endif
