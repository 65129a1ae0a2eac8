/* SPDX-License-Identifier: Apache-2.0 */
/* See account_remove.h. */
#include "actions/account/account_remove.h"

#include "actions/account/access_key.h"
#include "actions/account/sharing.h"
#include "actions/engine/access.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/rows.h"

_Static_assert(ACCESS_KEYS_MAX <= ACCOUNT_REMOVE_STEP, "the first step removes them");

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

struct step {
	const char *account;
	size_t left; /* how many objects the step may still change */
	bool ended;  /* the account is gone */
};

/* Gives objects of @kind to the administrator, so that none is left without an owner. */
static int hand_over(struct txn *t, const struct kind *kind, struct step *step, struct error *e)
{
	const struct object *o;
	int r = 0;

	while (r == 0 && step->left &&
	       (o = view_next_where(txn_view(t), kind->id, kind->owner_field, step->account, 0))) {
		size_t count = 0;

		r = owner_change_alone(t, o, ADMIN_ACCOUNT_UUID, &count, e);
		step->left -= count < step->left ? count : step->left;
	}
	return r;
}

static int remove_part(struct txn *t, enum kind_id kind, int field, struct step *step, struct error *e)
{
	const struct object *o;
	int r = 0;

	for (; r == 0 && step->left && (o = view_next_where(txn_view(t), kind, field, step->account, 0));
	     step->left--)
		r = object_remove(t, o, e);
	return r;
}

/* Whoever finds nothing left removes the account in the same change, so that it gets nothing in between. */
static int step_fn(struct txn *t, void *arg, struct error *e)
{
	struct step *step = arg;
	const struct object *account;
	int r = 0;

	step->left = ACCOUNT_REMOVE_STEP;
	for (int kind = KIND_NONE + 1; r == 0 && kind < KIND_COUNT; kind++)
		if (kind_get((enum kind_id)kind)->owner == OWNER_SHAREABLE)
			r = hand_over(t, kind_get((enum kind_id)kind), step, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = remove_part(t, parts[i].kind, parts[i].field, step, e);
	if (r < 0 || !step->left)
		return r;
	step->ended = true;
	account = view_get(txn_view(t), KIND_ACCOUNT, step->account);
	return account ? object_remove(t, account, e) : 0;
}

int account_remove(struct job *job, const char *uuid, struct error *e)
{
	struct step step = {.account = uuid};
	int r = store_run(pool_store(job->pool), close_account, (void *)(uintptr_t)uuid, e);

	kill_point("account-closed");
	while (r == 0 && !step.ended) {
		r = store_run(pool_store(job->pool), step_fn, &step, e);
		kill_point("account-step-done");
	}
	return r;
}
