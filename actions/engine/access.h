/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: the check of every request against the account that makes it. */
#ifndef POOLFS_ENGINE_ACCESS_H
#define POOLFS_ENGINE_ACCESS_H

#include "actions/engine/request.h"

/**
 * May the request's account do this, to these objects? An administrator may do anything; others what is not
 * the administrator's alone, to what access.h lets them see. -EACCES, ID.1002.
 */
int account_check(const struct view *view, const struct request *req, struct error *e);

#endif
