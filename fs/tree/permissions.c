/* SPDX-License-Identifier: Apache-2.0 */
/* See permissions.h. */
#include "fs/tree/permissions.h"

#include <stdlib.h>

#include "fs/tree/class.h"
#include "model/access.h"

/* The mode in a mount that only its owner sees. */
static mode_t full_mode(const struct place *p)
{
	mode_t type = p->entry->mode & S_IFMT;

	return p->entry->permissions ? type | p->entry->permissions(p) : p->entry->mode;
}

/* Do the mode and owner depend on the object's account? */
static bool has_own_mode(const struct place *p)
{
	return p->fs->has_others && p->object && !(p->entry->flags & E_ANYBODY) && !S_ISLNK(p->entry->mode);
}

mode_t place_mode(const struct place *p)
{
	mode_t mode = full_mode(p), owner = mode & S_IRWXU, others = 0;
	const struct object *account;
	enum access_circle circle;

	if (!has_own_mode(p))
		return mode;
	circle = access_circle(p->view, p->object);
	if (circle == ACCESS_SOME || circle == ACCESS_EVERYBODY)
		others = mode & (S_IROTH | S_IXOTH);
	/* The bits cannot say which accounts: place_check() does, and the sticky bit says so. */
	if (circle == ACCESS_SOME && p->node.class == N_OBJECT)
		mode |= S_ISVTX;
	mode &= ~(mode_t)(S_IRWXG | S_IRWXO);
	account = access_account_of(p->view, p->object);
	if (account && !object_is_null(account, ACCOUNT_UNIX_GID))
		return mode | owner >> 3 | others;
	return mode | others << 3 | others;
}

void place_owner(const struct place *p, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct object *account = has_own_mode(p) ? access_account_of(p->view, p->object) : NULL;

	*ret_uid = p->fs->uid;
	*ret_gid = p->fs->gid;
	if (account && !object_is_null(account, ACCOUNT_UNIX_UID))
		*ret_uid = (uid_t)strtoul(object_text(account, ACCOUNT_UNIX_UID), NULL, 10);
	if (account && !object_is_null(account, ACCOUNT_UNIX_GID))
		*ret_gid = (gid_t)strtoul(object_text(account, ACCOUNT_UNIX_GID), NULL, 10);
}

bool place_shows(const struct place *by, const struct object *o)
{
	return !by->caller.limited || access_may_see(by->view, o, by->caller.account);
}

/* A file that a user has created is theirs. */
static int check_own_file(const struct place *p)
{
	struct stat st;
	int r = p->entry->io->stat(p, &st);

	return r < 0 ? r : st.st_uid == p->caller.uid ? 0 : -EACCES;
}

/* What depends on the user and the entry alone: 0, -errno, or 1 if the object decides. */
static int check_user(const struct place *p)
{
	if (!p->caller.limited || (p->entry->flags & E_ANYBODY))
		return 0;
	if (caller_is_stranger(&p->caller))
		return -EACCES;
	if (p->entry->io->check)
		return p->entry->io->check(p);
	return p->entry->flags & E_OWN ? check_own_file(p) : 1;
}

int place_check(const struct place *p)
{
	bool secret = !(full_mode(p) & S_IRWXO);
	int r = check_user(p);

	if (r <= 0)
		return r;
	if (!p->object)
		return secret ? -EACCES : 0;
	if (secret)
		return access_owns(p->view, p->object, p->caller.account) ? 0 : -EACCES;
	return place_shows(p, p->object) ? 0 : -EACCES;
}

int place_check_attributes(const struct place *p)
{
	int r = check_user(p);

	if (r <= 0)
		return r;
	return !p->object || p->node.class == N_OBJECT || place_shows(p, p->object) ? 0 : -EACCES;
}

bool place_is_listed(const struct place *p)
{
	if (p->entry->listed && !p->entry->listed(p))
		return false;
	if (!p->caller.limited)
		return true;
	if (p->entry->flags & E_OWN)
		return check_own_file(p) == 0;
	return !p->object || place_shows(p, p->object);
}
