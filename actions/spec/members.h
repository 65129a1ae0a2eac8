/* SPDX-License-Identifier: Apache-2.0 */
/* The members of the document `spec`. */
#ifndef POOLFS_SPEC_MEMBERS_H
#define POOLFS_SPEC_MEMBERS_H

#include "actions/spec/plan.h"

/** Adds the steps of all members, in the order in which they are to be done. */
int spec_members_plan(struct spec_plan *plan, struct error *e);
/** True for a member whose change is never felt by the guest, and so goes first. */
bool spec_member_is_early(const struct spec_member *member);
/** True for a member that can be set only when those before it are. */
bool spec_member_follows(const struct spec_member *member);
/** The object as it is, as a document. NULL when memory is short. */
json_t *spec_members_render(const struct view *view, const struct object *o);

#endif
