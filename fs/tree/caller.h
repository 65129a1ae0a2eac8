/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who makes a request of the kernel: a local user, as which account.
 *
 * Root and the owner of the mount are the administrator; without `-o allow_other`
 * there is nobody else. Others are limited to what the account sees whose
 * `unixUsers` names them or a group of theirs (actions/account/unix_users.h); a
 * user without an account is a stranger.
 */
#ifndef POOLFS_FS_TREE_CALLER_H
#define POOLFS_FS_TREE_CALLER_H

#include <fuse_lowlevel.h>

#include "model/view.h"

struct fs;

#define GID_NONE ((gid_t)-1)

/* All zero is the administrator. */
struct caller {
	uid_t uid;
	gid_t gid;    /* the group by which the user is the account; GID_NONE: by the uid, or none */
	bool limited; /* not an administrator */
	const char *
		account; /* of a limited caller: its uuid, borrowed from the view, "" for a stranger; else NULL */
};

/** The caller of a request. */
void caller_find(fuse_req_t req, const struct view *view, struct caller *ret);
/** The same caller in another view: the account may have changed. */
void caller_renew(struct caller *caller, const struct view *view);
static inline bool caller_is_stranger(const struct caller *caller)
{
	return caller->limited && !*caller->account;
}

#endif
