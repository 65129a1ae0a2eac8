/* SPDX-License-Identifier: Apache-2.0 */
/* See sharing.h. */
#include "actions/account/sharing.h"

#include <string.h>

#include "actions/engine/rows.h"
#include "model/access.h"

/* -------------------------------------------------------------------- shares */

int share_put(struct txn *t, const struct object *o, const char *account, const char *uuid, struct error *e)
{
	const char *owner = object_str(o, o->kind->owner_field);
	char key[SHARE_KEY_SIZE], made[UUID_SIZE];
	struct object *share;

	if (access_share(txn_view(t), object_uuid(o), account) ||
	    (account && owner && strcmp(account, owner) == 0))
		return 0;
	uuid_make(made);
	share = object_new(kind_get(KIND_SHARED_RESOURCE));
	object_set_str(share, SHARED_UUID, uuid ? uuid : made);
	object_set_str(share, SHARED_OWNER_UUID, owner);
	object_set_str(share, SHARED_RECEIVER_UUID, account);
	object_set_int(share, SHARED_TO_PUBLIC, !account);
	object_set_str(share, SHARED_RESOURCE_TYPE, o->kind->vo);
	object_set_str(share, SHARED_RESOURCE_UUID, object_uuid(o));
	object_set_str(share, SHARED_KEY, access_share_key(object_uuid(o), account, key));
	return txn_put(t, share, NULL, e);
}

int share_remove(struct txn *t, const char *uuid, const char *account, struct error *e)
{
	const struct object *share = access_share(txn_view(t), uuid, account);

	return share ? object_remove(t, share, e) : 0;
}

/* The shares of an object that gets another owner stay, but for the one with the new owner. */
static int shares_follow(struct txn *t, const char *uuid, const char *account, size_t *count, struct error *e)
{
	int64_t after = 0;
	const struct object *share;
	int r = share_remove(t, uuid, account, e);

	while (r == 0 && (share = view_next_where(txn_view(t), KIND_SHARED_RESOURCE, SHARED_RESOURCE_UUID,
						  uuid, after))) {
		struct object *copy = object_copy(share);

		after = share->id;
		(*count)++;
		object_set_str(copy, SHARED_OWNER_UUID, account);
		r = txn_put(t, copy, NULL, e);
	}
	return r;
}

/* -------------------------------------------------------------- resource tags */

/* Whoever owns the pattern of a tag can change and delete the tag, so it must be who owns the object, or may anyway. */
static bool keeps_pattern(const struct view *view, const struct object *tag, const char *account)
{
	const struct object *pattern =
		view_get(view, KIND_TAG_PATTERN, object_str(tag, USER_TAG_PATTERN_UUID));
	const char *owner = pattern ? object_str(pattern, TAG_PATTERN_ACCOUNT_UUID) : NULL;

	return object_is_null(tag, USER_TAG_PATTERN_UUID) ||
	       (pattern && (access_is_admin(view, owner) || strcmp(owner, account) == 0));
}

static int tags_leave_patterns(struct txn *t, const char *uuid, const char *account, size_t *count,
			       struct error *e)
{
	const struct object *tag;
	int64_t after = 0;
	int r = 0;

	while (r == 0 &&
	       (tag = view_next_where(txn_view(t), KIND_USER_TAG, USER_TAG_RESOURCE_UUID, uuid, after))) {
		struct object *copy;

		after = tag->id;
		if (keeps_pattern(txn_view(t), tag, account))
			continue;
		copy = object_copy(tag);
		(*count)++;
		object_set_null(copy, USER_TAG_PATTERN_UUID);
		r = txn_put(t, copy, NULL, e);
	}
	return r;
}

/* The same for the tags on @o, which gets the owner @account, and on what belongs to it, such as NICs. */
static int all_tags_leave_patterns(struct txn *t, const struct object *o, const char *account, int hops,
				   size_t *count, struct error *e) // NOLINT(misc-no-recursion)
{
	int r = tags_leave_patterns(t, object_uuid(o), account, count, e);

	for (int k = KIND_NONE + 1; r == 0 && hops < ACCESS_HOPS_MAX && k < KIND_COUNT; k++) {
		const struct kind *kind = kind_get((enum kind_id)k);
		const struct object *part;
		enum kind_id parent;
		int64_t after = 0;

		if (kind->owner != OWNER_PARENT || !kind->directory)
			continue;
		parent = kind->fields[kind->owner_field].target;
		if (parent != KIND_NONE && parent != o->kind->id)
			continue;
		while (r == 0 && (part = view_next_where(txn_view(t), kind->id, kind->owner_field,
							 object_uuid(o), after))) {
			_cleanup_object_ const struct object *held = object_ref(part);

			after = held->id;
			r = all_tags_leave_patterns(t, held, account, hops + 1, count, e);
		}
	}
	return r;
}

/* ---------------------------------------------------------- scheduler triggers */

bool trigger_serves(const struct view *view, const struct object *trigger, const char *account)
{
	const char *owner = object_text(trigger, TRIGGER_ACCOUNT_UUID);

	return access_is_admin(view, owner) || strcmp(owner, account) == 0;
}

/* The scheduler @o, which has a new owner: without its trigger, if that is another account's. */
static int leave_trigger(struct txn *t, const struct object *o, const char *account, size_t *count,
			 struct error *e)
{
	const struct object *trigger =
		view_get(txn_view(t), KIND_SCHEDULER_TRIGGER, object_str(o, SCHEDULER_OF_TRIGGER));
	int r;

	if (!trigger || trigger_serves(txn_view(t), trigger, account))
		return 0;
	(*count)++;
	r = object_clear_where(t, KIND_SNAPSHOT, SNAPSHOT_SCHEDULER_UUID, object_uuid(o), e);
	return r < 0 ? r : object_remove(t, view_get(txn_view(t), KIND_SCHEDULER, object_uuid(o)), e);
}

/* --------------------------------------------------------------------- owners */

/* What changes its owner with an object of @kind: the objects of @follower whose @field is its uuid. */
static const struct following {
	enum kind_id kind, follower;
	int field;
} followings[] = {
	{KIND_VM, KIND_VOLUME, VOLUME_VM_UUID},
	{KIND_VM, KIND_SCHEDULER, SCHEDULER_TARGET_UUID},
	{KIND_VM, KIND_SCHEDULER_JOB, SCHED_JOB_TARGET_UUID},
	{KIND_VOLUME, KIND_SNAPSHOT, SNAPSHOT_VOLUME_UUID},
	{KIND_VOLUME, KIND_SCHEDULER, SCHEDULER_TARGET_UUID},
	{KIND_VOLUME, KIND_SCHEDULER_JOB, SCHED_JOB_TARGET_UUID},
	{KIND_SCHEDULER_JOB, KIND_SCHEDULER, SCHEDULER_OF_JOB},
};

int owner_change_alone(struct txn *t, const struct object *given, const char *account, size_t *count,
		       struct error *e)
{
	_cleanup_object_ const struct object *o = object_ref(given);
	struct object *copy = object_copy(o);
	int r;

	(*count)++;
	object_set_str(copy, o->kind->owner_field, account);
	r = txn_put(t, copy, NULL, e);
	if (r == 0)
		r = shares_follow(t, object_uuid(o), account, count, e);
	if (r == 0)
		r = all_tags_leave_patterns(t, o, account, 1, count, e);
	return r == 0 && o->kind->id == KIND_SCHEDULER ? leave_trigger(t, o, account, count, e) : r;
}

/* The table has no circle: the recursion ends after VM, volume, scheduler job, scheduler. */
int owner_change(struct txn *t, const struct object *given, const char *account,
		 struct error *e) // NOLINT(misc-no-recursion)
{
	_cleanup_object_ const struct object *o = object_ref(given);
	size_t count = 0;
	int r = owner_change_alone(t, o, account, &count, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(followings); i++) {
		const struct following *f = &followings[i];
		const struct object *follower;
		int64_t after = 0;

		while (r == 0 && f->kind == o->kind->id &&
		       (follower =
				view_next_where(txn_view(t), f->follower, f->field, object_uuid(o), after))) {
			after = follower->id;
			r = owner_change(t, follower, account, e);
		}
	}
	return r;
}
