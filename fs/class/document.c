/* SPDX-License-Identifier: Apache-2.0 */
/* See document.h. */
#include "fs/class/document.h"

#include "fs/tell/last_error.h"
#include "fs/tell/polls.h"
#include "fs/tell/refusal.h"
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

void document_reply_open(fuse_req_t req, struct handle *h, const struct fuse_file_info *fi)
{
	const struct fs *fs = fuse_req_userdata(req);
	/*
	 * Each reader sees its own snapshot, so the page cache of the inode cannot serve it. Writers do not
	 * wait for each other: a write is answered when its commit is on disk, and writes that arrive
	 * meanwhile share the next commit.
	 */
	struct open_out out = {.flags = OPEN_DIRECT_IO | OPEN_PARALLEL_DIRECT_WRITES};
	bool begins = keep_begin(fs->keep);
	int r = handles_add(fs->handles, h);

	if (r < 0) {
		fuse_reply_err(req, -r);
		if (begins)
			keep_commit(fs->keep);
		return;
	}
	out.fh = h->number;
	if ((fi->flags & O_ACCMODE) == O_RDONLY)
		out.flags |= OPEN_NOFLUSH;
	if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT)
		handles_remove(fs->handles, h->number); /* interrupted: there will be no release */
	if (begins)
		keep_commit(fs->keep);
}

static void open_done(void *arg, int result, struct document *d, const struct error *e)
{
	_cleanup_free_ struct open_call *call = arg;
	_cleanup_handle_ struct handle *h = call->handle;

	if (result < 0) {
		const struct fs *fs = fuse_req_userdata(call->req);

		if (e)
			last_error_set(fs->errors, fuse_req_ctx(call->req)->uid, NULL, e);
		fuse_reply_err(call->req, -result);
		return;
	}
	h->content = d;
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
	*call = (struct open_call){.req = req, .handle = h, .fi = *fi};
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
	else
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
const struct file_class class_inventory = {DOCUMENT_FILE, .version = object_version};
