/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup, attributes, open and read. See ops.h. */
#include "fs/op/ops.h"

#include "fs/class/condition.h"
#include "fs/class/content.h"
#include "fs/class/data.h"
#include "fs/class/events.h"
#include "fs/class/scratches.h"
#include "fs/class/uploads.h"
#include "fs/tell/last_error.h"
#include "fs/tell/polls.h"
#include "fs/tell/watchers.h"
#include "fs/tree/where.h"

/* For what stays as long as the program runs. */
#define FOR_EVER 86400.0

int request_place(fuse_req_t req, fuse_ino_t ino, struct view **ret_view, struct place *ret)
{
	const struct fs *fs = fuse_req_userdata(req);
	int r;

	*ret_view = store_view(fs->store);
	r = place_find(fs, *ret_view, ino, fuse_req_ctx(req)->uid, ret);
	if (r < 0) {
		view_unref(*ret_view);
		*ret_view = NULL;
	}
	return r;
}

double attr_timeout(const struct place *p)
{
	return p->entry->flags & (E_STAYS | E_TOLD) ? FOR_EVER : 0;
}

int entry_fill(const struct place *p, struct fuse_entry_param *ret)
{
	watchers_note(p->fs->watchers, p->node);
	/* Of a node that the kernel is about to learn of it cannot be told, so E_TOLD does not count. */
	*ret = (struct fuse_entry_param){.ino = node_pack(p->node),
					 .attr_timeout = p->entry->flags & E_STAYS ? FOR_EVER : 0,
					 .entry_timeout = p->entry->flags & E_NAME_STAYS ? FOR_EVER : 0};
	/* The size of what is not rendered here is not known yet. The kernel will ask: its timeout is 0. */
	return place_stat(p, NULL, &ret->attr);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view *view = NULL;
	struct fuse_entry_param entry;
	struct place dir, p;
	int r;

	if (watchers_answer_lookup(req, parent, name))
		return;
	r = request_place(req, parent, &view, &dir);
	if (r == 0 && class_is_where(dir.node.class)) {
		where_lookup(req, &dir, name);
		return;
	}
	if (r == 0)
		r = place_lookup(&dir, name, &p);
	if (r == 0)
		r = entry_fill(&p, &entry);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &entry);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_view_ struct view *view = NULL;
	char target[PATH_SIZE];
	struct place p;
	int r = request_place(req, ino, &view, &p);

	if (r < 0)
		fuse_reply_err(req, -r);
	else if (!place_readlink(&p, target))
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_readlink(req, target);
}

/* --------------------------------------------------------------- attributes */

static void reply_attr(fuse_req_t req, const struct place *p, const struct document *d)
{
	struct stat st;
	int r = place_stat(p, d, &st);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, attr_timeout(p));
}

static void note_failure(fuse_req_t req, const struct error *e)
{
	const struct fs *fs = fuse_req_userdata(req);

	last_error_set(fs->errors, fuse_req_ctx(req)->uid, NULL, e);
}

/* A getattr that waits for the content of a file. */
struct stat_call {
	fuse_req_t req;
	struct node node;
};

static void getattr_done(void *arg, int result, struct document *d, const struct error *e)
{
	_cleanup_document_ struct document *content = d;
	_cleanup_free_ struct stat_call *call = arg;
	_cleanup_view_ struct view *view = NULL;
	struct place p;
	int r = result;

	/* The kernel asks for the attributes before it opens, so this is where a reader's request fails. */
	if (r < 0 && e)
		note_failure(call->req, e);
	if (r == 0)
		r = request_place(call->req, node_pack(call->node), &view, &p);
	if (r < 0)
		fuse_reply_err(call->req, -r);
	else
		reply_attr(call->req, &p, content);
}

/* fstat(2) of a file whose object is gone while it is open; the kernel does not say through which handle. */
static void reply_attr_of_gone(fuse_req_t req, fuse_ino_t ino)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = NULL;
	_cleanup_document_ struct document *d = NULL;
	struct node node;
	struct stat st;

	if (node_unpack(ino, &node))
		h = handles_find(fs->handles, node);
	if (!h) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	d = handle_document(h);
	stat_fill(fs, node, h->mode, d ? d->len : 0, d ? d->mtime : 0, &st);
	fuse_reply_attr(req, &st, 0);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = fi ? handles_get(fs->handles, fi->fh) : NULL;
	_cleanup_view_ struct view *view = NULL;
	_cleanup_document_ struct document *content = NULL;
	struct stat_call *call;
	struct place p;
	int r = request_place(req, ino, &view, &p);

	if (r == -ESTALE) {
		if (!watchers_answer_gone(req, ino))
			reply_attr_of_gone(req, ino);
		return;
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (h)
		content = handle_document(h);
	if (content || !place_is_slow(&p)) {
		reply_attr(req, &p, content);
		return;
	}
	call = malloc(sizeof(*call));
	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct stat_call){.req = req, .node = p.node};
	content_start(&p, getattr_done, call);
}

/* --------------------------------------------------------------- open, read */

/* An open that waits for the content of its file. */
struct open_call {
	fuse_req_t req;
	struct handle *handle; /* owned */
	struct fuse_file_info fi;
};

/*
 * The kernel's answer to an open, struct fuse_open_out. libfuse 3.14 has no name for PARALLEL_DIRECT_WRITES,
 * so we write it ourselves; and <linux/fuse.h> has members whose names model/banned.h forbids.
 */
struct open_out {
	uint64_t fh;
	uint32_t flags, backing_id;
};
#define OPEN_DIRECT_IO		    (1u << 0)
#define OPEN_NOFLUSH		    (1u << 5)
#define OPEN_PARALLEL_DIRECT_WRITES (1u << 6) /* ignored by Linux before 6.2 */

static void reply_open(fuse_req_t req, struct handle *h, const struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	/*
	 * Each reader sees its own snapshot, so the page cache of the inode cannot serve it. Writers do not
	 * keep each other waiting: a write is answered when its commit is on disk, and those that come
	 * meanwhile share the next commit.
	 */
	struct open_out out = {.flags = OPEN_DIRECT_IO | OPEN_PARALLEL_DIRECT_WRITES};
	int r = handles_add(fs->handles, h);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	out.fh = h->number;
	if ((fi->flags & O_ACCMODE) == O_RDONLY)
		out.flags |= OPEN_NOFLUSH;
	if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT)
		handles_remove(fs->handles, h->number); /* interrupted: there will be no release */
}

static void open_done(void *arg, int result, struct document *d, const struct error *e)
{
	_cleanup_free_ struct open_call *call = arg;
	_cleanup_handle_ struct handle *h = call->handle;

	if (result < 0) {
		if (e)
			note_failure(call->req, e);
		fuse_reply_err(call->req, -result);
		return;
	}
	h->content = d;
	reply_open(call->req, h, &call->fi);
}

static void open_for_reading(fuse_req_t req, const struct place *p, struct handle *h,
			     const struct fuse_file_info *fi)
{
	struct open_call *call = malloc(sizeof(*call));

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	ref_get(&h->ref);
	*call = (struct open_call){.req = req, .handle = h, .fi = *fi};
	content_start(p, open_done, call);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view *view = NULL;
	_cleanup_handle_ struct handle *h = NULL;
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC);
	struct place p;
	int r = request_place(req, ino, &view, &p);

	if (r == 0 && p.node.class == N_SCRATCH) {
		op_scratch_open(req, &p, fi);
		return;
	}
	if (r == 0 && p.node.class == N_UPLOAD) {
		op_upload_open(req, &p, fi);
		return;
	}
	/* Root passes the mode bits, but not this (tree.md 12). */
	if (r == 0 && writes && !place_is_writable(&p))
		r = -EACCES;
	if (r == 0 && p.entry->size) {
		data_open(req, &p, fi);
		return;
	}
	if (r == 0) {
		h = handle_new(p.node, place_mode(&p), p.object);
		r = h ? 0 : -ENOMEM;
	}
	if (r == 0 && p.node.class == N_EVENTS)
		r = events_open(&p, h);
	if (r == 0)
		poll_note(&p, h);
	if (r < 0)
		fuse_reply_err(req, -r);
	else if ((fi->flags & O_ACCMODE) == O_WRONLY || p.node.class == N_EVENTS)
		reply_open(req, h, fi);
	else
		open_for_reading(req, &p, h, fi);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);
	_cleanup_document_ struct document *d = NULL;
	size_t start;

	(void)ino;
	if (!h) {
		fuse_reply_err(req, EBADF);
		return;
	}
	if (h->disk) {
		data_read(req, h, size, offset);
		return;
	}
	if (h->upload) {
		op_upload_read(req, h, size, offset);
		return;
	}
	if (h->node.class == N_SCRATCH) {
		op_scratch_read(req, h->node.row, size, offset);
		return;
	}
	if (h->node.class == N_EVENTS) {
		events_read(req, h, size, offset);
		return;
	}
	if (offset == 0)
		poll_refresh(fs, h);
	d = handle_read(h, offset, &offset);
	if (!d || offset < 0 || (size_t)offset >= d->len) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	start = (size_t)offset;
	fuse_reply_buf(req, d->data + start, d->len - start < size ? d->len - start : size);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);
	_cleanup_document_ struct document *d = h && !h->disk ? handle_document(h) : NULL;
	off_t end = d ? (off_t)d->len : 0;

	(void)ino;
	if (!h)
		fuse_reply_err(req, EBADF);
	else if (h->disk)
		data_lseek(req, h, offset, whence);
	else if (h->upload)
		op_upload_lseek(req, h, offset, whence);
	else if (offset < 0 || offset >= end) /* a rendered file has no holes but the one at its end */
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, whence == SEEK_HOLE ? end : offset);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_handle_ struct handle *h = handles_get(fs->handles, fi->fh);

	(void)ino;
	if (h && h->disk)
		data_release(fs, h);
	handles_remove(fs->handles, fi->fh);
	if (h && h->upload)
		upload_release(h);
	if (h && h->node.class == N_SCRATCH)
		scratch_close(fs->scratches, h->node.row);
	fuse_reply_err(req, 0);
}

/* The sum of the primary storages, so that df(1) shows how full the pool is. */
void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_view_ struct view *view = store_view(fs->store);
	struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255};
	int64_t total = 0, available = 0;

	(void)ino;
	view_for_each (o, view, KIND_PRIMARY_STORAGE) {
		total += object_int(o, PRIMARY_STORAGE_TOTAL);
		available += object_int(o, PRIMARY_STORAGE_AVAILABLE);
	}
	for (int k = KIND_NONE + 1; k < KIND_COUNT; k++)
		if (kind_get((enum kind_id)k)->directory)
			st.f_files += view_count(view, (enum kind_id)k);
	st.f_blocks = (fsblkcnt_t)(total / 4096);
	st.f_bfree = st.f_bavail = (fsblkcnt_t)(available > 0 ? available / 4096 : 0);
	fuse_reply_statfs(req, &st);
}
