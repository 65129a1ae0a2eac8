/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns an object, and whom its owner lets see and use it (behaviour.md 5.4).
 *
 * Objects of the kinds with OWNER_SHAREABLE have an owner and can be shared, with
 * one account or with all. Sharing gives sight: an account may read what is shared
 * with it and name it where a request only uses it, but not change it; what belongs
 * to the object (the ranges of a network, the NICs and tags of a VM) is seen with
 * it. model/access.h decides. A row of KIND_SHARED_RESOURCE is one share; it goes
 * with the object and with the receiver, and follows the object to a new owner.
 *
 * What hangs on the object as a resource tag of another account, which could change it, is a tag of its own from then on.
 * For the same reason it is not started by the triggers of another account any more.
 */
#ifndef POOLFS_ACCOUNT_SHARING_H
#define POOLFS_ACCOUNT_SHARING_H

#include "model/store.h"

/**
 * Shares @o with @account, or with all accounts for NULL; does nothing when it is shared so already, or
 * @account is the owner. @uuid: of the new row, NULL = a random one. For change functions. Errors of txn_put().
 */
int share_put(struct txn *t, const struct object *o, const char *account, const char *uuid, struct error *e);
/** Removes the share of the object @uuid with @account, NULL = with all; a success without one. For change
 * functions. */
int share_remove(struct txn *t, const char *uuid, const char *account, struct error *e);

/**
 * Makes @account the owner of @o and of what follows it: with a VM the volumes attached to it, with a volume its
 * snapshots, with both the schedulers and scheduler jobs that act on them. The quotas of the new owner apply. For change functions.
 * -EDQUOT, errors of txn_put().
 */
int owner_change(struct txn *t, const struct object *o, const char *account, struct error *e);
/** The same without what follows it. @count is increased by the number of rows: of @o, its shares and its tags. */
int owner_change_alone(struct txn *t, const struct object *o, const char *account, size_t *count,
		       struct error *e);

/** Whether the trigger may start jobs of @account: it is that account's, or an administrator's. */
bool trigger_serves(const struct view *view, const struct object *trigger, const char *account);

#endif
