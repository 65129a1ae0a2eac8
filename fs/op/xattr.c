/* SPDX-License-Identifier: Apache-2.0 */
/* See xattr.h. */
#include "fs/op/xattr.h"

#include <string.h>
#include <sys/xattr.h>

#include "actions/engine/user_tag.h"
#include "fs/tell/last_error.h"
#include "fs/tree/permissions.h"
#include "fs/tree/repeat.h"
#include "fs/tree/reply.h"
#include "model/access.h"

#define PREFIX	   "user."
#define PREFIX_LEN (sizeof(PREFIX) - 1)
/* Longest name that the kernel accepts, prefix included. */
#define NAME_MAX_BYTES 255

/*
 * Tools that copy the attributes of a file along (rsync -X) write them to scratch files and to files that can be
 * written, too. There they are accepted and forgotten, as times are.
 */
static bool forgets(const struct place *p)
{
	return p->node.class == N_SCRATCH || p->node.class == N_SCRATCH_DIR || place_is_writable(p);
}

/* The object of @ino and the name of the tag. -ENODATA: a file that forgets its attributes. */
static int find(fuse_req_t req, fuse_ino_t ino, const char *name, struct view **ret_view, struct place *ret,
		const char **ret_tag)
{
	int r;

	/* Requested for each file listed or copied (`security.capability`, ACLs), so check this first. */
	if (strncmp(name, PREFIX, PREFIX_LEN) != 0)
		return -EOPNOTSUPP;
	r = request_place(req, ino, ret_view, ret);
	if (r < 0)
		return r;
	*ret_tag = name + PREFIX_LEN;
	if (place_has(ret, N_TAGS))
		return 0;
	return forgets(ret) ? -ENODATA : -EOPNOTSUPP;
}

/* As getxattr(2) and listxattr(2): the bytes, or with @size 0 their number. */
static void reply_bytes(fuse_req_t req, const char *data, size_t len, size_t size)
{
	if (!size)
		fuse_reply_xattr(req, len);
	else if (size < len)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, len);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	_cleanup_view_ struct view *view = NULL;
	const char *wanted, *value;
	struct place p;
	int r = find(req, ino, name, &view, &p, &wanted);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	view_for_each_where (o, view, KIND_USER_TAG, USER_TAG_RESOURCE_UUID, object_uuid(p.object)) {
		const char *tag = object_text(o, USER_TAG_TAG);
		size_t len = tag_split(tag, &value);

		if (len == strlen(wanted) && memcmp(tag, wanted, len) == 0) {
			reply_bytes(req, value, strlen(value), size);
			return;
		}
	}
	fuse_reply_err(req, ENODATA);
}

/* Does an earlier tag of the object have this name? */
static bool is_repeated(const struct view *view, const struct object *tag, size_t len)
{
	view_for_each_where (o, view, KIND_USER_TAG, USER_TAG_RESOURCE_UUID,
			     object_text(tag, USER_TAG_RESOURCE_UUID)) {
		const char *other = object_text(o, USER_TAG_TAG);

		if (o == tag)
			break;
		if (tag_split(other, NULL) == len && memcmp(other, object_text(tag, USER_TAG_TAG), len) == 0)
			return true;
	}
	return false;
}

/* Writes the names of an object's tags; those that the kernel does not accept are left out. */
static void write_names(FILE *f, const struct view *view, const struct object *o)
{
	view_for_each_where (tag, view, KIND_USER_TAG, USER_TAG_RESOURCE_UUID, object_uuid(o)) {
		const char *text = object_text(tag, USER_TAG_TAG);
		size_t len = tag_split(text, NULL);

		if (len && len <= NAME_MAX_BYTES - PREFIX_LEN && !is_repeated(view, tag, len))
			fprintf(f, PREFIX "%.*s%c", (int)len, text, '\0');
	}
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	_cleanup_view_ struct view *view = NULL;
	_cleanup_free_ char *names = NULL;
	size_t len = 0;
	struct place p;
	int r = request_place(req, ino, &view, &p);
	FILE *f = r == 0 ? open_memstream(&names, &len) : NULL;

	if (f && place_has(&p, N_TAGS))
		write_names(f, view, p.object);
	if (r < 0)
		fuse_reply_err(req, -r);
	else if (!f || fclose(f) != 0)
		fuse_reply_err(req, ENOMEM);
	else
		reply_bytes(req, names, len, size);
}

/* ------------------------------------------------------------------ changes */

struct tag_write {
	const struct fs *fs;
	fuse_req_t req;
	const struct object *object; /* owned */
	uid_t uid;
	bool repeated; /* see fs/tree/repeat.h */
};

static void written(void *arg, int result, struct error *e)
{
	struct tag_write *w = arg;

	if (w->repeated && result == -ENODATA)
		result = 0; /* it was removed */
	last_error_set(w->fs->errors, w->uid, w->object, result < 0 ? e : NULL);
	fuse_reply_err(w->req, result < 0 ? -result : 0);
	object_unref(w->object);
	free(w);
}

/* The result of a change that is forgotten. */
static int forget(const char *value, enum tag_set how)
{
	return value && how != TAG_SET_PRESENT ? 0 : -ENODATA;
}

/* @value NULL: removes the tag. */
static void change(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, enum tag_set how)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = NULL;
	struct tag_write *w;
	const char *tag;
	struct place p;
	int r = find(req, ino, name, &view, &p, &tag);

	if (r == -ENODATA)
		r = forget(value, how);
	else if (r == 0 && p.caller.limited && !access_owns(view, p.object, p.caller.account))
		r = -EACCES;
	else if (r == 0)
		r = 1;
	if (r <= 0) {
		fuse_reply_err(req, -r);
		return;
	}
	w = malloc(sizeof(*w));
	if (!w) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*w = (struct tag_write){.fs = p.fs,
				.req = req,
				.object = object_ref(p.object),
				.uid = p.caller.uid,
				.repeated = repeat_is()};
	/* a process before this one may have set it already */
	if (w->repeated && how == TAG_SET_NEW)
		how = TAG_SET;
	r = pool_set_user_tag(p.fs->pool, p.object->kind->id, object_uuid(p.object), tag, value, how, written,
			      w, &e);
	if (r < 0)
		written(w, r, &e);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	_cleanup_free_ char *text = NULL;

	if (memchr(value, '\0', size)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	text = strndup(value, size);
	if (!text)
		fuse_reply_err(req, ENOMEM);
	else
		change(req, ino, name, text,
		       flags & XATTR_CREATE    ? TAG_SET_NEW
		       : flags & XATTR_REPLACE ? TAG_SET_PRESENT
					       : TAG_SET);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	change(req, ino, name, NULL, TAG_SET);
}
