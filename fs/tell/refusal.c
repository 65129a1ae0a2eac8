/* SPDX-License-Identifier: Apache-2.0 */
/* See refusal.h. */
#include "fs/tell/refusal.h"

#include <string.h>

#include "fs/tell/last_error.h"
#include "fs/tree/fs.h"

/* What each request does, and what would be accepted. */
static const struct {
	const char *done, *hint;
} requests[] = {
	[REFUSED_MAKE] = {"created",
			  "tools can create scratch files and directories beside files that can be "
			  "written; objects are created by writing to 'create'"},
	[REFUSED_LINK] = {"linked", "only scratch files can have several names"},
	[REFUSED_REMOVE] = {"removed",
			    "files and directories of the tree stay; an object is removed by a verb, see its "
			    "'actions'"},
	[REFUSED_RENAME] = {"renamed",
			    "a scratch file can be renamed over a file that can be written, and such a "
			    "file to a scratch file; an object is renamed by writing to its 'name'"},
	[REFUSED_CHANGE] = {"changed", "mode and owner of files of the tree are fixed"},
	[REFUSED_OPEN] = {"opened for writing",
			  "it is read-only; 'actions' has what can be done, and 'ls -l' shows "
			  "the files that can be written"},
	[REFUSED_READ] = {"read", NULL},
};

/* The reason, where the errno says more than that the request is never possible. */
static const char *reason(enum refused what, int errnum)
{
	switch (errnum) {
	case EPERM:
	case EACCES:
		return NULL;
	case ENOTEMPTY:
		return "it is not empty";
	case EEXIST:
		return "the name is taken";
	case ENOSPC:
		return "there are too many scratch files, or they are too large, see 'limits'";
	case EIO: /* of a scratch file */
		if (what == REFUSED_OPEN)
			return strerror(errnum);
		return "the process that served the mount has ended, and had no room to keep what was written "
		       "to it; write it again from the start";
	case EFBIG:
		return "a scratch file cannot be that large, see 'limits'";
	case ESTALE:
		return "it is gone";
	case EXDEV:
		return "it stays in its directory; copy it";
	default:
		return strerror(errnum);
	}
}

void refusal_reply(fuse_req_t req, enum refused what, int result, const struct object *o, const char *name)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const char *why = reason(what, -result),
		   *hint = !why || result == -ENOTEMPTY ? requests[what].hint : NULL;

	error_set(&e, -result, "'%s' cannot be %s: %s%s%s", name ? name : "this file", requests[what].done,
		  why ? why : "", why && hint ? "; " : "", hint ? hint : "");
	last_error_set(fs->errors, fuse_req_ctx(req)->uid, o, &e);
	fuse_reply_err(req, -result);
}

void refusal_reply_error(fuse_req_t req, int result, const struct error *e)
{
	const struct fs *fs = fuse_req_userdata(req);

	if (e && error_is_set(e))
		last_error_set(fs->errors, fuse_req_ctx(req)->uid, NULL, e);
	fuse_reply_err(req, -result);
}
