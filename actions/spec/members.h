/* SPDX-License-Identifier: Apache-2.0 */
/* The table of members of the document `spec`, and walks over it. Nothing here blocks. */
#ifndef POOLFS_SPEC_MEMBERS_H
#define POOLFS_SPEC_MEMBERS_H

#include "actions/spec/plan.h"

/** Adds the steps of all members of the document in their order. -EINVAL for an unknown member. */
int spec_members_plan(struct spec_plan *plan, struct error *e);
/**
 * Replaces the names in @document, of @o, by uuids (engine/request_names.h). The names are those that the account
 * of @o sees, whoever asks: what the document means does not depend on its reader. -ENOENT, -EINVAL.
 */
int spec_members_resolve(const struct view *view, const struct object *o, json_t *document, struct error *e);
/** True for a member that no guest notices: it comes before changes of the VM's state. False for NULL. */
bool spec_member_is_early(const struct spec_member *member);
/** True for a member that can be set only after those before it. False for NULL. */
bool spec_member_follows(const struct spec_member *member);
/** The current state of the object as a document, owned by the caller. NULL when out of memory. */
json_t *spec_members_render(const struct view *view, const struct object *o);

#endif
