/* SPDX-License-Identifier: Apache-2.0 */
/* The third step of a request (request.h): the checks against the pool. */
#ifndef POOLFS_ENGINE_REQUEST_CHECK_H
#define POOLFS_ENGINE_REQUEST_CHECK_H

#include "actions/engine/request.h"

/**
 * Checks the request against the pool: that the named objects exist, that the account may use them, that
 * the VM is in a legal state, and what the operation itself checks. -ENOENT, -EACCES, -EBUSY, ...;
 * OP_MISSING_OK when the object is gone and that is a success. @busy: other jobs run before it and may change
 * the pool, so only existence and access are checked.
 */
int request_check(const struct view *view, const struct request *req, bool busy, struct error *e);

/**
 * Would a request for @op on the object @uuid be refused now, whatever its parameters are? By the same checks as
 * request_check(); 0 also if they cannot tell without parameters. For menus.
 */
int request_check_possible(const struct view *view, const struct operation *op, const char *uuid,
			   const struct actor *actor, struct error *e);

#endif
