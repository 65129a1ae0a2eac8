/* SPDX-License-Identifier: Apache-2.0 */
/* See scratch.h. */
#include "fs/class/scratch.h"

#include <string.h>

#include "fs/class/scratches.h"
#include "fs/class/directory.h"
#include "fs/tell/refusal.h"
#include "fs/tree/aside.h"
#include "fs/tree/permissions.h"
#include "fs/tree/reply.h"

/* ------------------------------------------------------------ open, release */

static int add_handle(const struct place *p, uint64_t *ret_number)
{
	_cleanup_handle_ struct handle *h = handle_new(p->node, place_mode(p), p->view, &p->caller);
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

static void scratch_file_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
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

static void scratch_file_create(fuse_req_t req, const struct place *dir, const char *name, mode_t mode,
				struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	struct place p;
	struct node node = {.class = N_SCRATCH};
	int r = scratch_create(dir->fs->scratches, dir->node, dir->caller.uid, name, S_IFREG | mode,
			       &node.row);

	if (r == 0) {
		place_init(dir->fs, dir->view, node, &p);
		p.caller = dir->caller;
		r = entry_fill(&p, &entry);
		if (r == 0)
			r = add_handle(&p, &fi->fh);
		if (r < 0)
			(void)scratch_unlink(dir->fs->scratches, dir->node, dir->caller.uid, name);
	}
	if (r < 0) {
		refusal_reply(req, REFUSED_MAKE, r, dir->object, name);
		return;
	}
	fi->direct_io = 1;
	if (fuse_reply_create(req, &entry, fi) == -ENOENT)
		remove_handle(&p, fi->fh);
}

/* ------------------------------------------------------------- read, write */

static void scratch_file_read(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_document_ struct document *d = NULL;
	int r = scratch_read(fs->scratches, h->node.row, size, offset, &d);

	if (r == 0)
		fuse_reply_buf(req, d->data, d->len);
	else
		refusal_reply(req, REFUSED_READ, r, NULL, NULL);
}

/* The only hole is at the end, as in rendered files. */
static void scratch_file_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence)
{
	const struct fs *fs = fuse_req_userdata(req);
	off_t end = scratch_size(fs->scratches, h->node.row);

	if (offset < 0 || offset >= end)
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, whence == SEEK_HOLE ? end : offset);
}

static void scratch_file_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data,
			       size_t size, off_t offset, int flags)
{
	struct stat st;
	int r = scratch_stat(p, &st);

	(void)h;
	if (r == 0)
		r = scratch_write(p->fs->scratches, p->node.row, data, size,
				  flags & O_APPEND ? st.st_size : offset);
	if (r < 0)
		refusal_reply(req, REFUSED_CHANGE, r, NULL, NULL);
	else
		fuse_reply_write(req, size);
}

static int64_t time_to_set(const struct stat *attr, int to_set)
{
	return to_set & FUSE_SET_ATTR_MTIME_NOW ? store_now()
						: attr->st_mtim.tv_sec * NS_PER_S + attr->st_mtim.tv_nsec;
}

static void scratch_file_setattr(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set)
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
		refusal_reply(req, REFUSED_CHANGE, r, NULL, NULL);
	else
		fuse_reply_attr(req, &st, 0);
}

/* -------------------------------------------------------------------- names */

static void scratch_file_unlink(fuse_req_t req, const struct place *dir, const char *name,
				const struct place *p)
{
	int r = scratch_unlink(dir->fs->scratches, dir->node, dir->caller.uid, name);

	(void)p;
	if (r < 0)
		refusal_reply(req, REFUSED_REMOVE, r, dir->object, name);
	else
		fuse_reply_err(req, 0);
}

static void scratch_file_link(fuse_req_t req, const struct place *p, const struct place *dir,
			      const char *name)
{
	struct fuse_entry_param entry;
	int r = scratch_link(dir->fs->scratches, p->node.row, dir->node, name);

	if (r == 0)
		r = entry_fill(p, &entry);
	if (r < 0)
		refusal_reply(req, REFUSED_LINK, r, dir->object, name);
	else
		fuse_reply_entry(req, &entry);
}

/* A rename that waits until the pool has accepted the content. */
struct rename_call {
	fuse_req_t req;
	struct node dir, target;
	uid_t uid;
	char name[NAME_SIZE];
};

static void rename_done(void *arg, int result)
{
	_cleanup_free_ struct rename_call *call = arg;
	const struct fs *fs = fuse_req_userdata(call->req);
	bool begins = keep_begin(fs->keep);

	if (result == 0) {
		(void)scratch_unlink(fs->scratches, call->dir, call->uid, call->name);
		aside_end(fs->aside, call->target, call->uid);
	}
	fuse_reply_err(call->req, -result);
	if (begins)
		keep_commit(fs->keep);
}

static void rename_over(fuse_req_t req, const struct place *dir, const struct place *p, const char *name,
			const struct place *target)
{
	_cleanup_document_ struct document *content = NULL;
	struct rename_call *call = malloc(sizeof(*call));
	int r = call ? scratch_read(dir->fs->scratches, p->node.row, SIZE_MAX, 0, &content) : -ENOMEM;

	if (r < 0) {
		free(call);
		refusal_reply(req, REFUSED_RENAME, r, dir->object, name);
		return;
	}
	*call = (struct rename_call){
		.req = req, .dir = dir->node, .target = target->node, .uid = dir->caller.uid};
	snprintf(call->name, sizeof(call->name), "%s", name);
	target->entry->io->replace(target, content->data, content->len, rename_done, call);
}

static bool is_scratch(const struct place *p)
{
	return p->node.class == N_SCRATCH || p->node.class == N_SCRATCH_DIR;
}

/* Can the file be renamed to @target in @to_dir? @found: the result of its lookup. */
static int check_target(int found, const struct place *to_dir, const struct place *target, unsigned flags)
{
	if (found == -ENOENT)
		return place_has(to_dir, N_SCRATCH) ? 0 : -EPERM;
	if (found < 0)
		return found;
	if ((flags & RENAME_NOREPLACE) && !aside_is(target->fs->aside, target->node, target->caller.uid))
		return -EEXIST;
	if (is_scratch(target))
		return 0;
	return place_is_writable(target) && target->entry->io->replace ? 0 : -EPERM;
}

static void scratch_file_rename(fuse_req_t req, const struct place *dir, const char *name,
				const struct place *p, fuse_ino_t to, const char *to_name, unsigned flags)
{
	_cleanup_view_ struct view *view = NULL;
	struct place to_dir, target;
	int found = request_entry(req, to, to_name, &view, &to_dir, &target);
	/* No view: the directory does not exist. */
	int r = view ? check_target(found, &to_dir, &target, flags) : found;

	if (r == 0 && found == 0 && !is_scratch(&target) && p->node.class == N_SCRATCH_DIR)
		r = -ENOTDIR;
	if (r == 0 && found == 0 && !is_scratch(&target)) {
		rename_over(req, dir, p, name, &target);
		return;
	}
	if (r == 0)
		r = scratch_rename(dir->fs->scratches, dir->caller.uid, dir->node, name, to_dir.node,
				   to_name);
	if (r < 0)
		refusal_reply(req, REFUSED_RENAME, r, dir->object, name);
	else
		fuse_reply_err(req, 0);
}

/* As rename_done(); the object of the target may be gone by now. */
static void scratch_file_renamed(fuse_req_t req, const struct place *dir, const char *name, fuse_ino_t to,
				 const char *to_name)
{
	_cleanup_view_ struct view *view = NULL;
	struct place to_dir, target;

	(void)scratch_unlink(dir->fs->scratches, dir->node, dir->caller.uid, name);
	if (request_entry(req, to, to_name, &view, &to_dir, &target) == 0)
		aside_end(dir->fs->aside, target.node, dir->caller.uid);
}

static void scratch_make_directory(fuse_req_t req, const struct place *dir, const char *name, mode_t mode)
{
	struct fuse_entry_param entry;
	struct node node = {.class = N_SCRATCH_DIR};
	struct place p;
	int r = scratch_create(dir->fs->scratches, dir->node, dir->caller.uid, name, S_IFDIR | mode,
			       &node.row);

	if (r == 0) {
		place_init(dir->fs, dir->view, node, &p);
		r = entry_fill(&p, &entry);
	}
	if (r < 0)
		refusal_reply(req, REFUSED_MAKE, r, dir->object, name);
	else
		fuse_reply_entry(req, &entry);
}

static int scratch_file_is_here(const struct fs *fs, struct node node, struct node *ret_base)
{
	(void)ret_base;
	if (node.kind != KIND_NONE || node.index)
		return -ENOENT;
	return scratch_is_here(fs->scratches, node.row) ? 0 : -ESTALE;
}

static void scratch_file_revive(const struct fs *fs, struct handle *h)
{
	(void)scratch_open(fs->scratches, h->node.row);
}

static void scratch_file_release(const struct fs *fs, struct handle *h)
{
	scratch_close(fs->scratches, h->node.row);
}

const struct file_class class_scratch = {
	.is_here = scratch_file_is_here,
	.stat = scratch_stat,
	.open = scratch_file_open,
	.read = scratch_file_read,
	.lseek = scratch_file_lseek,
	.write = scratch_file_write,
	.maps = true,
	.setattr = scratch_file_setattr,
	.revive = scratch_file_revive,
	.release = scratch_file_release,
	.create = scratch_file_create,
	.mkdir = scratch_make_directory,
	.link = scratch_file_link,
	.unlink = scratch_file_unlink,
	.rename = scratch_file_rename,
	.renamed = scratch_file_renamed,
};

const struct file_class class_scratch_directory = {
	.is_here = scratch_file_is_here,
	.stat = scratch_stat,
	.rewind = directory_rewind,
	.setattr = scratch_file_setattr,
	.rmdir = scratch_file_unlink,
	.rename = scratch_file_rename,
};
