/* SPDX-License-Identifier: Apache-2.0 */
/* Access control: checks every request against the account that makes it. */
#ifndef POOLFS_ENGINE_ACCESS_H
#define POOLFS_ENGINE_ACCESS_H

#include "actions/engine/request.h"

/* The administrator's account has the same uuid in every pool, as with the manual's server. */
#define ADMIN_ACCOUNT_UUID "36c27e8ff05c4780bf6d2fa65700f22e"

/**
 * May the request's account do this, to these objects? An administrator may do anything. Others may do what is
 * not the administrator's alone; what the request names, in parameters and in system tags, must be visible to
 * the account, and what it changes its own: the target of whatever does not only answer, or answers with a
 * secret, and parameters with PARAM_CHANGES. -EACCES, ID.1002.
 */
int access_check(const struct view *view, const struct request *req, struct error *e);

/** True when what @actor is told may show @o. */
bool access_shows(const struct view *view, const struct actor *actor, const struct object *o);

#endif
