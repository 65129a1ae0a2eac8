/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See upload_receive.h and upload.h.
 *
 * The bytes are written directly to the partial file of the image on its backup
 * storage (image/file.h); holes stay holes. The content is compared with the name
 * as soon as enough bytes have arrived, so that the write(2) of a wrong file fails:
 * shells ignore the errors of close(2).
 */
#include "actions/image/upload_receive.h"

#include <fcntl.h>
#include <string.h>

#include "actions/engine/config.h"
#include "actions/engine/kill_point.h"
#include "actions/engine/pool_internal.h"
#include "actions/image/copies.h"
#include "actions/image/file.h"
#include "actions/image/image.h"
#include "actions/image/probe.h"
#include "actions/image/rules.h"
#include "actions/image/running_sum.h"
#include "actions/image/upload_internal.h"
#include "actions/image/upload_list.h"
#include "actions/storage/backup_storage.h"
#include "hypervisor/storage/pool.h"
#include "model/keep.h"
#include "model/states.h"

/* Bytes that may be written before the available capacity is checked again. */
#define ROOM_STEP (INT64_C(64) << 20)
/* A file up to this size, in bytes, that was not written in order is read again for its MD5. */
#define READ_FOR_SUM (INT64_C(1) << 30)
#define CHUNK	     (1 << 20)
/* Bytes that are written in order before the kernel is told to write them to the disk. */
#define WRITE_STEP (INT64_C(8) << 20)

struct receiving {
	struct job *job;
	struct upload *upload;
	const char *image;
	char *part;	  /* owned */
	char *url;	  /* of the backup storage; owned */
	int64_t reserved; /* bytes to leave free on the backup storage */
	int fd;
	struct running_sum *sum; /* owned */
	int64_t size;		 /* bytes */
	int64_t head;		 /* bytes from the start that were written without a gap */
	int64_t checked;	 /* value of `head` when the content was checked last */
	int64_t room;		 /* bytes that may be written before the capacity is checked again */
	int64_t started;	 /* bytes from the start that are on their way to the disk */
	int64_t expected;	 /* bytes that will come, of a file that is sent; 0: not known yet */
	bool changed;		 /* since the image was made */
	struct error refusal;	 /* why it cannot become an image any more */
	struct error last;	 /* why the last close did not make an image */
};

/* What the present name of the file says. */
struct claim {
	struct image_claim image;
	char *name, *url; /* owned */
};

static void claim_done(struct claim *c)
{
	free(c->name);
	free(c->url);
}

/* Of a file that is sent, the request says what it is. 1: the name is temporary and says nothing; 0, -errno. */
static int read_claim(struct receiving *r, struct claim *ret, struct error *e)
{
	const struct request *req = r->job->req;
	char file_name[UPLOAD_NAME_MAX + 1];
	int result;

	if (r->upload->sent) {
		ret->image = (struct image_claim){.format = request_str(req, "format"),
						  .media_type = request_str(req, "mediaType"),
						  .system = request_bool(req, "system", false),
						  .any_raw = request_tag(req, "ephemeral::forceRaw") != NULL};
		return 0;
	}
	pthread_mutex_lock(&r->upload->lock);
	memcpy(file_name, r->upload->file_name, sizeof(file_name));
	pthread_mutex_unlock(&r->upload->lock);
	if (upload_name_is_temporary(file_name))
		return 1;
	result = image_name_parse(file_name, &ret->name, &ret->image.format, e);
	if (result == 0 && asprintf(&ret->url, "upload://%s", file_name) < 0) {
		ret->url = NULL;
		result = error_oom(e);
	}
	ret->image.name = ret->name;
	ret->image.url = ret->url;
	return result;
}

/* Updates size and times of the upload from the file. */
static void refresh_stat(struct receiving *r)
{
	struct upload *u = r->upload;
	struct stat st;

	if (fstat(r->fd, &st) < 0)
		return;
	r->size = st.st_size;
	scoped_lock(&u->lock);
	u->st.st_size = st.st_size;
	u->st.st_blocks = st.st_blocks;
	u->st.st_mtim = st.st_mtim;
}

/* ------------------------------------------------------------------ writing */

/* Checks that there is room for @bytes more besides the reserved capacity. -ENOSPC (BS.1003). */
static int check_room(struct receiving *r, int64_t bytes, struct error *e)
{
	struct hv_capacity capacity;
	int64_t room;
	int result;

	if (bytes <= r->room) {
		r->room -= bytes;
		return 0;
	}
	result = backup_storage_capacity(r->url, &capacity, e);
	if (result < 0)
		return result;
	room = capacity.available - r->reserved;
	if (bytes > room)
		return backup_storage_refuse_image(r->url, capacity.available, r->reserved, e);
	r->room = (room < ROOM_STEP ? room : ROOM_STEP) - bytes;
	if (r->room < 0)
		r->room = 0;
	return 0;
}

static void set_made(struct receiving *r, bool made, bool closed)
{
	scoped_lock(&r->upload->lock);
	r->upload->made = made;
	r->upload->closed = closed;
	upload_save(r->upload);
}

static void set_same(struct receiving *r, const char *image)
{
	scoped_lock(&r->upload->lock);
	if (strcmp(r->upload->same, image) == 0)
		return;
	memset(r->upload->same, 0, sizeof(r->upload->same));
	snprintf(r->upload->same, sizeof(r->upload->same), "%s", image);
	upload_save(r->upload);
}

/* Before a change: fails if the content was refused; an image that was made becomes a partial file again. */
static int reopen(struct receiving *r, struct error *e)
{
	int result;

	if (error_is_set(&r->refusal))
		return error_repeat(e, &r->refusal);
	result = r->upload->made && !r->upload->same[0] ? image_copies_reopen(r->job, r->image, e) : 0;
	if (result < 0)
		return result;
	set_same(r, "");
	set_made(r, false, false);
	return 0;
}

/* Refuses the content, finally, if what has arrived of it contradicts the name. */
static int check_content(struct receiving *r, struct error *e)
{
	_cleanup_(claim_done) struct claim claim = {0};
	_cleanup_(error_done) struct error cause = ERROR_INIT;
	struct image_info info;
	const char *found;
	int result;

	if (r->head < IMAGE_HEAD_SIZE || (r->checked >= IMAGE_HEAD_SIZE && r->head < IMAGE_ISO_SIZE) ||
	    r->checked >= IMAGE_ISO_SIZE)
		return 0;
	result = read_claim(r, &claim, e);
	if (result != 0)
		return result < 0 ? result : 0;
	r->checked = r->head;
	result = image_probe(r->part, IMAGE_PROBE_PARTIAL | (claim.image.any_raw ? IMAGE_PROBE_ANY_RAW : 0),
			     &info, &cause);
	if (result == -EINVAL || result == -EOPNOTSUPP) {
		error_move(&r->refusal, &cause);
		return reopen(r, e);
	}
	if (result < 0)
		return 0; /* the close probes again */
	if (!claim.name)
		return 0;
	found = image_format_name(info.format);
	/* what may still turn out to be an ISO looks raw */
	if (strcmp(claim.image.format, "iso") == 0 && strcmp(found, "raw") == 0 && r->head < IMAGE_ISO_SIZE)
		return 0;
	(void)image_check_name(claim.image.format, found, &r->refusal);
	return error_is_set(&r->refusal) ? reopen(r, e) : 0;
}

static int write_all(int fd, const char *data, size_t length, int64_t offset, struct error *e)
{
	for (size_t written = 0; written < length;) {
		ssize_t n = pwrite(fd, data + written, length - written, offset + (int64_t)written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(e, n < 0 ? errno : ENOSPC, "cannot write the file at byte %lld: %s",
					 (long long)offset + (long long)written,
					 strerror(n < 0 ? errno : ENOSPC));
		written += (size_t)n;
	}
	return 0;
}

/* After a failed write the file is incomplete, whatever its program does next: it cannot become an image. */
static int64_t refuse(struct receiving *r, const struct error *e)
{
	if (!error_is_set(&r->refusal))
		(void)error_repeat(&r->refusal, e);
	return -e->errnum;
}

/* Where what is appended goes: where an earlier process may have put it already. */
static int64_t find_end(struct receiving *r, const struct upload_task *task)
{
	int64_t end = r->size;

	if (task->id && !keep_read(r->upload->keep, KEEP_SUBMISSION, task->id, &end, sizeof(end))) {
		(void)keep_set(r->upload->keep, KEEP_SUBMISSION, task->id, &end, sizeof(end));
		keep_flush(r->upload->keep);
	}
	return end;
}

/* The disk works while more arrives; the fsync(2) in the end says how it went. */
static void start_writing(struct receiving *r, int64_t end)
{
	if (end - r->started < WRITE_STEP)
		return;
	(void)sync_file_range(r->fd, r->started, end - r->started, SYNC_FILE_RANGE_WRITE);
	r->started = end;
}

static int64_t do_write(struct receiving *r, const struct upload_task *task, struct error *e)
{
	int64_t offset = task->append ? find_end(r, task) : task->offset;
	int result = reopen(r, e);

	if (result < 0)
		return result;
	r->changed = true;
	result = check_room(r, (int64_t)task->length, e);
	if (result == 0)
		result = write_all(r->fd, task->data, task->length, offset, e);
	refresh_stat(r);
	if (result < 0)
		return refuse(r, e);
	if (r->expected)
		job_progress(r->job, r->size < r->expected ? (int)(r->size * 100 / r->expected) : 100);
	running_sum_write(r->sum, task->data, task->length, offset);
	start_writing(r, offset + (int64_t)task->length);
	if (offset <= r->head && offset + (int64_t)task->length > r->head)
		r->head = offset + (int64_t)task->length;
	result = check_content(r, e);
	return result < 0 ? result : (int64_t)task->length;
}

static int64_t do_truncate(struct receiving *r, int64_t size, struct error *e)
{
	int result;

	if (size == r->size)
		return 0;
	result = reopen(r, e);
	if (result < 0)
		return result;
	r->changed = true;
	running_sum_cut(r->sum, size);
	if (size < r->head) {
		r->head = size;
		r->checked = 0;
	}
	if (ftruncate(r->fd, size) < 0) {
		error_set(e, errno, "cannot make the file %lld bytes long: %s", (long long)size,
			  strerror(errno));
		return refuse(r, e);
	}
	refresh_stat(r);
	return 0;
}

struct announcement {
	const char *image;
	int64_t size;
};

static int announce(struct txn *t, void *arg, struct error *e)
{
	const struct announcement *a = arg;
	struct object *image;
	int r = txn_edit(t, KIND_IMAGE, a->image, &image, e);

	if (r < 0)
		return r;
	object_set_int(image, IMAGE_ACTUAL_SIZE, a->size);
	return txn_put(t, image, NULL, e);
}

/* So many bytes will be sent: the image shows the size, quotas count it, and the room for it is occupied. */
static int64_t do_announce(struct receiving *r, int64_t size, struct error *e)
{
	struct announcement a = {.image = r->image, .size = size};
	int result;

	if (r->expected)
		return error_set(e, EBUSY, "the size of the image has been told already");
	result = check_room(r, size, e);
	if (result == 0)
		result = store_run(pool_store(r->job->pool), announce, &a, e);
	if (result < 0)
		return refuse(r, e);
	r->expected = r->room = size;
	if (fallocate(r->fd, FALLOC_FL_KEEP_SIZE, 0, size) < 0 && errno != EOPNOTSUPP) {
		error_set(e, errno, "cannot allocate %lld bytes: %s", (long long)size, strerror(errno));
		return refuse(r, e);
	}
	return 0;
}

static int64_t do_allocate(struct receiving *r, const struct upload_task *task, struct error *e)
{
	bool punches = task->mode & FALLOC_FL_PUNCH_HOLE;
	int result;

	if (r->upload->sent && task->mode == FALLOC_FL_KEEP_SIZE && task->offset == 0)
		return do_announce(r, task->extent, e);
	result = reopen(r, e);
	if (result < 0)
		return result;
	result = punches ? 0 : check_room(r, task->extent, e);
	if (result < 0)
		return result;
	r->changed = true;
	if (punches || (task->mode & FALLOC_FL_ZERO_RANGE))
		running_sum_cut(r->sum, task->offset);
	if (fallocate(r->fd, task->mode, task->offset, task->extent) < 0)
		return errno == EOPNOTSUPP ? -EOPNOTSUPP
					   : error_set(e, errno, "cannot allocate %lld bytes: %s",
						       (long long)task->extent, strerror(errno));
	refresh_stat(r);
	return 0;
}

/* ------------------------------------------------------------------ reading */

static int64_t do_read(struct receiving *r, const struct upload_task *task)
{
	ssize_t n = pread(r->fd, task->data, task->length, task->offset);

	return n < 0 ? -errno : n;
}

static int64_t do_seek(struct receiving *r, const struct upload_task *task)
{
	off_t at = lseek(r->fd, task->offset, task->mode);

	return at < 0 ? -errno : at;
}

static int64_t do_sync(struct receiving *r, struct error *e)
{
	return fsync(r->fd) == 0 ? 0
				 : error_set(e, errno, "cannot write the file to disk: %s", strerror(errno));
}

/* ----------------------------------------------------------------- the image */

/* The MD5 of the file, "" if it would take too long. */
static void find_sum(struct receiving *r, char ret_md5[RUNNING_SUM_STRLEN])
{
	struct running_sum *again;
	_cleanup_free_ char *buffer = NULL;
	int64_t offset = 0;
	ssize_t n = 1;

	ret_md5[0] = '\0';
	if (running_sum_get(r->sum, r->size, ret_md5) || r->size > READ_FOR_SUM)
		return;
	again = running_sum_new();
	buffer = malloc(CHUNK);
	while (again && buffer && offset < r->size && n > 0) {
		n = pread(r->fd, buffer, CHUNK, offset);
		if (n > 0)
			running_sum_write(again, buffer, (size_t)n, offset);
		offset += n;
	}
	if (again && !running_sum_get(again, r->size, ret_md5))
		ret_md5[0] = '\0';
	running_sum_free(again);
}

static bool writer_died(struct upload *u)
{
	scoped_lock(&u->lock);
	return writer_was_killed(&u->writer);
}

/* Have the files the same bytes? */
static bool is_same_file(int fd, const char *path)
{
	_cleanup_close_ int other = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *here = malloc(CHUNK), *there = malloc(CHUNK);
	struct stat a, b;

	if (other < 0 || !here || !there || fstat(fd, &a) < 0 || fstat(other, &b) < 0 ||
	    a.st_size != b.st_size)
		return false;
	for (off_t at = 0; at < a.st_size;) {
		ssize_t n = pread(fd, here, CHUNK, at);

		if (n <= 0 || pread(other, there, (size_t)n, at) != n || memcmp(here, there, (size_t)n) != 0)
			return false;
		at += n;
	}
	return true;
}

/* Looks for the image that a file of the same name has become, if it has the same bytes. */
static bool find_same(struct receiving *r, const char *file_name)
{
	_cleanup_view_ struct view *view = store_view(pool_store(r->job->pool));
	char image[UUID_SIZE];

	for (size_t i = 0; uploads_find_image(r->job->pool->uploads, file_name, &i, image);) {
		const struct object *ref =
			view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, image, 0);

		if (ref && is_same_file(r->fd, object_text(ref, IMAGE_REF_INSTALL_PATH))) {
			set_same(r, image);
			return true;
		}
	}
	return false;
}

/* A close: makes the image. 1; 0 if nothing has changed or the name is temporary; -errno. */
static int make(struct receiving *r, struct error *e)
{
	_cleanup_(claim_done) struct claim claim = {0};
	char md5[RUNNING_SUM_STRLEN];
	int result;

	if (error_is_set(&r->refusal))
		return reopen(r, e);
	if (!r->changed || r->size == 0)
		return 0; /* a shell closes copies of the descriptor before it starts to write */
	if (r->expected && r->size != r->expected)
		return error_set(e, ECANCELED, "%lld bytes of an image of %lld have arrived",
				 (long long)r->size, (long long)r->expected);
	result = read_claim(r, &claim, e);
	if (result < 0)
		return result;
	if (result > 0) {
		if (!writer_died(r->upload))
			set_made(r, false, true);
		return 0;
	}
	if (writer_died(r->upload))
		return error_set(e, ECANCELED, "the program that wrote '%s' was killed",
				 request_str(r->job->req, "url") + strlen("upload://"));
	if (claim.url && find_same(r, claim.url + strlen("upload://"))) {
		r->changed = false;
		set_made(r, true, false);
		return 1;
	}
	find_sum(r, md5);
	result = image_copies_adopt(r->job, r->image, &claim.image, md5, e);
	if (result < 0)
		return result;
	r->changed = false;
	set_made(r, true, false);
	return 1;
}

static int64_t do_close(struct receiving *r, const struct upload_task *task, struct error *e)
{
	struct upload *u = r->upload;
	int result = make(r, e);

	error_done(&r->last);
	if (result < 0)
		(void)error_repeat(&r->last, e);
	if (task->former[0]) {
		scoped_lock(&u->lock);
		if (result < 0)
			snprintf(u->file_name, sizeof(u->file_name), "%s", task->former);
		memcpy(u->kept_name, u->file_name, sizeof(u->kept_name));
		upload_save(u);
	}
	return result;
}

static void perform(struct receiving *r, struct upload_task *task)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool begins;
	int64_t result = 0;

	/* what is kept of this becomes valid with the answer */
	begins = keep_begin(r->upload->keep);
	switch (task->verb) {
	case UPLOAD_BEGIN:
		break;
	case UPLOAD_READ:
		result = do_read(r, task);
		break;
	case UPLOAD_WRITE:
		result = do_write(r, task, &e);
		break;
	case UPLOAD_TRUNCATE:
		result = do_truncate(r, task->offset, &e);
		break;
	case UPLOAD_ALLOCATE:
		result = do_allocate(r, task, &e);
		break;
	case UPLOAD_SEEK:
		result = do_seek(r, task);
		break;
	case UPLOAD_SYNC:
		result = do_sync(r, &e);
		break;
	case UPLOAD_CLOSE:
		result = do_close(r, task, &e);
		break;
	}
	upload_answer(task, result, error_is_set(&e) ? &e : NULL);
	if (begins)
		keep_commit(r->upload->keep);
}

/* ------------------------------------------------------------------ the job */

/* Opens the file where the process before this one has left it; a new one, if it had not begun. */
static int open_again(struct receiving *r, const struct view *view, const struct object *bs,
		      const struct object *ref, struct error *e)
{
	const struct object *image = view_get(view, KIND_IMAGE, r->image);
	bool made = image && object_str_is(image, IMAGE_STATUS, STATUS_READY);
	const char *path = made ? image_file_path(ref) : r->part;

	/* it may have been on its way from partial file to image */
	if (!made && access(r->part, F_OK) < 0)
		(void)image_file_unpublish(bs, r->image, r->part);
	r->fd = path ? open(path, O_RDWR | (made ? 0 : O_CREAT) | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	if (r->fd < 0)
		return error_set(e, path ? errno : ENOENT, "cannot open the file of the upload again: %s",
				 strerror(path ? errno : ENOENT));
	running_sum_lose(r->sum);
	refresh_stat(r);
	r->changed = !made && r->size;
	if (image && r->upload->sent)
		r->expected = r->room = object_int(image, IMAGE_ACTUAL_SIZE);
	pthread_mutex_lock(&r->upload->lock);
	r->upload->made = made || r->upload->same[0];
	pthread_mutex_unlock(&r->upload->lock);
	return 0;
}

/* Creates the partial file, if there is room for anything. */
static int begin(struct receiving *r, bool resumes, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(pool_store(r->job->pool));
	const struct object *ref = view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, r->image, 0);
	const struct object *bs =
		ref ? view_get(view, KIND_BACKUP_STORAGE, object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID))
		    : NULL;
	int result;

	if (!bs)
		return error_set(e, ENOENT, "the backup storage of the upload is gone");
	r->reserved = config_int(view, "backupStorage.reservedCapacity");
	r->url = strdup(object_text(bs, BACKUP_STORAGE_URL));
	r->part = image_file_part_path(bs, r->image);
	r->sum = running_sum_new();
	if (!r->url || !r->part || !r->sum)
		return error_oom(e);
	if (resumes)
		return open_again(r, view, bs, ref, e);
	result = check_room(r, 1, e);
	if (result < 0)
		return result;
	r->fd = open(r->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r->fd < 0)
		return error_set(e, errno, "cannot create '%s': %s", r->part, strerror(errno));
	kill_point("upload-begun");
	return 0;
}

/* Why the upload ended without an image. */
static int report(struct receiving *r, enum upload_event event, struct error *e)
{
	const struct error *cause = error_is_set(&r->refusal) ? &r->refusal : &r->last;

	if (event == UPLOAD_STOP)
		return job_stop_reason(r->job, e);
	if (error_is_set(cause))
		return error_repeat(e, cause);
	if (r->upload->awaited)
		return error_set(e, ETIMEDOUT, "nothing was sent within %d seconds", UPLOAD_IDLE_S);
	if (!r->changed)
		return error_set(e, ECANCELED, "the file was closed before anything was written");
	return error_set(e, ECANCELED, "the upload was interrupted after %lld bytes, nothing of it is kept",
			 (long long)r->size);
}

static int receive(struct receiving *r, bool resumes, struct error *e)
{
	struct upload_task *task;
	enum upload_event event;
	int result = begin(r, resumes, e);

	if (result < 0)
		return result;
	while ((event = upload_wait(r->upload, r->job, &task)) == UPLOAD_TASK)
		perform(r, task);
	return r->upload->made ? 0 : report(r, event, e);
}

int upload_receive(struct job *job, bool resumes, char ret_same[UUID_SIZE], struct error *e)
{
	struct receiving r = {.job = job, .image = job->req->target, .fd = -1};
	_cleanup_(upload_unref_p) struct upload *u = uploads_of_image(job->pool->uploads, r.image);
	_cleanup_(error_done) struct error end = ERROR_INIT;
	int result;

	r.upload = u;
	result = u ? receive(&r, resumes, e)
		   : error_set_code(e, EINTR, "SYS.1000",
				    "the daemon ended before the upload began, nothing of it is kept");
	if (r.fd >= 0)
		(void)close(r.fd);
	snprintf(ret_same, UUID_SIZE, "%s", u && result == 0 ? u->same : "");
	if (result < 0 || *ret_same)
		(void)image_remove_copies(job->pool, r.image, NULL, false, NULL);
	if (result < 0 && e)
		error_set(&end, -result, "%s", error_sentence(e));
	if (u && result == 0)
		upload_finish(u);
	if (u)
		upload_end(u, &end);
	running_sum_free(r.sum);
	error_done(&r.refusal);
	error_done(&r.last);
	free(r.part);
	free(r.url);
	return result;
}
