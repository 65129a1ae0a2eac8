/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting an account, in steps (engine/steps.h).
 *
 * The first step closes the account: from then on its sessions, access keys, password and local users are worth nothing,
 * and what it has asked for is refused when its turn comes (access_check()). Then its objects pass to the administrator,
 * and what belongs to the account alone goes. The step that finds nothing left removes the account. A job that was
 * killed is taken up by the same function.
 */
#ifndef POOLFS_ACCOUNT_ACCOUNT_REMOVE_H
#define POOLFS_ACCOUNT_ACCOUNT_REMOVE_H

#include "actions/engine/job.h"

/** Removes the account; success if it is gone. Errors of the store. */
int account_remove(struct job *job, const char *uuid, struct error *e);

#endif
