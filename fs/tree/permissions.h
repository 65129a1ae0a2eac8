/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mode, owner and group of files, and what a caller may do with them.
 *
 * The columns `mode` and `permissions` of the node table are the modes of a mount
 * that only its owner sees. With `-o allow_other` they are narrowed for the files
 * of an object: these belong to the first user and the group of its account, and
 * others may only read what all accounts see. The kernel checks these modes
 * (default_permissions). They are the same for every caller, as the kernel caches
 * them; what depends on the caller is decided by place_check() in each request.
 */
#ifndef POOLFS_FS_TREE_PERMISSIONS_H
#define POOLFS_FS_TREE_PERMISSIONS_H

#include "actions/engine/request.h"
#include "fs/tree/place.h"

/** Type and permissions. */
mode_t place_mode(const struct place *p);
/** Owner and group of all files but those that users create. */
void place_owner(const struct place *p, uid_t *ret_uid, gid_t *ret_gid);
/**
 * May the caller of the place use it? -EACCES. A stranger may use what is marked E_ANYBODY; an account what it sees,
 * and secrets if the object is its own. Write permission is checked by the kernel, and by access_check() for the
 * request that is written.
 */
int place_check(const struct place *p);
/** May the caller have the attributes of the place? As place_check(), but they are no secret: a listing shows them,
 * and those of the directory of an object are for all accounts. */
int place_check_attributes(const struct place *p);
/** True if listings show the place to its caller. */
bool place_is_listed(const struct place *p);
/** True if the caller of @by may see @o. */
bool place_shows(const struct place *by, const struct object *o);
/** The actor of a request that the caller makes of @p, which place_check() allows: a stranger has no account. */
static inline struct actor place_actor(const struct place *p)
{
	struct actor actor = {.uid = p->caller.uid, .source = "fs"};

	snprintf(actor.account, sizeof(actor.account), "%s", p->caller.account ? p->caller.account : "");
	return actor;
}

#endif
