/* SPDX-License-Identifier: Apache-2.0 */
/* See write.h. */
#include "fs/op/write.h"

#include "fs/op/read.h"
#include "fs/tell/last_error.h"
#include "fs/tell/refusal.h"
#include "fs/tell/watchers.h"
#include "fs/tree/aside.h"
#include "fs/tree/class.h"
#include "fs/tree/permissions.h"
#include "fs/tree/repeat.h"
#include "fs/tree/reply.h"

/* The place and handle of a request on an open file. */
static int open_place(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi, struct view **ret_view,
		      struct place *ret, struct handle **ret_handle)
{
	const struct fs *fs = fuse_req_userdata(req);

	*ret_handle = handles_get(fs->handles, fi->fh);
	return *ret_handle ? request_open_place(req, ino, *ret_handle, ret_view, ret) : -EBADF;
}

/* Refuses a piece of a document if its user has too many unfinished ones. */
static int check_gather(const struct place *p, const struct handle *h, size_t len)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	int r = p->entry->io->by_handle ? 0 : handles_check_gather(p->fs->handles, h, p->caller.uid, len, &e);

	if (r < 0)
		last_error_set(p->fs->errors, p->caller.uid, p->object, &e);
	return r;
}

/*
 * A request that a process before this one has begun: true if the text that it had given to the pool was taken, or is
 * given again now. @p: NULL if the node is gone.
 */
static bool resume(fuse_req_t req, const struct place *p, struct handle *h, struct answer answer)
{
	const struct fs *fs = fuse_req_userdata(req);

	return h && repeat_is() && handle_class(fs, h)->resume &&
	       handle_class(fs, h)->resume(fs, p, h, answer);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	      struct fuse_file_info *fi)
{
	_cleanup_view_ struct view *view = NULL;
	_cleanup_handle_ struct handle *h = NULL;
	struct place p;
	int r = open_place(req, ino, fi, &view, &p, &h);

	if (resume(req, r == 0 ? &p : NULL, h, (struct answer){ANSWER_WRITE, req, size}))
		return;
	if (r == 0 && !p.entry->io->write)
		r = -EBADF; /* it cannot be opened for writing */
	if (r == 0 && fi->writepage && !p.entry->io->maps)
		r = -EPERM; /* from a shared mapping, later and on nobody's behalf */
	if (r == 0)
		r = check_gather(&p, h, size);
	if (r == -EPERM) {
		refusal_reply(req, REFUSED_CHANGE, r, p.object, place_name(&p));
		return;
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (atomic_load(&h->lost) && p.entry->render) /* where the text goes may depend on what was read */
		handle_set_content(h, p.entry->render(&p));
	p.entry->io->write(req, &p, h, data, size, offset, fi->flags);
	handles_count_gather(p.fs->handles, h, p.caller.uid);
}

/*
 * A shell's `echo x > f` flushes once before it writes (tree.md 15), so a flush only ends a request that has
 * begun.
 */
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view *view = NULL;
	_cleanup_handle_ struct handle *h = NULL;
	struct place p;
	int r = open_place(req, ino, fi, &view, &p, &h);

	if (resume(req, r == 0 ? &p : NULL, h, (struct answer){ANSWER_FLUSH, req, 0}))
		return;
	if (r == 0 && p.entry->io->flush) {
		p.entry->io->flush(req, &p, h);
		handles_count_gather(p.fs->handles, h, p.caller.uid);
	} else {
		/* The object is gone, so nothing is left to flush. */
		fuse_reply_err(req, r == -ESTALE ? 0 : -r);
	}
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		  struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);

	(void)ino;
	if (h && handle_class(fs, h)->fallocate)
		handle_class(fs, h)->fallocate(req, h, mode, offset, length);
	else
		fuse_reply_err(req, EOPNOTSUPP);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);
	_cleanup_view_ struct view *view = NULL;
	struct place p;
	int r = h ? request_open_place(req, ino, h, &view, &p) : request_place(req, ino, &view, &p);

	(void)datasync;
	if (resume(req, r == 0 ? &p : NULL, h, (struct answer){ANSWER_FSYNC, req, 0}))
		return;
	if (h && handle_class(fs, h)->by_handle) {
		handle_class(fs, h)->fsync(req, r == 0 ? &p : NULL, h);
		return;
	}
	if (r == -ESTALE && h && h->object) {
		/* A request on this descriptor has removed the object; its job can still be waited for. */
		view = store_view(fs->store);
		place_init(fs, view, h->node, &p);
		p.object = h->object;
		p.caller = handle_caller(h, view);
		r = 0;
	}
	if (r < 0)
		fuse_reply_err(req, -r);
	else if (p.entry->io->fsync)
		p.entry->io->fsync(req, &p, h);
	else
		fuse_reply_err(req, 0); /* nothing is ever written here */
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, 0);
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_handle_ struct handle *h = NULL;
	_cleanup_view_ struct view *view = NULL;
	uid_t uid = 0;
	gid_t gid = 0;
	struct place p;
	int r;

	if (watchers_answer_times(req, ino))
		return;
	r = request_place(req, ino, &view, &p);
	if (r == 0 && p.entry->io->setattr) {
		p.entry->io->setattr(req, &p, attr, to_set);
		return;
	}
	/* Tools that copy files set mode, owner and times: setting the present values succeeds. */
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE) && (attr->st_mode & 07777) != (place_mode(&p) & 07777) &&
	    !aside_was(p.fs->aside, p.node, p.caller.uid))
		r = -EPERM;
	if (r == 0)
		place_owner(&p, &uid, &gid);
	if (r == 0 && (((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != uid) ||
		       ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != gid)))
		r = -EPERM;
	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE) && !place_is_writable(&p))
		r = -EACCES;
	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE) && p.entry->io->cut) {
		h = fi ? handles_get(p.fs->handles, fi->fh) : NULL;
		r = p.entry->io->cut(&p, h, attr->st_size, &e);
		if (r < 0)
			last_error_set(p.fs->errors, p.caller.uid, p.object, &e);
	}
	if (error_is_set(&e) || (r < 0 && !view))
		fuse_reply_err(req, -r);
	else if (r < 0)
		refusal_reply(req, r == -EACCES ? REFUSED_OPEN : REFUSED_CHANGE, r, p.object, place_name(&p));
	else
		op_getattr(req, ino, fi);
}
