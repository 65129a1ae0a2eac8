/* SPDX-License-Identifier: Apache-2.0 */
/* See serial_log.h. */
#include "fs/class/serial_log.h"

#include "actions/engine/workers.h"
#include "actions/vm/console_log.h"
#include "fs/class/document.h"
#include "fs/tell/last_error.h"
#include "fs/tell/refusal.h"
#include "fs/tree/permissions.h"

/* A request that a worker answers. */
struct log_work {
	fuse_req_t req;
	const struct fs *fs;
	char vm[UUID_SIZE];
	struct handle *handle;	  /* owned; opening */
	struct fuse_file_info fi; /* opening */
	size_t size;		  /* reading */
	off_t offset;
	int whence;	   /* seeking */
	measured_fn *done; /* measuring */
	void *arg;
};

static void work_free(struct log_work *w)
{
	handle_unref(w->handle);
	free(w);
}

static struct log_work *work_new(const struct fs *fs, const struct object *vm)
{
	struct log_work *w = calloc(1, sizeof(*w));

	if (w) {
		w->fs = fs;
		snprintf(w->vm, sizeof(w->vm), "%s", object_uuid(vm));
	}
	return w;
}

/* Runs fn(work) in a worker, or answers with an error. @w: NULL without memory. */
static void run(fuse_req_t req, struct log_work *w, void (*fn)(void *arg))
{
	if (w) {
		w->req = req;
		if (workers_run(w->fs->readers, fn, w) == 0)
			return;
		work_free(w);
	}
	fuse_reply_err(req, ENOMEM);
}

static void refuse(const struct log_work *w, int r, const struct error *e)
{
	_cleanup_view_ struct view *view = store_view(w->fs->store);

	if (error_is_set(e))
		last_error_set(w->fs->errors, fuse_req_ctx(w->req)->uid, view_get(view, KIND_VM, w->vm), e);
	fuse_reply_err(w->req, -r);
}

/* ------------------------------------------------------------------ measuring */

static void measure_work(void *arg)
{
	struct log_work *w = arg;
	int64_t size = 0, changed = 0;
	int r = console_log_stat(w->fs->pool, w->vm, &size, &changed);

	w->done(w->arg, r, size, changed);
	work_free(w);
}

static void log_measure(const struct place *p, measured_fn *done, void *arg)
{
	struct log_work *w = work_new(p->fs, p->object);

	if (w) {
		w->done = done;
		w->arg = arg;
		if (workers_run(p->fs->readers, measure_work, w) == 0)
			return;
		work_free(w);
	}
	done(arg, -ENOMEM, 0, 0);
}

/* -------------------------------------------------------------------- opening */

static void open_work(void *arg)
{
	struct log_work *w = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char byte;
	/* who cannot read it is told now */
	ssize_t r = console_log_read(w->fs->pool, w->vm, &byte, 1, 0, &e);

	if (r < 0)
		refuse(w, (int)r, &e);
	else
		document_reply_open(w->req, w->handle, &w->fi);
	work_free(w);
}

static void log_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	int r = place_check_open(p, fi->flags);
	struct log_work *w;

	if (r < 0) {
		refusal_reply(req, REFUSED_OPEN, r, p->object, place_name(p));
		return;
	}
	w = work_new(p->fs, p->object);
	if (w) {
		w->handle = handle_new(p->node, place_mode(p), p->view, &p->caller);
		w->fi = *fi;
		if (!w->handle) {
			work_free(w);
			w = NULL;
		}
	}
	run(req, w, open_work);
}

/* -------------------------------------------------------------------- reading */

static void read_work(void *arg)
{
	struct log_work *w = arg;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *buffer = malloc(w->size);
	ssize_t n = buffer ? console_log_read(w->fs->pool, w->vm, buffer, w->size, w->offset, &e) : -ENOMEM;

	if (n < 0)
		refuse(w, (int)n, &e);
	else
		fuse_reply_buf(w->req, buffer, (size_t)n);
	work_free(w);
}

/* A log without holes. */
static void seek_work(void *arg)
{
	struct log_work *w = arg;
	int64_t size = 0, changed;
	int r = console_log_stat(w->fs->pool, w->vm, &size, &changed);

	if (r < 0)
		fuse_reply_err(w->req, -r);
	else if (w->offset < 0 || w->offset >= size)
		fuse_reply_err(w->req, ENXIO);
	else
		fuse_reply_lseek(w->req, w->whence == SEEK_HOLE ? size : w->offset);
	work_free(w);
}

/* NULL: the VM is gone, and the log with it, or memory is short; the request is answered. */
static struct log_work *work_on(fuse_req_t req, const struct handle *h)
{
	struct log_work *w = h->object ? work_new(fuse_req_userdata(req), h->object) : NULL;

	if (!w)
		fuse_reply_err(req, h->object ? ENOMEM : ESTALE);
	return w;
}

static void log_read(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	struct log_work *w = work_on(req, h);

	if (!w)
		return;
	w->size = size;
	w->offset = offset;
	run(req, w, read_work);
}

static void log_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence)
{
	struct log_work *w = work_on(req, h);

	if (!w)
		return;
	w->offset = offset;
	w->whence = whence;
	run(req, w, seek_work);
}

const struct file_class class_serial_log = {
	.measure = log_measure,
	.open = log_open,
	.read = log_read,
	.lseek = log_lseek,
};
