/* SPDX-License-Identifier: Apache-2.0 */
/* The third step of a request (request.h): the look at the pool. */
#ifndef POOLFS_ENGINE_REQUEST_CHECK_H
#define POOLFS_ENGINE_REQUEST_CHECK_H

#include "actions/engine/request.h"

/**
 * Looks at the pool: do the named objects exist, is the VM in a legal state, what does the operation's
 * own check say. -ENOENT, -EBUSY, ... OP_MISSING_OK when the object is gone and that is a success.
 * @busy: other jobs go before it, so what holds now says nothing about its turn: only existence is checked.
 */
int request_check(const struct view *view, const struct request *req, bool busy, struct error *e);

#endif
