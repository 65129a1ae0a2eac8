/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a VM's spec that are lists of devices: NICs and volumes. The
 * functions are for the table in spec/members.c (struct spec_member).
 */
#ifndef POOLFS_SPEC_DEVICES_H
#define POOLFS_SPEC_DEVICES_H

#include "actions/spec/plan.h"

/** The NICs of a VM as items of `nics`. Owned by the caller. */
json_t *spec_present_nics(const struct view *view, const struct object *vm);
/** Adds the steps to @wanted. -EINVAL, -ENOENT. */
int spec_plan_nics(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e);
/** The uuids of the data volumes of a VM, shareable ones last. Owned by the caller. */
json_t *spec_present_volumes(const struct view *view, const struct object *vm);
/** Adds the steps to @wanted. -EINVAL, -ENOENT, -EBUSY for a volume of another VM. */
int spec_plan_volumes(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
		      struct error *e);
/** Adds the uuids in the list `volumes` of @document as members of *queues, which is NULL then when memory is short. */
void spec_volumes_of(const json_t *document, json_t **queues);

#endif
