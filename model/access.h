/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see what, and whose it is: an administrator sees everything; an account
 * what the owner column of the kind's row (kind.h) lets it see: its own objects,
 * what others share with it, what belongs to any of these (a NIC to its VM, a tag
 * to the object it is on), and public kinds. Nothing is visible by default: an
 * object without an owner is the administrator's. Only owning an object allows
 * changing it.
 */
#ifndef POOLFS_ACCESS_H
#define POOLFS_ACCESS_H

#include "model/uuid.h"
#include "model/view.h"

/* The most objects in a chain of owners: a tag on a tag on a NIC of a VM. What is beyond belongs to no account. */
#define ACCESS_HOPS_MAX 4

/** True when the account with this uuid is an administrator. NULL is the pool itself, which counts as one. */
bool access_is_admin(const struct view *view, const char *account);
/** True when the account with this uuid is being deleted: it can do nothing any more. */
bool access_is_closed(const struct view *view, const char *account);
/** True when the account with this uuid, which is not an administrator, may see @o. */
bool access_may_see(const struct view *view, const struct object *o, const char *account);
/** True when @o is the account's own, or belongs to an object that is: it may change it. */
bool access_owns(const struct view *view, const struct object *o, const char *account);
/** The account whose @o is, borrowed from @view; NULL: it is the administrator's, or belongs to no account. */
const struct object *access_account_of(const struct view *view, const struct object *o);

/* Who may see an object, besides administrators. */
enum access_circle {
	ACCESS_NOBODY,
	ACCESS_OWNER,	  /* the account whose it is */
	ACCESS_SOME,	  /* that, and accounts that it is shared with */
	ACCESS_EVERYBODY, /* all accounts */
};
enum access_circle access_circle(const struct view *view, const struct object *o);
/** Receives an account, borrowed. */
typedef void access_viewer_fn(void *arg, const struct object *account);
/** Names the accounts that may see @o, some more than once, if they are not ACCESS_EVERYBODY. */
enum access_circle access_viewers(const struct view *view, const struct object *o, access_viewer_fn *fn,
				  void *arg);

/* The account that a local user or group is, borrowed from @view; NULL: none. */
const struct object *access_user_account(const struct view *view, uint32_t uid);
const struct object *access_group_account(const struct view *view, uint32_t gid);

/* Size of the text of SHARED_KEY, with its final NUL. */
#define SHARE_KEY_SIZE (2 * UUID_SIZE)
/** The text of SHARED_KEY for an object and the account that it is shared with; NULL = with all. Returns @ret_key. */
const char *access_share_key(const char *uuid, const char *account, char ret_key[SHARE_KEY_SIZE]);
/** The row that shares the object with the account, NULL = with all; borrowed, NULL when there is none. */
const struct object *access_share(const struct view *view, const char *uuid, const char *account);

/** True for system tags that are never shown: passwords, user data, SSH keys (tree.md 5). */
bool system_tag_is_secret(const char *tag);
/** The tag with a secret value masked: "consolePassword::******". Borrowed. */
const char *system_tag_shown(const char *tag);
/** A text field as inventories, conditions and listings show it: secret tags are masked. Borrowed. */
const char *object_shown(const struct object *o, int field, char **ret_owned);

#endif
