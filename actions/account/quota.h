/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas: how much an account may have (behaviour.md 3.10, 5.4). One table says
 * what each of them counts.
 *
 * Each account that is no administrator has a row of KIND_QUOTA for each of them,
 * made with it from the settings quota.*. They are enforced where rows are written,
 * in the store's thread: quota_guard() refuses whatever lets an account have more
 * than its quota, by whichever operation, so that requests at the same time cannot
 * pass it. What an account has already stays when its quota is lowered.
 */
#ifndef POOLFS_ACCOUNT_QUOTA_H
#define POOLFS_ACCOUNT_QUOTA_H

#include <jansson.h>

#include "model/store.h"

/** The guard of the store (store_guard()), and what it counts: -EDQUOT, ID.1003. */
txn_guard_fn quota_guard;
view_takes_fn quota_takes;
/**
 * For checks, so that a request is refused before its job: may the account @owner have @more of the quota @name,
 * too? @name must be in the table. @actor: the account that asks, "" = the pool. -EDQUOT, ID.1003.
 */
int quota_check(const struct view *view, const char *actor, const char *owner, const char *name, int64_t more,
		struct error *e);

/** Gives the account the quotas that it lacks. For change functions. Errors of txn_put(). */
int quota_put_defaults(struct txn *t, const char *account, struct error *e);
/**
 * The same for all accounts but administrators, and removes quotas that this version does not have. For change
 * functions.
 */
int quota_fill(struct txn *t, struct error *e);

/** The row of an account's quota; NULL when it has none. Borrowed. */
const struct object *quota_find(const struct view *view, const char *account, const char *name);
/** [{name, total, used}, ...] of an account, owned by the caller; [] for an administrator. NULL when memory is
 * short. */
json_t *quota_usages(const struct view *view, const char *account);

#endif
