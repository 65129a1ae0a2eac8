/* SPDX-License-Identifier: Apache-2.0 */
/* See account_remove.h. */
#include "actions/account/account_remove.h"

#include "actions/account/access_key.h"
#include "actions/account/sharing.h"
#include "actions/engine/access.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"
#include "actions/engine/steps.h"

_Static_assert(ACCESS_KEYS_MAX <= STEP_ROWS, "the first step removes them");

/* What goes with an account: the rows whose field is its uuid. */
static const struct {
	enum kind_id kind;
	int field;
} parts[] = {
	{KIND_SESSION, SESSION_ACCOUNT_UUID},	     {KIND_SHARED_RESOURCE, SHARED_RECEIVER_UUID},
	{KIND_QUOTA, QUOTA_IDENTITY_UUID},	     {KIND_ACCESS_KEY, ACCESS_KEY_ACCOUNT_UUID},
	{KIND_SYSTEM_TAG, SYSTEM_TAG_RESOURCE_UUID}, {KIND_USER_TAG, USER_TAG_RESOURCE_UUID},
};

static int close_account(struct txn *t, void *arg, struct error *e)
{
	const struct object *account = view_get(txn_view(t), KIND_ACCOUNT, arg);
	struct object *copy;
	int r;

	if (!account)
		return 0;
	copy = object_copy(account);
	object_set_int(copy, ACCOUNT_CLOSED, true);
	object_set_str(copy, ACCOUNT_PASSWORD_HASH, NULL);
	object_set_str(copy, ACCOUNT_UNIX_USERS, NULL);
	object_set_str(copy, ACCOUNT_UNIX_UID, NULL);
	object_set_str(copy, ACCOUNT_UNIX_GID, NULL);
	r = txn_put(t, copy, NULL, e);
	return r < 0 ? r : object_remove_where(t, KIND_ACCESS_KEY, ACCESS_KEY_ACCOUNT_UUID, arg, e);
}

/* Gives objects of @kind to the administrator, so that none is left without an owner. */
static int hand_over(struct txn *t, const struct kind *kind, const char *account, size_t *left,
		     struct error *e)
{
	const struct object *o;
	int r = 0;

	while (r == 0 && *left &&
	       (o = view_next_where(txn_view(t), kind->id, kind->owner_field, account, 0))) {
		size_t count = 0;

		r = owner_change_alone(t, o, ADMIN_ACCOUNT_UUID, &count, e);
		*left -= count < *left ? count : *left;
	}
	return r;
}

static int remove_part(struct txn *t, enum kind_id kind, int field, const char *account, size_t *left,
		       struct error *e)
{
	const struct object *o;
	int r = 0;

	for (; r == 0 && *left && (o = view_next_where(txn_view(t), kind, field, account, 0)); (*left)--)
		r = object_remove(t, o, e);
	return r;
}

/* The last one removes the account in the same change, so that it gets nothing in between. */
static int remove_step(struct txn *t, void *arg, size_t *left, struct error *e)
{
	const char *uuid = arg;
	const struct object *account;
	/* before what they are attached to, or start, which stays so */
	int r = hand_over(t, kind_get(KIND_TAG_PATTERN), uuid, left, e);

	if (r == 0)
		r = hand_over(t, kind_get(KIND_SCHEDULER_TRIGGER), uuid, left, e);
	for (int kind = KIND_NONE + 1; r == 0 && kind < KIND_COUNT; kind++)
		if (kind_get((enum kind_id)kind)->owner == OWNER_SHAREABLE)
			r = hand_over(t, kind_get((enum kind_id)kind), uuid, left, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = remove_part(t, parts[i].kind, parts[i].field, uuid, left, e);
	if (r < 0 || !*left)
		return r;
	account = view_get(txn_view(t), KIND_ACCOUNT, uuid);
	return account ? object_remove(t, account, e) : 0;
}

int account_remove(struct job *job, const char *uuid, struct error *e)
{
	int r = store_run(pool_store(job->pool), close_account, (void *)(uintptr_t)uuid, e);

	kill_point("account-closed");
	return r < 0 ? r : pool_run_steps(job->pool, remove_step, (void *)(uintptr_t)uuid, e);
}
