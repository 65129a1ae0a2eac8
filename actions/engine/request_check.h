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

#endif
