/* SPDX-License-Identifier: Apache-2.0 */
/* Access control: checks every request against the account that makes it. */
#ifndef POOLFS_ENGINE_ACCESS_H
#define POOLFS_ENGINE_ACCESS_H

#include "actions/engine/request.h"

/* The administrator's account has the same uuid in every pool, as with the manual's server. */
#define ADMIN_ACCOUNT_UUID "36c27e8ff05c4780bf6d2fa65700f22e"

/**
 * Checks whether the account of the request may do this to these objects. An administrator may do anything;
 * others may do what is not reserved to administrators (OP_ADMIN), to objects that they can see
 * (model/access.h). -EACCES with ID.1002.
 */
int access_check(const struct view *view, const struct request *req, struct error *e);

#endif
