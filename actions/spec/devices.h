/* SPDX-License-Identifier: Apache-2.0 */
/* The members of `spec` that are lists of devices. */
#ifndef POOLFS_SPEC_DEVICES_H
#define POOLFS_SPEC_DEVICES_H

#include "actions/spec/plan.h"

json_t *spec_present_nics(const struct view *view, const struct object *vm);
int spec_plan_nics(struct spec_plan *p, const struct spec_member *m, const json_t *wanted, struct error *e);
json_t *spec_present_volumes(const struct view *view, const struct object *vm);
int spec_plan_volumes(struct spec_plan *p, const struct spec_member *m, const json_t *wanted,
		      struct error *e);
/** The uuids in the list `volumes` of a document, as members of @queues. */
void spec_volumes_of(const json_t *document, json_t *queues);

#endif
