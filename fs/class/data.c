/* SPDX-License-Identifier: Apache-2.0 */
/* See data.h. */
#include "fs/class/data.h"

#include "actions/engine/kill_point.h"
#include "actions/engine/workers.h"
#include "actions/volume/disk_reader.h"
#include "fs/tell/last_error.h"
#include "fs/tell/refusal.h"
#include "fs/tree/permissions.h"
#include "model/keep.h"
#include "model/states.h"

bool data_here(const struct place *dir)
{
	enum kind_id kind = dir->kind->id;
	int r;

	if (kind != KIND_IMAGE && kind != KIND_VOLUME && kind != KIND_SNAPSHOT)
		return false;
	if (!dir->object)
		return true; /* README */
	r = disk_reader_check(dir->view, dir->object, NULL);
	return r == 0 || (r == -EBUSY && disk_reader_size(dir->object) != 0);
}

/* Whose bytes the file of @o shows: of an export those of its image, while that is not deleted. NULL: of nothing. */
static const struct object *bytes_of(const struct view *view, const struct object *o)
{
	const struct object *image;

	if (!o || o->kind->id != KIND_IMAGE_EXPORT)
		return o;
	image = view_get(view, KIND_IMAGE, object_text(o, IMAGE_EXPORT_IMAGE_UUID));
	return image && object_str_is(image, IMAGE_STATUS, STATUS_READY) ? image : NULL;
}

/* Known from the row, without opening the file. st_blocks is less than the size, so that tools look for
 * holes.
 */
static int data_stat(const struct place *p, struct stat *ret)
{
	const struct object *o = bytes_of(p->view, p->object);

	if (!o)
		return -ENOENT;
	stat_fill(p->fs, p->node, place_mode(p), (size_t)disk_reader_size(o), o->changed, ret);
	place_owner(p, &ret->st_uid, &ret->st_gid);
	ret->st_blocks = (blkcnt_t)(disk_reader_occupied(o) / 512);
	return 0;
}

/* A request that a worker answers. */
struct data_work {
	fuse_req_t req;
	const struct fs *fs;
	struct disk_reader *reader; /* owned; NULL while the file is not open */
	struct handle *handle;	    /* owned; of a file that has to be opened again; NULL: not */
	struct fuse_file_info fi;   /* opening */
	struct node node;
	mode_t mode;
	struct caller caller; /* opening; `account` is not valid */
	size_t size;	      /* reading */
	off_t offset;
	int whence; /* seeking */
};

static void work_free(struct data_work *w)
{
	disk_reader_unref(w->reader);
	handle_unref(w->handle);
	free(w);
}

/* Runs fn(work) in a worker, or answers with an error. */
static void run(struct data_work *w, void (*fn)(void *arg))
{
	if (workers_run(w->fs->readers, fn, w) == 0)
		return;
	fuse_reply_err(w->req, EIO);
	work_free(w);
}

static struct data_work *work_new(fuse_req_t req, const struct fs *fs)
{
	struct data_work *w = calloc(1, sizeof(*w));

	if (w) {
		w->req = req;
		w->fs = fs;
	} else {
		fuse_reply_err(req, ENOMEM);
	}
	return w;
}

/* -------------------------------------------------------------------- opening */

static void reader_free(void *reader)
{
	disk_reader_unref(reader);
}

static const struct object *find_object(const struct view *view, struct node node)
{
	return view_get_id(view, node.kind, node.row);
}

static int open_reader(const struct view *view, struct node node, struct disk_reader **ret, struct error *e)
{
	const struct object *o = bytes_of(view, find_object(view, node));

	return o ? disk_reader_open(view, o, ret, e) : -ESTALE;
}

static int reply_open(struct data_work *w, const struct view *view, struct disk_reader *reader)
{
	_cleanup_handle_ struct handle *h = handle_new(w->node, w->mode, view, &w->caller);
	bool begins;
	int r;

	if (!h) {
		disk_reader_unref(reader);
		return -ENOMEM;
	}
	h->state = reader;
	h->state_free = reader_free;
	h->start = disk_reader_content(reader);
	begins = keep_begin(w->fs->keep);
	r = handles_add(w->fs->handles, h);
	if (r == 0) {
		kill_point("data-opened");
		w->fi.fh = h->number;
		w->fi.direct_io = 1; /* readers may see different states of the object */
		w->fi.noflush = 1;
		if (fuse_reply_open(w->req, &w->fi) == -ENOENT)
			handles_remove(w->fs->handles, h->number); /* interrupted: there will be no release */
	}
	if (begins)
		keep_commit(w->fs->keep);
	return r;
}

static void open_work(void *arg)
{
	struct data_work *w = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_view_ struct view *view = store_view(w->fs->store);
	struct disk_reader *reader = NULL;
	int r = open_reader(view, w->node, &reader, &e);

	if (r == 0)
		r = reply_open(w, view, reader);
	if (r < 0) {
		if (error_is_set(&e))
			last_error_set(w->fs->errors, fuse_req_ctx(w->req)->uid,
				       bytes_of(view, find_object(view, w->node)), &e);
		fuse_reply_err(w->req, -r);
	}
	work_free(w);
}

static void data_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	int r = place_check_open(p, fi->flags);
	struct data_work *w;

	if (r == 0 && !bytes_of(p->view, p->object))
		r = -ENOENT;
	if (r < 0) {
		refusal_reply(req, REFUSED_OPEN, r, p->object, place_name(p));
		return;
	}
	w = work_new(req, p->fs);
	if (!w)
		return;
	w->node = p->node;
	w->mode = place_mode(p);
	w->caller = p->caller;
	w->fi = *fi;
	run(w, open_work);
}

/* -------------------------------------------------------------------- reading */

/* Closing may wait for a disk. Accepts NULL. */
static void release(const struct fs *fs, struct disk_reader *reader)
{
	if (reader && workers_run(fs->readers, reader_free, reader) < 0)
		disk_reader_unref(reader);
}

/* Opens a file again that a process before this one has opened. -ESTALE: it has other bytes since. */
static int open_again(struct data_work *w)
{
	_cleanup_view_ struct view *view = NULL;
	struct handle *h = w->handle;
	struct disk_reader *reader = NULL;
	int r;

	if (w->reader)
		return 0;
	view = store_view(w->fs->store);
	r = open_reader(view, h->node, &reader, NULL);
	if (r < 0)
		return r;
	if (h->start && h->start != disk_reader_content(reader)) {
		disk_reader_unref(reader);
		return -ESTALE;
	}
	pthread_mutex_lock(&h->lock);
	if (!h->state) {
		h->state = steal(&reader);
		h->state_free = reader_free;
	}
	w->reader = disk_reader_ref(h->state);
	pthread_mutex_unlock(&h->lock);
	disk_reader_unref(reader); /* another request has opened it meanwhile */
	return 0;
}

static void read_work(void *arg)
{
	struct data_work *w = arg;
	char *buffer = malloc(w->size);
	ssize_t got = buffer ? open_again(w) : -ENOMEM;

	kill_point("request-read");
	if (got == 0)
		got = disk_reader_read(w->reader, buffer, w->size, w->offset);

	if (got < 0)
		fuse_reply_err(w->req, (int)-got);
	else
		fuse_reply_buf(w->req, buffer, (size_t)got);
	free(buffer);
	work_free(w);
}

static void seek_work(void *arg)
{
	struct data_work *w = arg;
	int64_t at = open_again(w);

	if (at == 0)
		at = disk_reader_seek(w->reader, w->offset, w->whence);
	if (at < 0)
		fuse_reply_err(w->req, (int)-at);
	else
		fuse_reply_lseek(w->req, at);
	work_free(w);
}

/* What the file is read with, with a reference for the caller. NULL: it has to be opened again. */
static struct disk_reader *get_reader(struct handle *h)
{
	scoped_lock(&h->lock);
	return h->state ? disk_reader_ref(h->state) : NULL;
}

/* A work item for an open file; answers ESTALE if its bytes may be changing. */
static struct data_work *work_on(fuse_req_t req, struct handle *h)
{
	const struct fs *fs = fuse_req_userdata(req);
	_cleanup_view_ struct view *view = store_view(fs->store);
	struct disk_reader *reader = get_reader(h);
	struct data_work *w = NULL;

	if (reader && !disk_reader_is_valid(reader, view))
		fuse_reply_err(req, ESTALE);
	else
		w = work_new(req, fs);
	if (!w) {
		release(fs, reader);
		return NULL;
	}
	w->reader = reader;
	if (!reader) {
		w->handle = h;
		ref_get(&h->ref);
	}
	return w;
}

static void data_read(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	struct data_work *w = work_on(req, h);

	if (!w)
		return;
	w->size = size;
	w->offset = offset;
	run(w, read_work);
}

static void data_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence)
{
	struct data_work *w = work_on(req, h);

	if (!w)
		return;
	w->offset = offset;
	w->whence = whence;
	run(w, seek_work);
}

static void data_release(const struct fs *fs, struct handle *h)
{
	struct disk_reader *reader;

	pthread_mutex_lock(&h->lock);
	reader = steal(&h->state);
	pthread_mutex_unlock(&h->lock);
	release(fs, reader);
}

const struct file_class class_data = {
	.stat = data_stat,
	.open = data_open,
	.read = data_read,
	.lseek = data_lseek,
	.release = data_release,
};

/* -------------------------------------------------------------------- exports */

/* Never listed: the name is a secret. */
bool exports_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *export = view_get(dir->view, KIND_IMAGE_EXPORT, name);

	if (export)
		*ret = (struct node){.kind = KIND_IMAGE_EXPORT, .row = export->id, .class = N_EXPORT};
	return export != NULL;
}
