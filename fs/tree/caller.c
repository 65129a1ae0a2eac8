/* SPDX-License-Identifier: Apache-2.0 */
/* See caller.h. */
#include "fs/tree/caller.h"

#include "fs/tree/fs.h"
#include "model/access.h"

/* More groups of one user than the kernel takes. */
#define GROUPS_MAX 65536
/* Groups that are read without allocating memory. */
#define GROUPS_FEW 64

/* The first of the groups that is an account. */
static const struct object *find_in(const struct view *view, const gid_t *groups, int count, gid_t *ret_gid)
{
	for (int i = 0; i < count; i++) {
		const struct object *account = access_group_account(view, groups[i]);

		if (account) {
			*ret_gid = groups[i];
			return account;
		}
	}
	return NULL;
}

/* Among the supplementary groups, which are read from /proc while the caller waits in its system call. */
static const struct object *find_in_groups(fuse_req_t req, const struct view *view, gid_t *ret_gid)
{
	gid_t few[GROUPS_FEW];
	_cleanup_free_ gid_t *many = NULL;
	int count = fuse_req_getgroups(req, GROUPS_FEW, few);

	if (count <= GROUPS_FEW)
		return find_in(view, few, count, ret_gid);
	if (count <= GROUPS_MAX)
		many = calloc((size_t)count, sizeof(*many));
	return many && fuse_req_getgroups(req, count, many) == count ? find_in(view, many, count, ret_gid)
								     : NULL;
}

void caller_find(fuse_req_t req, const struct view *view, struct caller *ret)
{
	const struct fs *fs = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	const struct object *account;

	*ret = (struct caller){.uid = ctx->uid, .gid = GID_NONE};
	ret->limited = fs->has_others && ctx->uid != 0 && ctx->uid != fs->uid;
	if (!ret->limited)
		return;
	account = access_user_account(view, ctx->uid);
	if (!account) {
		account = find_in(view, &ctx->gid, 1, &ret->gid);
		if (!account)
			account = find_in_groups(req, view, &ret->gid);
	}
	ret->account = account ? object_uuid(account) : "";
}

void caller_renew(struct caller *caller, const struct view *view)
{
	const struct object *account;

	if (!caller->limited)
		return;
	account = access_user_account(view, caller->uid);
	if (!account && caller->gid != GID_NONE)
		account = access_group_account(view, caller->gid);
	caller->account = account ? object_uuid(account) : "";
}
