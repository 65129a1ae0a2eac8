/* SPDX-License-Identifier: Apache-2.0 */
/* See ownership.h. */
#include "fs/class/ownership.h"

#include "actions/engine/access.h"
#include "actions/engine/submit.h"
#include "fs/class/command.h"
#include "fs/class/directory.h"
#include "fs/tell/last_error.h"
#include "fs/tree/permissions.h"
#include "fs/tree/reply.h"
#include "model/access.h"

/* A chown or chmod that waits for the pool. */
struct ownership_change {
	const struct fs *fs;
	fuse_req_t req;
	struct node node;
	const struct object *object; /* owned */
	uid_t uid;
};

/* chmod(2) and chown(2) have EPERM for what is not allowed. */
static int errno_of(int result)
{
	return result == -EACCES ? EPERM : -result;
}

static void accepted(void *arg, int result, const char *job, const json_t *answer, const struct error *e)
{
	struct ownership_change *c = arg;

	(void)job;
	(void)answer;
	last_error_set(c->fs->errors, c->uid, c->object, result < 0 ? e : NULL);
	if (result < 0)
		fuse_reply_err(c->req, errno_of(result));
	else
		reply_attributes(c->req, c->node);
	object_unref(c->object);
	free(c);
}

static void refuse(const struct place *p, fuse_req_t req, int result, const struct error *e)
{
	last_error_set(p->fs->errors, p->caller.uid, p->object, e);
	fuse_reply_err(req, errno_of(result));
}

/* Submits an operation; @params is taken over. */
static void submit(const struct place *p, fuse_req_t req, const char *operation, const char *target,
		   json_t *params)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct actor actor = place_actor(p);
	struct request *request = NULL;
	struct ownership_change *c = NULL;
	int r = params ? request_new(operation_by_name(operation), target, params, &actor, &request, &e)
		       : error_oom(&e);

	json_decref(params);
	if (r == 0) {
		c = malloc(sizeof(*c));
		r = c ? 0 : error_oom(&e);
	}
	if (r < 0) {
		request_free(request);
		refuse(p, req, r, &e);
		return;
	}
	*c = (struct ownership_change){.fs = p->fs,
				       .req = req,
				       .node = p->node,
				       .object = object_ref(p->object),
				       .uid = p->caller.uid};
	pool_submit(p->fs->pool, request, accepted, c);
}

static void give_to(const struct place *p, fuse_req_t req, uid_t uid)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const struct object *account = access_user_account(p->view, uid);
	const char *uuid = account			   ? object_uuid(account)
			   : uid == p->fs->uid || uid == 0 ? ADMIN_ACCOUNT_UUID
							   : NULL;

	if (!uuid) {
		error_set(&e, EPERM, "the user %u is no account: see unixUsers in accounts", (unsigned)uid);
		refuse(p, req, -EPERM, &e);
		return;
	}
	submit(p, req, "ChangeResourceOwner", uuid,
	       json_pack("{s:s}", "resourceUuid", object_uuid(p->object)));
}

static void object_setattr(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	mode_t mode = place_mode(p) & 07777,
	       wanted = to_set & FUSE_SET_ATTR_MODE ? attr->st_mode & 07777 : mode;
	uid_t uid;
	gid_t gid;

	place_owner(p, &uid, &gid);
	if ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != gid) {
		error_set(&e, EPERM, "the group is that of the object's account");
		refuse(p, req, -EPERM, &e);
	} else if ((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != uid) {
		give_to(p, req, attr->st_uid);
	} else if (wanted == mode) {
		reply_attributes(req, p->node); /* as tools do that copy files */
	} else if ((wanted ^ mode) & ~(mode_t)(S_IROTH | S_IXOTH | S_ISVTX)) {
		error_set(
			&e, EPERM,
			"only o+r and o-r are possible: they share the object with all accounts, or end that");
		refuse(p, req, -EPERM, &e);
	} else {
		submit(p, req, wanted & S_IROTH ? "ShareResource" : "RevokeResourceSharing", NULL,
		       json_pack("{s:[s], s:b}", "resourceUuids", object_uuid(p->object), "toPublic", 1));
	}
}

const struct file_class class_object = {.rewind = directory_rewind, .setattr = object_setattr};
