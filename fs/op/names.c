/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: creating, linking, removing and renaming them. See ops.h.
 *
 * The names of the tree are given by the pool and stay. Beside them users may
 * create scratch files (scratches.h); renaming one over a fixed name submits its
 * content, and takes it away once the pool has accepted it.
 */
#include <string.h>

#include "fs/class/call.h"
#include "fs/class/command.h"
#include "fs/class/scratches.h"
#include "fs/class/uploads.h"
#include "fs/op/ops.h"
#include "fs/tell/watchers.h"
#include "fs/tree/handle.h"

#define NS_PER_S INT64_C(1000000000)

/* The place of @name in a directory; ret_dir is its directory. */
static int find_name(fuse_req_t req, fuse_ino_t parent, const char *name, struct view **ret_view,
		     struct place *ret_dir, struct place *ret)
{
	int r = request_place(req, parent, ret_view, ret_dir);

	return r < 0 ? r : place_lookup(ret_dir, name, ret);
}

/* May unknown names be created in this directory? */
static bool takes_scratch(const struct place *dir)
{
	return (entry_get(N_SCRATCH)->in & IN(dir->node.class)) && scratch_here(dir);
}

/* 0 when a scratch name can be made here: nothing has it, and the directory takes such. */
static int find_free_name(fuse_req_t req, fuse_ino_t parent, const char *name, struct view **ret_view,
			  struct place *ret_dir)
{
	struct place p;
	int r = find_name(req, parent, name, ret_view, ret_dir, &p);

	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	return takes_scratch(ret_dir) || ret_dir->node.class == N_UPLOADS ? 0 : -EPERM;
}

/* ------------------------------------------------------------ open, release */

static int add_handle(const struct place *p, uint64_t *ret_number)
{
	_cleanup_handle_ struct handle *h = handle_new(p->node, place_mode(p), NULL);
	int r = h ? scratch_open(p->fs->scratches, p->node.row) : -ENOMEM;

	if (r < 0)
		return r;
	r = handles_add(p->fs->handles, h);
	if (r < 0)
		scratch_close(p->fs->scratches, p->node.row);
	else
		*ret_number = h->number;
	return r;
}

static void remove_handle(const struct place *p, uint64_t number)
{
	handles_remove(p->fs->handles, number);
	scratch_close(p->fs->scratches, p->node.row);
}

void op_scratch_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	int r = fi->flags & O_TRUNC ? scratch_truncate(p->fs->scratches, p->node.row, 0) : 0;

	if (r == 0)
		r = add_handle(p, &fi->fh);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi) == -ENOENT)
		remove_handle(p, fi->fh);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view *view = NULL;
	struct fuse_entry_param entry;
	struct place dir, p;
	struct node node = {.class = N_SCRATCH};
	int r = find_free_name(req, parent, name, &view, &dir);

	if (r == 0 && dir.node.class == N_UPLOADS) {
		op_upload_create(req, &dir, name, mode, fi);
		return;
	}
	if (r == 0)
		r = scratch_create(dir.fs->scratches, dir.node, dir.uid, name, mode, &node.row);
	if (r == 0) {
		place_init(dir.fs, view, node, &p);
		r = entry_fill(&p, &entry);
		if (r == 0)
			r = add_handle(&p, &fi->fh);
		if (r < 0)
			(void)scratch_unlink(dir.fs->scratches, dir.node, dir.uid, name);
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	fi->direct_io = 1;
	if (fuse_reply_create(req, &entry, fi) == -ENOENT)
		remove_handle(&p, fi->fh);
}

/* ------------------------------------------------------------- read, write */

void op_scratch_read(fuse_req_t req, int64_t number, size_t size, off_t offset)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_document_ struct document *d = scratch_read(fs->scratches, number, size, offset);

	if (d)
		fuse_reply_buf(req, d->data, d->len);
	else
		fuse_reply_err(req, ENOMEM);
}

void op_scratch_write(fuse_req_t req, const struct place *p, const char *data, size_t size, off_t offset,
		      int flags)
{
	struct stat st;
	int r = scratch_stat(p, &st);

	if (r == 0)
		r = scratch_write(p->fs->scratches, p->node.row, data, size,
				  flags & O_APPEND ? st.st_size : offset);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_write(req, size);
}

static int64_t time_to_set(const struct stat *attr, int to_set)
{
	return to_set & FUSE_SET_ATTR_MTIME_NOW ? store_now()
						: attr->st_mtim.tv_sec * NS_PER_S + attr->st_mtim.tv_nsec;
}

void op_scratch_setattr(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set)
{
	struct scratches *s = p->fs->scratches;
	struct stat st;
	int r = scratch_stat(p, &st);

	if (r == 0 && (((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != st.st_uid) ||
		       ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != st.st_gid)))
		r = -EPERM;
	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
		r = scratch_truncate(s, p->node.row, attr->st_size);
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
		r = scratch_set_mode(s, p->node.row, attr->st_mode);
	if (r == 0 && (to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)))
		r = scratch_set_time(s, p->node.row, time_to_set(attr, to_set));
	if (r == 0)
		r = scratch_stat(p, &st);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, 0);
}

/* -------------------------------------------------------------------- names */

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *view = NULL;
	struct place dir, p;
	int r;

	if (watchers_answer_remove(req, parent, name))
		return;
	r = find_name(req, parent, name, &view, &dir, &p);
	if (r == 0 && p.node.class == N_UPLOAD) {
		op_upload_unlink(req, &p);
		return;
	}
	if (r == 0)
		r = p.node.class == N_SCRATCH ? scratch_unlink(dir.fs->scratches, dir.node, dir.uid, name)
					      : -EPERM;
	fuse_reply_err(req, -r);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *file_view = NULL, *view = NULL;
	struct fuse_entry_param entry;
	struct place dir, p;
	int r = request_place(req, ino, &file_view, &p);

	if (r == 0 && p.node.class != N_SCRATCH)
		r = -EPERM;
	if (r == 0)
		r = find_free_name(req, parent, name, &view, &dir);
	if (r == 0 && dir.node.class == N_UPLOADS)
		r = -EPERM;
	if (r == 0)
		r = scratch_link(dir.fs->scratches, p.node.row, dir.node, name);
	if (r == 0)
		r = entry_fill(&p, &entry);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &entry);
}

static bool is_uploads(fuse_ino_t ino)
{
	struct node node;

	return node_unpack(ino, &node) && node.class == N_UPLOADS;
}

/* A rename that waits for the pool's word on the content. */
struct rename_call {
	fuse_req_t req;
	struct node dir;
	uid_t uid;
	char name[NAME_SIZE];
};

static void rename_done(void *arg, int result)
{
	_cleanup_free_ struct rename_call *call = arg;
	const struct fs *fs = fuse_req_userdata(call->req);

	if (result == 0)
		(void)scratch_unlink(fs->scratches, call->dir, call->uid, call->name);
	fuse_reply_err(call->req, -result);
}

static void rename_over(fuse_req_t req, const struct place *dir, const struct place *p, const char *name,
			const struct place *target)
{
	_cleanup_document_ struct document *content =
		scratch_read(dir->fs->scratches, p->node.row, SIZE_MAX, 0);
	struct rename_call *call = malloc(sizeof(*call));

	if (!content || !call) {
		free(call);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct rename_call){.req = req, .dir = dir->node, .uid = dir->uid};
	snprintf(call->name, sizeof(call->name), "%s", name);
	submit_content(target, content->data, content->len, rename_done, call);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *to_name,
	       unsigned flags)
{
	_cleanup_view_ struct view *view = NULL, *to_view = NULL;
	struct place dir, p, to_dir, target;
	int r, found = -ENOENT;

	if (flags & ~(unsigned)RENAME_NOREPLACE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	r = find_name(req, parent, name, &view, &dir, &p);
	if (r == 0 && p.node.class == N_UPLOAD && to == parent) {
		op_upload_rename(req, &p, to_name);
		return;
	}
	/* from and to the uploads mv(1) copies */
	if (r == 0 && (p.node.class == N_UPLOAD || is_uploads(to)))
		r = -EXDEV;
	if (r == 0 && p.node.class != N_SCRATCH)
		r = -EPERM;
	if (r == 0) {
		found = find_name(req, to, to_name, &to_view, &to_dir, &target);
		if (found == 0 && (flags & RENAME_NOREPLACE))
			r = -EEXIST;
		else if (found == 0 && target.node.class != N_SCRATCH &&
			 (!place_is_writable(&target) || place_is_door(&target)))
			r = -EPERM;
		else if (found == -ENOENT && !takes_scratch(&to_dir))
			r = -EPERM;
		else if (found < 0 && found != -ENOENT)
			r = found;
	}
	if (r == 0 && found == 0 && target.node.class != N_SCRATCH) {
		rename_over(req, &dir, &p, name, &target);
		return;
	}
	if (r == 0)
		r = scratch_rename(dir.fs->scratches, dir.uid, dir.node, name, to_dir.node, to_name);
	fuse_reply_err(req, -r);
}

/* --------------------------------------- what no file here can be */

static void refuse_to_make(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (!watchers_answer_make(req, parent, name))
		fuse_reply_err(req, EPERM);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)mode;
	refuse_to_make(req, parent, name);
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
