/* SPDX-License-Identifier: Apache-2.0 */
/* See document.h. */
#include "fs/class/document.h"

#include "fs/tell/caches.h"
#include "fs/tell/polls.h"
#include "fs/tell/refusal.h"
#include "fs/tree/kept.h"
#include "fs/tree/paged.h"
#include "fs/tree/permissions.h"

/*
 * What one read(2) gets may lie in so many places, else it is copied. The longest one that the kernel passes on, of 1 MiB,
 * takes about ten of a listing of objects that were made one after the other.
 */
#define READ_PLACES 256

/* An open that waits for the content of its file. */
struct open_call {
	fuse_req_t req;
	struct handle *handle; /* owned */
	struct fuse_file_info fi;
	bool may_be_paged;
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
#define OPEN_KEEP_CACHE		    (1u << 1)
#define OPEN_NOFLUSH		    (1u << 5)
#define OPEN_PARALLEL_DIRECT_WRITES (1u << 6) /* ignored by Linux before 6.2 */

/* Would the pages of this file be of use? They are the same for all readers, until the kernel is told. */
static bool may_be_paged(const struct place *p, const struct fuse_file_info *fi)
{
	return p->entry->io->is_paged && p->entry->io->is_paged(p) && p->told && !p->node.copy &&
	       (fi->flags & O_ACCMODE) == O_RDONLY && !place_is_writable(p) && !place_is_slow(p) &&
	       kept_knows_pages(p->node);
}

/*
 * Is the content of @h the present one, of which the kernel will be told when it changes? Then the kernel reads it into its
 * pages, and *@ret_had says whether it has it there already.
 */
static bool enter_pages(const struct fs *fs, const struct handle *h, bool *ret_had)
{
	_cleanup_view_ struct view *view = NULL;

	/* Once more: it may have been taken for the change before. */
	if (kept_add(fs->kept, h->node) < 0)
		return false;
	*ret_had = kept_add_pages(fs->kept, h->node);
	view = store_newest_view(fs->store);
	return view_shows(view, h->object) && caches_have_told(fs->caches, view);
}

/* It does not after all: there was an error. */
static void leave_pages(const struct fs *fs, struct handle *h, bool had)
{
	if (!h->paged)
		return;
	if (!had)
		kept_take_pages(fs->kept, h->node);
	if (paged_end(fs->paged, h))
		caches_drop(fs->caches, h->node);
}

/* May the kernel read the content into its pages? *@ret_had: it has it there. For the open of a file that may_be_paged(). */
static bool begin_pages(const struct fs *fs, struct handle *h, bool *ret_had)
{
	struct stat shown;

	*ret_had = false;
	stat_fill(fs, h->node, h->mode, h->content->len, h->content->mtime, &shown);
	if (h->content->len > PAGED_LENGTH || keep_bytes(fs->keep, KEEP_CONTENT) > HANDLE_CONTENTS / 2 ||
	    !paged_begin(fs->paged, h, &shown))
		return false;
	/* Now that it is in the table, a change leaves the inode to it. */
	if (!enter_pages(fs, h, ret_had)) {
		leave_pages(fs, h, *ret_had);
		return false;
	}
	/* Attributes that came with a listing may be older for a moment, and their size would cut the content. */
	if (!*ret_had)
		caches_drop(fs->caches, h->node);
	return true;
}

/* @flags: how the kernel reads it, OPEN_DIRECT_IO or not. @had: it has its pages. */
static void reply_open(fuse_req_t req, struct handle *h, const struct fuse_file_info *fi, uint32_t flags,
		       bool had)
{
	const struct fs *fs = fuse_req_userdata(req);
	struct open_out out = {.flags = flags};
	bool begins = keep_begin(fs->keep);
	int r = handles_add(fs->handles, h);

	if (r == 0 && h->paged) {
		r = handle_keep_content(h);
		if (r < 0)
			handles_remove(fs->handles, h->number);
	}
	if (r < 0) {
		leave_pages(fs, h, had);
		fuse_reply_err(req, -r);
		if (begins)
			keep_commit(fs->keep);
		return;
	}
	out.fh = h->number;
	if ((fi->flags & O_ACCMODE) == O_RDONLY)
		out.flags |= OPEN_NOFLUSH;
	if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT) {
		leave_pages(fs, h, had); /* interrupted: there will be no release */
		handles_remove(fs->handles, h->number);
	}
	if (begins)
		keep_commit(fs->keep);
}

void document_reply_open(fuse_req_t req, struct handle *h, const struct fuse_file_info *fi)
{
	/*
	 * Each reader sees its own snapshot, so the page cache of the inode cannot serve it, but for those that begin_pages()
	 * finds. Writers do not wait for each other: a write is answered when its commit is on disk, and writes that arrive
	 * meanwhile share the next commit.
	 */
	reply_open(req, h, fi, OPEN_DIRECT_IO | OPEN_PARALLEL_DIRECT_WRITES, false);
}

/* The same of a file that may_be_paged(). */
static void reply_open_paged(fuse_req_t req, struct handle *h, const struct fuse_file_info *fi)
{
	bool had;

	h->paged = true;
	h->opener = fuse_req_ctx(req)->pid;
	if (begin_pages(fuse_req_userdata(req), h, &had)) {
		reply_open(req, h, fi, had ? OPEN_KEEP_CACHE : 0, had);
		return;
	}
	h->paged = false;
	document_reply_open(req, h, fi);
}

/* Opens an inode that is left to readers. False: it is not. */
static bool join_readers(fuse_req_t req, const struct place *p, struct handle *h,
			 const struct fuse_file_info *fi)
{
	if (!p->entry->io->is_paged || p->node.copy || (fi->flags & O_ACCMODE) != O_RDONLY)
		return false;
	h->paged = paged_join(p->fs->paged, h);
	if (!h->paged)
		return false;
	h->opener = fuse_req_ctx(req)->pid;
	atomic_store(&h->seen, h->content->mtime); /* which is its version, see poll_note() */
	reply_open(req, h, fi, OPEN_KEEP_CACHE, true);
	return true;
}

static void open_done(void *arg, int result, struct document *d, const struct error *e)
{
	_cleanup_free_ struct open_call *call = arg;
	_cleanup_handle_ struct handle *h = call->handle;

	if (result < 0) {
		refusal_reply_error(call->req, result, e);
		return;
	}
	h->content = d;
	if (call->may_be_paged)
		reply_open_paged(call->req, h, &call->fi);
	else
		document_reply_open(call->req, h, &call->fi);
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
	*call = (struct open_call){.req = req, .handle = h, .fi = *fi, .may_be_paged = may_be_paged(p, fi)};
	content_start(p, open_done, call);
}

void document_file_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct handle *h = NULL;
	int r = place_check_open(p, fi->flags);

	if (r == 0) {
		h = handle_new(p->node, place_mode(p), p->view, &p->caller);
		r = h ? 0 : -ENOMEM;
	}
	if (r == 0) {
		h->gather.anew = fi->flags & O_TRUNC;
		h->reads = (fi->flags & O_ACCMODE) != O_WRONLY;
	}
	if (r == 0)
		poll_note(p, h);
	if (r < 0)
		refusal_reply(req, REFUSED_OPEN, r, p->object, place_name(p));
	else if ((fi->flags & O_ACCMODE) == O_WRONLY)
		document_reply_open(req, h, fi);
	else if (!join_readers(req, p, h, fi))
		open_for_reading(req, p, h, fi);
}

static void reply_copied(fuse_req_t req, const struct document *d, size_t start, size_t len)
{
	_cleanup_free_ char *copy = malloc(len);
	struct iovec place;
	size_t done = 0;

	if (!copy) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	while (done < len && document_slice(d, start + done, len - done, &place, 1) == 1) {
		memcpy(copy + done, place.iov_base, place.iov_len);
		done += place.iov_len;
	}
	fuse_reply_buf(req, copy, done);
}

void document_file_read(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_document_ struct document *d = NULL;
	struct iovec places[READ_PLACES];
	size_t start, wanted, read = 0;
	int count;

	if (!paged_note(fs->paged, h)) {
		fuse_reply_err(req, ESTALE);
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
	wanted = d->len - start < size ? d->len - start : size;
	count = document_slice(d, start, wanted, places, READ_PLACES);
	for (int i = 0; i < count; i++)
		read += places[i].iov_len;
	handle_note_read(h, d, start + wanted);
	if (read < wanted)
		reply_copied(req, d, start, wanted);
	else
		fuse_reply_iov(req, places, count);
}

/* The only hole of a rendered file is at its end. */
void document_file_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence)
{
	_cleanup_document_ struct document *d = handle_document(h);
	off_t end = d ? (off_t)d->len : 0;

	if (offset < 0 || offset >= end)
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, whence == SEEK_HOLE ? end : offset);
}

static int64_t object_version(const struct place *p)
{
	return p->object->changed;
}

const struct file_class class_document = {DOCUMENT_FILE};

/* What it shows is of the object alone, see render_inventory(), unless a text of it leaves memory. */
static bool inventory_is_paged(const struct place *p)
{
	for (int i = 0; i < p->kind->field_count; i++)
		if ((p->kind->fields[i].flags & (F_LEAVES | F_HIDDEN)) == F_LEAVES)
			return false;
	return true;
}

const struct file_class class_inventory = {
	DOCUMENT_FILE,
	.version = object_version,
	.is_paged = inventory_is_paged,
};
