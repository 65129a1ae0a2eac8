/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local users who are an account: its field `unixUsers`.
 *
 * A list, separated by commas or spaces, of users and at most one group, `@group`,
 * each by name or number: `alice`, `1000`, `alice, bob, @web`. The first user owns
 * the files of the account in the mount, the group is theirs; since a file has one
 * owner and one group, further users must be members of the group. All members of
 * the group are the account, listed or not, unless they are the user of another.
 * Names are resolved once, when the field is set, and shown as by id(1):
 * `1000(alice) @100(web)`.
 */
#ifndef POOLFS_ACCOUNT_UNIX_USERS_H
#define POOLFS_ACCOUNT_UNIX_USERS_H

#include "model/view.h"

/* Longest list, bytes with the NUL. */
#define UNIX_USERS_SIZE 2048

/* A list with its names resolved. */
struct unix_users {
	char shown[UNIX_USERS_SIZE];
	char uid[16], gid[16]; /* numbers of the first user and of the group; "" = none */
};

/** Checks what can be checked without asking for names. -EINVAL. */
int unix_users_check(const char *text, struct error *e);
/** Resolves the names, which may ask a directory service: blocks. -EINVAL, -ENOENT (no such user), -EIO. */
int unix_users_resolve(const char *text, struct unix_users *ret, struct error *e);
/** -EEXIST if one of them belongs to another account than the one with the uuid @account. */
int unix_users_check_free(const struct view *view, const char *account, const struct unix_users *users,
			  struct error *e);
/** Sets the fields of an account. */
void unix_users_set(struct object *account, const struct unix_users *users);

#endif
