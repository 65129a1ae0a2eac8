/* SPDX-License-Identifier: Apache-2.0 */
/* See names.h. */
#include "fs/op/names.h"

#include "fs/tell/last_error.h"
#include "fs/tell/refusal.h"
#include "fs/tell/watchers.h"
#include "fs/tree/aside.h"
#include "fs/tree/class.h"
#include "fs/tree/permissions.h"
#include "fs/tree/repeat.h"
#include "fs/tree/reply.h"
#include "fs/tree/submission.h"
#include "model/uuid.h"

/* 0 if a file can be created: the name is free, and the directory allows it. @ret: what has the name already. */
static int find_free_name(fuse_req_t req, fuse_ino_t parent, const char *name, struct view **ret_view,
			  struct place *ret_dir, struct place *ret, const struct file_class **ret_class)
{
	int r = request_entry(req, parent, name, ret_view, ret_dir, ret);

	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	if (!*ret_view)
		return r;
	*ret_class = place_creates(ret_dir);
	return *ret_class && !uuid_is_hex(name) ? 0 : -EPERM; /* it would be taken for an object */
}

static bool is_movable(const struct place *p)
{
	return p->entry->io->recreate && place_is_writable(p);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view *view = NULL;
	const struct file_class *io = NULL;
	struct place dir, p;
	int r = find_free_name(req, parent, name, &view, &dir, &p, &io);

	/* an upload that an earlier process has begun for this request: it goes on */
	if (r == -EEXIST && repeat_is() && p.node.class == N_UPLOAD)
		p.entry->io->create(req, &dir, name, mode, fi);
	else if (r == -EEXIST && is_movable(&p) && aside_is(p.fs->aside, p.node, p.caller.uid))
		p.entry->io->recreate(req, &p, fi);
	else if (r < 0)
		refusal_reply(req, REFUSED_MAKE, r, view ? dir.object : NULL, name);
	else
		io->create(req, &dir, name, mode, fi);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *view = NULL;
	struct place dir, p;
	int r;

	if (watchers_answer_remove(req, parent, name))
		return;
	r = request_entry(req, parent, name, &view, &dir, &p);
	if (r == 0 && (!p.entry->io->unlink || (p.entry->io->recreate && !is_movable(&p))))
		r = -EPERM;
	if (r < 0)
		refusal_reply(req, REFUSED_REMOVE, r, view ? dir.object : NULL, name);
	else
		p.entry->io->unlink(req, &dir, name, &p);
}

/* No fixed directory can be removed; tools that delete recursively expect this errno of one with entries. */
static int refuse_rmdir(const struct place *p)
{
	char name[NAME_SIZE];
	struct place first;
	int64_t position;

	if (!S_ISDIR(place_mode(p)))
		return -ENOTDIR;
	return place_next(p, 0, &position, name, &first) ? -ENOTEMPTY : -EPERM;
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *view = NULL;
	struct place dir, p;
	int r;

	if (watchers_answer_remove(req, parent, name))
		return;
	r = request_entry(req, parent, name, &view, &dir, &p);
	if (r == 0 && !p.entry->io->rmdir)
		r = refuse_rmdir(&p);
	if (r < 0)
		refusal_reply(req, REFUSED_REMOVE, r, view ? dir.object : NULL, name);
	else
		p.entry->io->rmdir(req, &dir, name, &p);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *file_view = NULL, *view = NULL;
	const struct file_class *io = NULL;
	struct place dir, p, taken;
	int r = request_place(req, ino, &file_view, &p);

	if (r == 0 && !p.entry->io->link)
		r = -EPERM;
	if (r == 0)
		r = find_free_name(req, parent, name, &view, &dir, &taken, &io);
	if (r == 0 && io != p.entry->io)
		r = -EPERM;
	if (r < 0)
		refusal_reply(req, REFUSED_LINK, r, file_view ? p.object : NULL, name);
	else
		io->link(req, &p, &dir, name);
}

static bool is_apart(const struct fs *fs, fuse_ino_t ino)
{
	struct node node;

	return node_unpack(ino, &node) && (fs->nodes[node.class].flags & E_APART);
}

/* The pool has accepted the job. */
static void note_accepted(const struct fs *fs, uid_t uid, const char *uuid)
{
	_cleanup_view_ struct view *view = store_view(fs->store);
	const struct object *job = view_get(view, KIND_JOB, uuid);

	last_error_set(fs->errors, uid, job ? view_get_any(view, object_text(job, JOB_RESOURCE_UUID)) : NULL,
		       NULL);
}

/*
 * A rename that a process before this one has begun: true if the pool had accepted it. It is not checked again, since it
 * may have changed what it would be checked against: the old name is gone, or another object's.
 */
static bool resume_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to,
			  const char *to_name)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_view_ struct view *view = NULL;
	char job[UUID_SIZE];
	struct place dir, p;

	if (!submission_is_done(fs, job))
		return false;
	if (request_entry(req, parent, name, &view, &dir, &p) == 0 && p.entry->io->renamed)
		p.entry->io->renamed(req, &dir, name, to, to_name);
	note_accepted(fs, fuse_req_ctx(req)->uid, job);
	fuse_reply_err(req, 0);
	return true;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *to_name,
	       unsigned flags)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_view_ struct view *view = NULL;
	struct place dir, p;
	int r;

	if (flags & ~(unsigned)RENAME_NOREPLACE) {
		refusal_reply(req, REFUSED_RENAME, -EINVAL, NULL, name);
		return;
	}
	if (resume_rename(req, parent, name, to, to_name))
		return;
	r = request_entry(req, parent, name, &view, &dir, &p);
	/* EXDEV makes mv(1) copy */
	if (r == 0 && to != parent && (is_apart(fs, parent) || is_apart(fs, to)))
		r = -EXDEV;
	if (r == 0 && (!p.entry->io->rename || (p.entry->io->recreate && !is_movable(&p))))
		r = -EPERM;
	if (r < 0)
		refusal_reply(req, REFUSED_RENAME, r, view ? dir.object : NULL, name);
	else
		p.entry->io->rename(req, &dir, name, &p, to, to_name, flags);
}

/* ------------------------------------------------------- not supported */

static void refuse_to_make(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *view = NULL;
	struct place dir;

	if (watchers_answer_make(req, parent, name))
		return;
	refusal_reply(req, REFUSED_MAKE, -EPERM,
		      request_place(req, parent, &view, &dir) == 0 ? dir.object : NULL, name);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	_cleanup_view_ struct view *view = NULL;
	const struct file_class *io = NULL;
	struct place dir, p;
	int r;

	if (watchers_answer_make(req, parent, name))
		return;
	r = find_free_name(req, parent, name, &view, &dir, &p, &io);
	if (r == 0 && !io->mkdir)
		r = -EPERM;
	if (r < 0)
		refusal_reply(req, REFUSED_MAKE, r, view ? dir.object : NULL, name);
	else
		io->mkdir(req, &dir, name, mode);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)mode;
	(void)device;
	refuse_to_make(req, parent, name);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	refuse_to_make(req, parent, name);
}
