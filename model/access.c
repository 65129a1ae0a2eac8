/* SPDX-License-Identifier: Apache-2.0 */
/* See access.h. */
#include "model/access.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool access_is_admin(const struct view *view, const char *account)
{
	const struct object *o = view_get(view, KIND_ACCOUNT, account);

	return !account || (o && object_str_is(o, ACCOUNT_TYPE, "SystemAdmin"));
}

bool access_is_closed(const struct view *view, const char *account)
{
	const struct object *o = view_get(view, KIND_ACCOUNT, account);

	return o && object_int(o, ACCOUNT_CLOSED);
}

/* The object that the owner field of @o names; NULL when there is none. */
static const struct object *parent_of(const struct view *view, const struct object *o)
{
	const struct kind *kind = o->kind;
	enum kind_id target = kind->fields[kind->owner_field].target;
	const char *uuid = object_str(o, kind->owner_field);

	return target == KIND_NONE ? view_get_any(view, uuid) : view_get(view, target, uuid);
}

/* The object at the end of the chain of owners; NULL when it breaks off, or is too long: tags can be on tags. */
static const struct object *top_of(const struct view *view, const struct object *o)
{
	for (int hops = 0; o && hops < ACCESS_HOPS_MAX; hops++) {
		if (o->kind->owner != OWNER_PARENT)
			return o;
		o = object_is_null(o, o->kind->owner_field) ? NULL : parent_of(view, o);
	}
	return NULL;
}

/* True when the row of @top names the account as the owner. */
static bool is_owner(const struct object *top, const char *account)
{
	enum owner owner = top->kind->owner;

	return (owner == OWNER_ACCOUNT || owner == OWNER_SHAREABLE) &&
	       object_str_is(top, top->kind->owner_field, account);
}

bool access_owns(const struct view *view, const struct object *o, const char *account)
{
	const struct object *top = top_of(view, o);

	return top && is_owner(top, account);
}

const char *access_share_key(const char *uuid, const char *account, char ret_key[SHARE_KEY_SIZE])
{
	snprintf(ret_key, SHARE_KEY_SIZE, "%s/%s", uuid, account ? account : "public");
	return ret_key;
}

const struct object *access_share(const struct view *view, const char *uuid, const char *account)
{
	char key[SHARE_KEY_SIZE];

	return view_next_where(view, KIND_SHARED_RESOURCE, SHARED_KEY, access_share_key(uuid, account, key),
			       0);
}

/* Two look-ups, however many objects are shared with however many accounts. */
static bool is_shared(const struct view *view, const struct object *top, const char *account)
{
	const char *uuid = object_uuid(top);

	return top->kind->owner == OWNER_SHAREABLE &&
	       (access_share(view, uuid, NULL) || access_share(view, uuid, account));
}

bool access_may_see(const struct view *view, const struct object *o, const char *account)
{
	const struct object *top = top_of(view, o);

	return top &&
	       (top->kind->owner == OWNER_PUBLIC || is_owner(top, account) || is_shared(view, top, account));
}

const struct object *access_account_of(const struct view *view, const struct object *o)
{
	const struct object *top = top_of(view, o), *account;

	if (!top || (top->kind->owner != OWNER_ACCOUNT && top->kind->owner != OWNER_SHAREABLE))
		return NULL;
	account = view_get(view, KIND_ACCOUNT, object_str(top, top->kind->owner_field));
	return account && access_is_admin(view, object_uuid(account)) ? NULL : account;
}

enum access_circle access_circle(const struct view *view, const struct object *o)
{
	const struct object *top = top_of(view, o);

	if (top && top->kind->owner == OWNER_PUBLIC)
		return ACCESS_EVERYBODY;
	if (top && top->kind->owner == OWNER_SHAREABLE) {
		if (access_share(view, object_uuid(top), NULL))
			return ACCESS_EVERYBODY;
		if (view_next_where(view, KIND_SHARED_RESOURCE, SHARED_RESOURCE_UUID, object_uuid(top), 0))
			return ACCESS_SOME;
	}
	return access_account_of(view, o) ? ACCESS_OWNER : ACCESS_NOBODY;
}

enum access_circle access_viewers(const struct view *view, const struct object *o, access_viewer_fn *fn,
				  void *arg)
{
	enum access_circle circle = access_circle(view, o);
	const struct object *top = top_of(view, o), *account;

	if (circle == ACCESS_EVERYBODY || !top ||
	    (top->kind->owner != OWNER_ACCOUNT && top->kind->owner != OWNER_SHAREABLE))
		return circle;
	account = view_get(view, KIND_ACCOUNT, object_str(top, top->kind->owner_field));
	if (account)
		fn(arg, account);
	if (circle != ACCESS_SOME)
		return circle;
	view_for_each_where (share, view, KIND_SHARED_RESOURCE, SHARED_RESOURCE_UUID, object_uuid(top)) {
		account = view_get(view, KIND_ACCOUNT, object_str(share, SHARED_RECEIVER_UUID));
		if (account)
			fn(arg, account);
	}
	return circle;
}

static const struct object *account_by_number(const struct view *view, int field, uint32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, number);
	return view_next_where(view, KIND_ACCOUNT, field, text, 0);
}

const struct object *access_user_account(const struct view *view, uint32_t uid)
{
	return account_by_number(view, ACCOUNT_UNIX_UID, uid);
}

const struct object *access_group_account(const struct view *view, uint32_t gid)
{
	return account_by_number(view, ACCOUNT_UNIX_GID, gid);
}

static const struct {
	const char *prefix, *shown;
} secret_tags[] = {
	{"consolePassword::", "consolePassword::******"},
	{"rootPassword::", "rootPassword::******"},
	{"userdata::", "userdata::******"},
	{"sshkey::", "sshkey::******"},
};

const char *system_tag_shown(const char *tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret_tags); i++)
		if (strncmp(tag, secret_tags[i].prefix, strlen(secret_tags[i].prefix)) == 0)
			return secret_tags[i].shown;
	return tag;
}

bool system_tag_is_secret(const char *tag)
{
	return system_tag_shown(tag) != tag;
}

const char *object_shown(const struct object *o, int field, char **ret_owned)
{
	const char *text;

	*ret_owned = NULL;
	if (o->kind->fields[field].flags & F_COMPRESSED) {
		*ret_owned = object_long_text(o, field);
		return *ret_owned;
	}
	text = object_str(o, field);
	return text && o->kind->id == KIND_SYSTEM_TAG && field == SYSTEM_TAG_TAG ? system_tag_shown(text)
										 : text;
}
