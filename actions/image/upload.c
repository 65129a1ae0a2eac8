/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One upload: its queue of tasks, its attributes, what is kept of it. See upload.h; upload_receive.c does the work on
 * its file.
 */
#include "actions/image/upload.h"

#include <string.h>
#include <time.h>

#include "actions/engine/pool_internal.h"
#include "actions/engine/result.h"
#include "actions/image/file.h"
#include "actions/image/upload_internal.h"
#include "model/clock.h"
#include "model/keep.h"

/* How often a job that waits for a task checks whether it should stop. */
#define CHECK_NS 200000000

struct kept_upload {
	int64_t number, mtime;
	uint32_t uid, gid, mode, writer;
	uint8_t closed, removed, done, sent; /* sent: an enum sent */
	char image[UUID_SIZE], same[UUID_SIZE], name[UPLOAD_NAME_MAX + 1];
};
enum sent { SENT_NOT, SENT_AWAITED, SENT_ARRIVING };
_Static_assert(sizeof(struct kept_upload) == 360 && KEEP_LAYOUT == 2, KEEP_LAYOUT_CHANGED);

/* ----------------------------------------------------------------------- life */

static void upload_destroy(struct ref *self)
{
	struct upload *u = (struct upload *)self;

	writer_done(&u->writer);
	error_done(&u->end);
	pthread_cond_destroy(&u->wake);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

struct upload *upload_ref(struct upload *u)
{
	ref_get(&u->ref);
	return u;
}

void upload_unref(struct upload *u)
{
	ref_put((struct ref *)u);
}

struct upload *upload_new(struct uploads *uploads, struct pool *pool, const char *name, const char *image,
			  int64_t id, uid_t uid, mode_t mode)
{
	struct upload *u = calloc(1, sizeof(*u));
	int64_t now = store_now();

	if (!u)
		return NULL;
	ref_init(&u->ref, upload_destroy);
	u->uploads = uploads;
	u->id = id;
	u->keep = pool->keep;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->wake, NULL);
	u->tail = &u->head;
	u->writer = WRITER_INIT;
	u->opens = u->writers = 1;
	u->used = clock_monotonic();
	u->st = (struct stat){.st_mode = S_IFREG | (mode & UPLOAD_MODE),
			      .st_uid = uid,
			      .st_gid = getegid(),
			      .st_mtim = {now / NS_PER_S, now % NS_PER_S}};
	snprintf(u->image, sizeof(u->image), "%s", image);
	snprintf(u->file_name, sizeof(u->file_name), "%s", name);
	memcpy(u->kept_name, u->file_name, sizeof(u->kept_name));
	return u;
}

void upload_await(struct upload *u)
{
	u->sent = u->awaited = true;
	u->writers = 0;
}

/* ----------------------------------------------------------------------- keep */

void upload_save(const struct upload *u)
{
	struct kept_upload kept;

	if (!u->keep)
		return;
	memset(&kept, 0, sizeof(kept));
	kept.number = u->number;
	kept.mtime = u->st.st_mtim.tv_sec * NS_PER_S + u->st.st_mtim.tv_nsec;
	kept.uid = u->st.st_uid;
	kept.gid = u->st.st_gid;
	kept.mode = u->st.st_mode;
	kept.writer = (uint32_t)u->writer.thread;
	kept.closed = u->closed;
	kept.removed = u->removed;
	kept.done = u->done;
	kept.sent = !u->sent ? SENT_NOT : u->awaited ? SENT_AWAITED : SENT_ARRIVING;
	memcpy(kept.image, u->image, sizeof(kept.image));
	memcpy(kept.same, u->same, sizeof(kept.same));
	memcpy(kept.name, u->kept_name, sizeof(kept.name));
	(void)keep_set(u->keep, KEEP_UPLOAD, (uint64_t)u->id, &kept, sizeof(kept));
}

/* Has it a job that has not ended? */
static bool has_job(const struct view *view, const char *image)
{
	view_for_each_where (job, view, KIND_JOB, JOB_RESOURCE_UUID, image)
		if (!job_state_is_final(object_text(job, JOB_STATE)))
			return true;
	return false;
}

/* The size of its file, which may be a partial one or that of the image. */
static void load_size(struct upload *u, const struct view *view)
{
	const struct object *ref =
		view_next_where(view, KIND_IMAGE_REF, IMAGE_REF_IMAGE_UUID, upload_image(u), 0);
	const struct object *bs =
		ref ? view_get(view, KIND_BACKUP_STORAGE, object_str(ref, IMAGE_REF_BACKUP_STORAGE_UUID))
		    : NULL;
	const char *path = ref ? image_file_path(ref) : NULL;
	_cleanup_free_ char *part = bs ? image_file_part_path(bs, upload_image(u)) : NULL;
	struct stat st;

	if ((!path || stat(path, &st) < 0) && (!part || stat(part, &st) < 0))
		return;
	u->st.st_size = st.st_size;
	u->st.st_blocks = st.st_blocks;
}

int upload_load(struct uploads *uploads, struct pool *pool, const struct view *view, int64_t id,
		struct upload **ret)
{
	struct kept_upload kept;
	struct upload *u;

	if (!keep_read(pool->keep, KEEP_UPLOAD, (uint64_t)id, &kept, sizeof(kept)))
		return 0;
	if (!kept.done && !has_job(view, kept.image)) {
		/* it had ended, or its job was never written */
		keep_remove(pool->keep, KEEP_UPLOAD, (uint64_t)id);
		return 0;
	}
	u = upload_new(uploads, pool, kept.name, kept.image, id, kept.uid, kept.mode);
	if (!u)
		return -ENOMEM;
	u->number = kept.number;
	u->opens = u->writers = 0;
	u->st.st_gid = kept.gid;
	u->st.st_mtim = (struct timespec){kept.mtime / NS_PER_S, kept.mtime % NS_PER_S};
	u->closed = kept.closed;
	u->removed = kept.removed;
	u->done = u->made = kept.done;
	u->sent = kept.sent != SENT_NOT;
	u->awaited = kept.sent == SENT_AWAITED;
	u->is_held = true;
	memcpy(u->same, kept.same, sizeof(u->same));
	if (kept.writer)
		writer_note(&u->writer, (pid_t)kept.writer);
	load_size(u, view);
	*ret = u;
	return 0;
}

/* ---------------------------------------------------------------------- tasks */

void upload_answer(struct upload_task *task, int64_t result, const struct error *e)
{
	task->done(task, result, e);
}

static void answer_all(struct upload_task *list, const struct error *e)
{
	while (list) {
		struct upload_task *task = list;

		list = task->next;
		upload_answer(task, -e->errnum, e);
	}
}

void upload_push(struct upload *u, struct upload_task *task)
{
	task->next = NULL;
	*u->tail = task;
	u->tail = &task->next;
	pthread_cond_signal(&u->wake);
}

int upload_error_ended(const struct upload *u, struct error *e)
{
	return error_set(e, ESTALE, "the upload of '%s' has ended", u->file_name);
}

void upload_do(struct upload *u, struct upload_task *task)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool ended;

	pthread_mutex_lock(&u->lock);
	u->used = clock_monotonic();
	ended = u->ended;
	if (ended)
		(void)error_repeat(&e, &u->end);
	else
		upload_push(u, task);
	pthread_mutex_unlock(&u->lock);
	if (ended)
		upload_answer(task, -e.errnum, &e);
}

void upload_end(struct upload *u, const struct error *e)
{
	struct upload_task *list = NULL;

	pthread_mutex_lock(&u->lock);
	if (!u->ended) {
		u->ended = true;
		if (error_is_set(e))
			(void)error_repeat(&u->end, e);
		else
			(void)error_set(&u->end, ESTALE, "the upload has ended");
		list = u->head;
		u->head = NULL;
		u->tail = &u->head;
	}
	pthread_mutex_unlock(&u->lock);
	answer_all(list, &u->end); /* does not change any more, so it needs no lock */
}

/* Call with the lock held. */
static bool is_finished(const struct upload *u)
{
	if (u->is_held)
		return false;
	if (u->removed)
		return true;
	return !u->head && !u->opens &&
	       (!(u->awaited || upload_name_is_temporary(u->file_name)) ||
		clock_monotonic() - u->used > UPLOAD_IDLE_S * NS_PER_S);
}

enum upload_event upload_wait(struct upload *u, const struct job *job, struct upload_task **ret_task)
{
	scoped_lock(&u->lock);
	for (;;) {
		struct timespec until;

		if (job_should_stop(job))
			return UPLOAD_STOP;
		if (is_finished(u))
			return UPLOAD_END;
		if (u->head) {
			*ret_task = u->head;
			u->head = u->head->next;
			if (!u->head)
				u->tail = &u->head;
			return UPLOAD_TASK;
		}
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += CHECK_NS;
		if (until.tv_nsec >= NS_PER_S) {
			until.tv_nsec -= NS_PER_S;
			until.tv_sec++;
		}
		(void)pthread_cond_timedwait(&u->wake, &u->lock, &until);
	}
}

void upload_finish(struct upload *u)
{
	scoped_lock(&u->lock);
	u->done = true;
	writer_done(&u->writer); /* its descriptor would stay as long as the name */
	u->used = clock_monotonic();
	upload_save(u);
}

struct upload_task *upload_withdraw(struct upload *u, const void *arg)
{
	struct upload_task *task;

	scoped_lock(&u->lock);
	task = u->head;
	if (!task || task->verb != UPLOAD_BEGIN || task->arg != arg)
		return NULL;
	u->head = task->next;
	if (!u->head)
		u->tail = &u->head;
	u->removed = true;
	pthread_cond_signal(&u->wake);
	return task;
}

/* ----------------------------------------------------------------- attributes */

const char *upload_target(const struct upload *u)
{
	return u->image;
}

int64_t upload_id(const struct upload *u)
{
	return u->id;
}

int64_t upload_number(const struct upload *u)
{
	return u->number;
}

bool upload_is_sent(const struct upload *u)
{
	return u->sent;
}

bool upload_is_finished(struct upload *u, char ret_image[UUID_SIZE], char ret_name[UPLOAD_NAME_MAX + 1])
{
	scoped_lock(&u->lock);
	if (!u->done)
		return false;
	snprintf(ret_image, UUID_SIZE, "%s", upload_image(u));
	snprintf(ret_name, UPLOAD_NAME_MAX + 1, "%s", u->file_name);
	return true;
}

void upload_stat(struct upload *u, struct stat *ret)
{
	scoped_lock(&u->lock);
	*ret = u->st;
}

void upload_set_stat(struct upload *u, const struct stat *st)
{
	scoped_lock(&u->lock);
	u->st.st_mode = S_IFREG | (st->st_mode & UPLOAD_MODE);
	u->st.st_uid = st->st_uid;
	u->st.st_gid = st->st_gid;
	u->st.st_mtim = st->st_mtim;
	u->used = clock_monotonic();
	upload_save(u);
}

void upload_note_writer(struct upload *u, pid_t writer)
{
	scoped_lock(&u->lock);
	if (u->done || u->writer.thread == writer)
		return;
	writer_note(&u->writer, writer);
	upload_save(u);
}

/* --------------------------------------------------------------- open, remove */

int upload_error_uploading(const char *file_name, int errnum, struct error *e)
{
	return error_set(e, errnum, "'%s' is being uploaded already", file_name);
}

int upload_open(struct upload *u, bool writes, struct error *e)
{
	scoped_lock(&u->lock);
	if (u->ended || u->removed || (writes && u->sent && u->made))
		return upload_error_ended(u, e);
	if (writes && u->writers)
		return upload_error_uploading(u->file_name, EBUSY, e);
	if (writes && u->awaited) {
		u->awaited = false;
		upload_save(u);
	}
	u->opens++;
	u->writers += writes;
	u->used = clock_monotonic();
	return 0;
}

void upload_revive(struct upload *u, bool writes)
{
	scoped_lock(&u->lock);
	u->opens++;
	u->writers += writes;
}

void upload_remove(struct upload *u)
{
	scoped_lock(&u->lock);
	u->removed = true;
	upload_save(u);
	pthread_cond_signal(&u->wake);
}
