/* SPDX-License-Identifier: Apache-2.0 */
/* See upload.h. */
#include "fs/class/upload.h"

#include <string.h>

#include "actions/engine/result.h"
#include "actions/engine/thread_status.h"
#include "actions/image/upload.h"
#include "actions/image/upload_list.h"
#include "actions/image/upload_create.h"
#include "actions/image/writer.h"
#include "fs/class/data.h"
#include "fs/tell/last_error.h"
#include "fs/tell/refusal.h"
#include "fs/tree/permissions.h"
#include "fs/tree/repeat.h"
#include "fs/tree/reply.h"
#include "model/keep.h"
#include "model/states.h"

/* -------------------------------------------------------------- the directory */

_Static_assert(UPLOAD_NAME_MAX < NAME_SIZE, "the name of an upload must fit a name of the tree");

static struct node upload_node(const struct upload *u)
{
	return (struct node){.class = N_UPLOAD, .row = upload_number(u)};
}

bool uploads_here(const struct place *dir)
{
	return dir->kind && dir->kind->id == KIND_IMAGE;
}

bool upload_find(const struct place *dir, const char *name, struct node *ret)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_find(dir->fs->uploads, name);

	if (u)
		*ret = upload_node(u);
	return u != NULL;
}

int64_t upload_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_next(dir->fs->uploads, after, ret_name);

	if (!u)
		return 0;
	*ret = upload_node(u);
	return upload_number(u);
}

static int upload_is_here(const struct fs *fs, struct node node, struct node *ret_base)
{
	_cleanup_(upload_unref_p) struct upload *u = NULL;

	(void)ret_base;
	if (node.kind != KIND_NONE || node.index)
		return -ENOENT;
	u = uploads_get(fs->uploads, node.row);
	return u ? 0 : -ESTALE;
}

/* The upload of a file, with a reference for the caller; NULL: it has ended. */
static struct upload *upload_of(const struct place *p)
{
	if (p->node.class == N_UPLOAD)
		return uploads_get(p->fs->uploads, p->node.row);
	return p->object ? uploads_of_image(p->fs->uploads, object_text(p->object, JOB_RESOURCE_UUID)) : NULL;
}

/* Never listed: the name is a secret. */
bool sent_images_find(const struct place *dir, const char *name, struct node *ret)
{
	const struct object *job = view_get(dir->view, KIND_JOB, name);
	_cleanup_(upload_unref_p) struct upload *u = NULL;

	if (!job || !object_str_is(job, JOB_SOURCE, "upload") ||
	    job_state_is_final(object_text(job, JOB_STATE)))
		return false;
	u = uploads_of_image(dir->fs->uploads, object_text(job, JOB_RESOURCE_UUID));
	if (!u || !upload_is_sent(u))
		return false;
	*ret = (struct node){.kind = KIND_JOB, .row = job->id, .class = N_SENT_IMAGE};
	return true;
}

static int upload_attributes(const struct place *p, struct stat *ret)
{
	_cleanup_(upload_unref_p) struct upload *u = upload_of(p);
	struct stat st;

	if (!u)
		return -ESTALE;
	upload_stat(u, &st);
	stat_fill(p->fs, p->node, p->node.class == N_UPLOAD ? st.st_mode : place_mode(p), (size_t)st.st_size,
		  0, ret);
	ret->st_uid = st.st_uid;
	ret->st_gid = st.st_gid;
	ret->st_blocks = st.st_blocks;
	ret->st_mtim = ret->st_ctim = ret->st_atim = st.st_mtim;
	return 0;
}

mode_t uploads_permissions(const struct place *p)
{
	/* Who can read a directory can watch it, and sees the names of all files. */
	return p->fs->has_others ? 01733 : 0755;
}

mode_t upload_permissions(const struct place *p)
{
	struct stat st;

	return p->node.row && upload_attributes(p, &st) == 0 ? st.st_mode & 07777 : 0600;
}

/* ------------------------------------------------------------------ requests */

/* A request that is parked. */
struct call {
	struct upload_task task; /* must be the first member */
	fuse_req_t req;
	const struct fs *fs;
	struct upload *upload; /* a reference */
	uid_t uid;
	struct caller caller; /* for creation and open; `account` is not valid */
	/* for creation, open and attributes */
	struct node node;
	struct fuse_file_info fi;
	bool creates, writes; /* counted as a writer, see upload_open() */
	char bytes[];	      /* read or written */
};

static struct call *call_new(fuse_req_t req, struct upload *u, enum upload_verb verb, upload_done_fn *done,
			     size_t bytes)
{
	struct call *c = malloc(sizeof(*c) + bytes);

	if (!c) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	*c = (struct call){.task = {.verb = verb, .length = bytes, .done = done, .arg = req},
			   .req = req,
			   .fs = fuse_req_userdata(req),
			   .upload = u ? upload_ref(u) : NULL,
			   .uid = fuse_req_ctx(req)->uid};
	c->task.data = c->bytes;
	return c;
}

static void call_free(struct call *c)
{
	upload_unref(c->upload);
	free(c);
}

static void note(const struct call *c, const struct error *e)
{
	last_error_set(c->fs->errors, c->uid, NULL, e);
}

/* Answers the request if it has failed; true if so. */
static bool has_failed(struct call *c, int64_t result, const struct error *e)
{
	if (result >= 0)
		return false;
	if (e) {
		note(c, e);
		last_error_told(c->fs->errors, upload_target(c->upload));
	}
	fuse_reply_err(c->req, (int)-result);
	return true;
}

/* Queues a call on the upload it names. */
static void queue(struct call *c)
{
	upload_do(c->upload, &c->task);
}

/* ----------------------------------------------------------------- creation, open */

static bool writes(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY;
}

static void state_free(void *upload)
{
	upload_unref(upload);
}

/* The process that makes a request; 0 if it is in no PID namespace of ours. */
static pid_t process_of(fuse_req_t req)
{
	const pid_t thread = fuse_req_ctx(req)->pid;

	return thread ? (pid_t)thread_status_number(thread, "\nTgid:", 10) : 0;
}

/* Puts a handle with the call's opened upload into the table. */
static int add_handle(struct call *c, const struct place *p)
{
	_cleanup_handle_ struct handle *h = handle_new(c->node, place_mode(p), p->view, &p->caller);
	int r;

	if (!h)
		return -ENOMEM;
	h->state = upload_ref(c->upload);
	h->state_free = state_free;
	h->writes = c->writes;
	h->opener = process_of(c->req);
	h->start = upload_id(c->upload);
	r = handles_add(c->fs->handles, h);
	if (r == 0)
		c->fi.fh = h->number;
	return r;
}

/* The end of a creation or an open, after the upload has begun or was truncated. */
static void opened(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;
	_cleanup_view_ struct view *view = store_view(c->fs->store);
	struct fuse_entry_param entry;
	bool begins = keep_begin(c->fs->keep);
	struct place p;
	int r = 0;

	place_init(c->fs, view, c->node, &p);
	p.caller = c->caller;
	if (!has_failed(c, result, e)) {
		if (c->creates)
			r = entry_fill(&p, &entry);
		if (r == 0)
			r = add_handle(c, &p);
		if (r < 0)
			fuse_reply_err(c->req, -r);
		else if ((c->creates ? fuse_reply_create(c->req, &entry, &c->fi)
				     : fuse_reply_open(c->req, &c->fi)) == -ENOENT) {
			handles_remove(c->fs->handles, c->fi.fh); /* interrupted: there will be no release */
			r = -EINTR;
		}
	} else {
		r = (int)result;
	}
	if (begins)
		keep_commit(c->fs->keep);
	if (r < 0)
		upload_close(c->upload, c->writes);
	call_free(c);
}

/*
 * A creation that waits for its job to start is cancelled if its program is killed. Other signals do not
 * interrupt open(2) of a file.
 */
static void interrupted(fuse_req_t req, void *arg)
{
	const struct fs *fs = arg;
	struct upload_task *task = NULL;

	if (thread_is_dying(fuse_req_ctx(req)->pid))
		task = uploads_withdraw(fs->uploads, req);
	if (task)
		opened(task, -EINTR, NULL);
}

/* Creates an upload; or goes on with the one that this request has created in the process before this one. */
static int begin(struct call *c, const struct fs *fs, const char *name, const char *account, mode_t mode,
		 int64_t reused, struct error *e)
{
	int64_t id;

	if (repeat_is() && keep_read(fs->keep, KEEP_SUBMISSION, repeat_unique(), &id, sizeof(id))) {
		c->upload = uploads_find_id(fs->uploads, id);
		if (c->upload) {
			c->node.row = upload_number(c->upload);
			upload_revive(c->upload, true);
			queue(c);
			return 0;
		}
	}
	id = uploads_reserve(fs->uploads);
	(void)keep_set(fs->keep, KEEP_SUBMISSION, repeat_unique(), &id, sizeof(id));
	return upload_create(fs->uploads, name, c->uid, account, mode, reused, id, &c->task, &c->upload,
			     &c->node.row, e);
}

static void upload_file_create(fuse_req_t req, const struct place *dir, const char *name, mode_t mode,
			       struct fuse_file_info *fi)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct call *c = call_new(req, NULL, UPLOAD_BEGIN, opened, 0);
	int r;

	if (!c)
		return;
	c->creates = c->writes = true;
	c->caller = dir->caller;
	c->node.class = N_UPLOAD;
	c->fi = *fi;
	c->fi.fh = 0;
	c->fi.direct_io = 1;
	fuse_req_interrupt_func(req, interrupted, (void *)(uintptr_t)dir->fs);
	r = begin(c, dir->fs, name, dir->caller.account, mode, 0, &e);
	if (r < 0) {
		refusal_reply_error(req, r, &e);
		call_free(c);
	}
}

/* Opens the image that a finished upload has become. */
static void read_image(fuse_req_t req, const struct place *p, const char *uuid, struct fuse_file_info *fi)
{
	const struct object *image = view_get(p->view, KIND_IMAGE, uuid);
	struct place data;
	int r;

	if (!image) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	place_init(p->fs, p->view, (struct node){.kind = KIND_IMAGE, .row = image->id, .class = N_DATA},
		   &data);
	data.caller = p->caller;
	/* The image may be another account's by now. */
	r = place_check(&data);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		class_data.open(req, &data, fi);
}

/* Writes a finished upload anew. */
static void write_anew(fuse_req_t req, const struct place *p, const char *name, struct fuse_file_info *fi)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct call *c;
	int r;

	if (!(fi->flags & O_TRUNC)) {
		error_set(
			&e, EBUSY,
			"'%s' has become an image; write it anew from its start (O_TRUNC), or remove it before",
			name);
		refusal_reply_error(req, -EBUSY, &e);
		return;
	}
	c = call_new(req, NULL, UPLOAD_BEGIN, opened, 0);
	if (!c)
		return;
	c->writes = true;
	c->caller = p->caller;
	c->node = p->node;
	c->fi = *fi;
	c->fi.direct_io = 1;
	r = begin(c, p->fs, name, p->caller.account, place_mode(p) & 0777, p->node.row, &e);
	if (r < 0) {
		refusal_reply_error(req, r, &e);
		call_free(c);
	}
}

/* Opens a file whose upload (NULL: it has ended) goes on. */
static void open_begun(fuse_req_t req, const struct place *p, struct upload *u, struct fuse_file_info *fi)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct call *c;
	int r = u ? upload_open(u, writes(fi), &e) : -ESTALE;

	if (r < 0) {
		refusal_reply_error(req, r, &e);
		return;
	}
	c = call_new(req, u, UPLOAD_TRUNCATE, opened, 0);
	if (!c) {
		upload_close(u, writes(fi));
		return;
	}
	c->node = p->node;
	c->caller = p->caller;
	c->writes = writes(fi);
	c->fi = *fi;
	c->fi.direct_io = 1;
	c->fi.noflush = !writes(fi);
	if (fi->flags & O_TRUNC)
		queue(c);
	else
		opened(&c->task, 0, NULL);
}

static void upload_file_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	_cleanup_(upload_unref_p) struct upload *u = upload_of(p);
	char image[UUID_SIZE], name[UPLOAD_NAME_MAX + 1];

	if (!u || !upload_is_finished(u, image, name))
		open_begun(req, p, u, fi);
	else if (writes(fi))
		write_anew(req, p, name, fi);
	else
		read_image(req, p, image, fi);
}

static void sent_image_open(fuse_req_t req, const struct place *p, struct fuse_file_info *fi)
{
	_cleanup_(upload_unref_p) struct upload *u = upload_of(p);

	open_begun(req, p, u, fi);
}

/* The end of an upload at the last close of all: no program waits for it, so a failure is in last-error only. */
static void was_released(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;
	bool begins = keep_begin(c->fs->keep);

	if (result > 0 || (result < 0 && e))
		note(c, result < 0 ? e : NULL);
	handles_remove(c->fs->handles, c->fi.fh);
	fuse_reply_err(c->req, 0);
	if (begins)
		keep_commit(c->fs->keep);
	upload_close(c->upload, c->writes);
	call_free(c);
}

static bool upload_file_release_later(fuse_req_t req, struct handle *h)
{
	struct call *c;

	if (!h->state || !h->close_pending)
		return false;
	c = malloc(sizeof(*c));
	if (!c)
		return false;
	*c = (struct call){.task = {.verb = UPLOAD_CLOSE, .done = was_released},
			   .req = req,
			   .fs = fuse_req_userdata(req),
			   .upload = upload_ref(h->state),
			   .uid = h->caller.uid,
			   .fi = {.fh = h->number},
			   .writes = h->writes};
	queue(c);
	return true;
}

static void upload_file_revive(const struct fs *fs, struct handle *h)
{
	struct upload *u = uploads_find_id(fs->uploads, h->start);

	if (!u)
		return; /* it has ended */
	upload_revive(u, h->writes);
	h->state = u;
	h->state_free = state_free;
}

static void upload_file_release(const struct fs *fs, struct handle *h)
{
	(void)fs;
	if (h->state)
		upload_close(h->state, h->writes);
}

/* Answers a request on a file whose upload ended with the process before this one; true if so. */
static bool is_gone(fuse_req_t req, const struct handle *h)
{
	if (!h->state)
		fuse_reply_err(req, ESTALE);
	return !h->state;
}

/* ----------------------------------------------------------- reading, writing */

static void was_read(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;

	if (!has_failed(c, result, e))
		fuse_reply_buf(c->req, c->bytes, (size_t)result);
	call_free(c);
}

static void upload_file_read(fuse_req_t req, struct handle *h, size_t size, off_t offset)
{
	struct call *c = is_gone(req, h) ? NULL : call_new(req, h->state, UPLOAD_READ, was_read, size);

	if (!c)
		return;
	c->task.offset = offset;
	queue(c);
}

static void was_sought(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;

	if (!has_failed(c, result, e))
		fuse_reply_lseek(c->req, result);
	call_free(c);
}

static void upload_file_lseek(fuse_req_t req, struct handle *h, off_t offset, int whence)
{
	struct call *c = is_gone(req, h) ? NULL : call_new(req, h->state, UPLOAD_SEEK, was_sought, 0);

	if (!c)
		return;
	c->task.offset = offset;
	c->task.mode = whence;
	queue(c);
}

static void was_written(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;

	if (!has_failed(c, result, e))
		fuse_reply_write(c->req, (size_t)result);
	call_free(c);
}

/* The kernel allows one write(2) of a file at a time, so each upload has at most one in memory. */
static void upload_file_write(fuse_req_t req, const struct place *p, struct handle *h, const char *data,
			      size_t size, off_t offset, int flags)
{
	struct call *c = is_gone(req, h) ? NULL : call_new(req, h->state, UPLOAD_WRITE, was_written, size);

	(void)p;
	if (!c)
		return;
	memcpy(c->bytes, data, size);
	c->task.offset = offset;
	c->task.append = flags & O_APPEND;
	c->task.id = repeat_unique();
	h->written = true;
	upload_note_writer(h->state, fuse_req_ctx(req)->pid);
	queue(c);
}

/* The end of requests that are answered by success or failure alone. */
static void was_done(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;

	if (!has_failed(c, result, e))
		fuse_reply_err(c->req, 0);
	call_free(c);
}

static void was_closed(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;

	if (result > 0)
		note(c, NULL);
	was_done(task, result, e);
}

static void upload_file_allocate(fuse_req_t req, struct handle *h, int mode, off_t offset, off_t length)
{
	struct call *c = is_gone(req, h) ? NULL : call_new(req, h->state, UPLOAD_ALLOCATE, was_done, 0);

	if (!c)
		return;
	c->task.offset = offset;
	c->task.extent = length;
	c->task.mode = mode;
	queue(c);
}

/*
 * Does this close end the upload? Each program of a shell's group, { a; b; } > file, closes the file that the shell has
 * opened: as long as the shell has not, there is more to come. The shell closes it for the first time before anything is
 * written, when it has made it its standard output; a program may also close it for good before its child writes, which
 * looks the same. So a close that seems not to be the last one is made up for at the release.
 */
static bool is_last_close(fuse_req_t req, struct handle *h)
{
	const pid_t process = process_of(req);

	if (!process || !h->opener || process == h->opener)
		h->opener_closed = h->written;
	else if (!h->opener_closed) {
		h->close_pending = h->written;
		return false;
	}
	h->close_pending = false;
	return true;
}

/* The other class: the image that it has become. */
static bool is_upload(const struct handle *h)
{
	return h->node.class == N_UPLOAD || h->node.class == N_SENT_IMAGE;
}

static void upload_file_flush(fuse_req_t req, const struct place *p, struct handle *h)
{
	struct call *c;

	(void)p;
	if (!is_upload(h) || !is_last_close(req, h)) {
		fuse_reply_err(req, 0);
		return;
	}
	c = is_gone(req, h) ? NULL : call_new(req, h->state, UPLOAD_CLOSE, was_closed, 0);
	if (c)
		queue(c);
}

static void upload_file_fsync(fuse_req_t req, const struct place *p, struct handle *h)
{
	struct call *c;

	(void)p;
	if (!h || !is_upload(h)) {
		fuse_reply_err(req, 0);
		return;
	}
	c = is_gone(req, h) ? NULL : call_new(req, h->state, UPLOAD_SYNC, was_done, 0);
	if (c)
		queue(c);
}

/* --------------------------------------------------------------- attributes */

static void reply_upload_attributes(fuse_req_t req, const struct fs *fs, struct node node)
{
	_cleanup_view_ struct view *view = store_view(fs->store);
	struct place p;
	struct stat st;
	int r;

	place_init(fs, view, node, &p);
	r = upload_attributes(&p, &st);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, 0);
}

static void was_cut(struct upload_task *task, int64_t result, const struct error *e)
{
	struct call *c = (struct call *)task;

	if (!has_failed(c, result, e))
		reply_upload_attributes(c->req, c->fs, c->node);
	call_free(c);
}

/* All attributes that tools copy from the file they upload are accepted; they end with the upload. */
static void set_stat(struct upload *u, const struct stat *attr, int to_set)
{
	int64_t now = store_now();
	struct stat st;

	upload_stat(u, &st);
	if (to_set & FUSE_SET_ATTR_MODE)
		st.st_mode = attr->st_mode;
	if (to_set & FUSE_SET_ATTR_UID)
		st.st_uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		st.st_gid = attr->st_gid;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		st.st_mtim = (struct timespec){now / NS_PER_S, now % NS_PER_S};
	else if (to_set & FUSE_SET_ATTR_MTIME)
		st.st_mtim = attr->st_mtim;
	upload_set_stat(u, &st);
}

static void upload_file_setattr(fuse_req_t req, const struct place *p, const struct stat *attr, int to_set)
{
	_cleanup_(upload_unref_p) struct upload *u = upload_of(p);
	struct stat present;
	struct call *c;

	if (!u) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	upload_stat(u, &present);
	set_stat(u, attr, to_set);
	if ((to_set & FUSE_SET_ATTR_SIZE) && attr->st_size == present.st_size)
		to_set &= ~FUSE_SET_ATTR_SIZE;
	if (!(to_set & FUSE_SET_ATTR_SIZE)) {
		reply_upload_attributes(req, p->fs, p->node);
		return;
	}
	c = call_new(req, u, UPLOAD_TRUNCATE, was_cut, 0);
	if (!c)
		return;
	c->node = p->node;
	c->task.offset = attr->st_size;
	queue(c);
}

/* -------------------------------------------------------------------- names */

static void upload_file_unlink(fuse_req_t req, const struct place *dir, const char *name,
			       const struct place *p)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_get(p->fs->uploads, p->node.row);

	(void)dir;
	(void)name;
	if (u)
		upload_remove(u);
	fuse_reply_err(req, u ? 0 : ENOENT);
}

static void upload_file_rename(fuse_req_t req, const struct place *dir, const char *name,
			       const struct place *p, fuse_ino_t to, const char *to_name, unsigned flags)
{
	_cleanup_(upload_unref_p) struct upload *u = uploads_get(p->fs->uploads, p->node.row);
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct call *c = u ? call_new(req, u, UPLOAD_CLOSE, was_closed, 0) : NULL;
	int r;

	/* It stays in its directory, and upload_rename() never replaces a file. */
	(void)dir;
	(void)name;
	(void)to;
	(void)flags;
	if (!u)
		fuse_reply_err(req, ENOENT);
	if (!c)
		return;
	r = upload_rename(u, to_name, &c->task, &e);
	if (r < 0) {
		refusal_reply_error(req, r, &e);
		call_free(c);
	}
}

const struct file_class class_upload = {
	.is_here = upload_is_here,
	.stat = upload_attributes,
	.open = upload_file_open,
	.read = upload_file_read,
	.lseek = upload_file_lseek,
	.write = upload_file_write,
	.maps = true,
	.fallocate = upload_file_allocate,
	.flush = upload_file_flush,
	.fsync = upload_file_fsync,
	.revive = upload_file_revive,
	.by_handle = true,
	.setattr = upload_file_setattr,
	.release_later = upload_file_release_later,
	.release = upload_file_release,
	.create = upload_file_create,
	.unlink = upload_file_unlink,
	.rename = upload_file_rename,
};

/* Whoever knows the name may write the file once; the mode lets only the administrator read it. */
const struct file_class class_sent_image = {
	.stat = upload_attributes,
	.open = sent_image_open,
	.read = upload_file_read,
	.write = upload_file_write,
	.fallocate = upload_file_allocate,
	.flush = upload_file_flush,
	.fsync = upload_file_fsync,
	.revive = upload_file_revive,
	.by_handle = true,
	.release_later = upload_file_release_later,
	.release = upload_file_release,
};
