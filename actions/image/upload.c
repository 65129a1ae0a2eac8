/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of uploads, their names and their queues. See upload.h;
 * upload_receive.c does the work on the files.
 *
 * Lock order: that of the list, then that of an upload. Neither is held while a
 * task is answered or the pool is called.
 */
#include "actions/image/upload.h"

#include <string.h>
#include <time.h>

#include "actions/engine/pool_internal.h"
#include "actions/engine/result.h"
#include "actions/engine/submit.h"
#include "actions/image/file.h"
#include "actions/image/rules.h"
#include "actions/image/upload_internal.h"
#include "actions/storage/backup_storage.h"
#include "model/json.h"
#include "model/keep.h"
#include "model/states.h"

/* How often a job that waits for a task checks whether it should stop. */
#define CHECK_NS 200000000

struct uploads {
	struct pool *pool; /* immutable */
	pthread_mutex_t lock;
	struct upload *list; /* lock; a reference to each; ascending by number */
	struct {
		int64_t number, id;
	} last; /* lock */
};

/* ------------------------------------------------------------------------- keep */

struct kept_upload {
	int64_t number, mtime;
	uint32_t uid, gid, mode, writer;
	uint8_t closed, removed, done, unused;
	char image[UUID_SIZE], same[UUID_SIZE], name[UPLOAD_NAME_MAX + 1];
};

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
	memcpy(kept.image, u->image, sizeof(kept.image));
	memcpy(kept.same, u->same, sizeof(kept.same));
	memcpy(kept.name, u->kept_name, sizeof(kept.name));
	(void)keep_set(u->keep, KEEP_UPLOAD, (uint64_t)u->id, &kept, sizeof(kept));
}

/* It is in no list any more. */
static void drop(struct upload *u)
{
	keep_remove(u->keep, KEEP_UPLOAD, (uint64_t)u->id);
	upload_unref(u);
}

/* -------------------------------------------------------------------- tasks */

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

/* Call with the lock held. */
static void push(struct upload *u, struct upload_task *task)
{
	task->next = NULL;
	*u->tail = task;
	u->tail = &task->next;
	pthread_cond_signal(&u->wake);
}

static int error_uploading(const char *file_name, int errnum, struct error *e)
{
	return error_set(e, errnum, "'%s' is being uploaded already", file_name);
}

/* Call with the lock held. */
static int error_ended(const struct upload *u, struct error *e)
{
	return error_set(e, ESTALE, "the upload of '%s' has ended", u->file_name);
}

void upload_do(struct upload *u, struct upload_task *task)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	bool ended;

	pthread_mutex_lock(&u->lock);
	u->used = store_now();
	ended = u->ended;
	if (ended)
		(void)error_repeat(&e, &u->end);
	else
		push(u, task);
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
	       (!upload_name_is_temporary(u->file_name) || store_now() - u->used > UPLOAD_IDLE_S * NS_PER_S);
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

/* --------------------------------------------------------------------- list */

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

/* Takes it out of the list if it has ended and is not open. */
static void forget(struct upload *u)
{
	struct uploads *uploads = u->uploads;
	struct upload **p = &uploads->list;
	bool listed;

	pthread_mutex_lock(&uploads->lock);
	pthread_mutex_lock(&u->lock);
	while (*p && *p != u)
		p = &(*p)->next;
	listed = *p && u->ended && !u->opens && !u->done;
	if (listed)
		*p = u->next;
	pthread_mutex_unlock(&u->lock);
	pthread_mutex_unlock(&uploads->lock);
	if (listed)
		drop(u);
}

static bool is_listed(struct upload *u)
{
	scoped_lock(&u->lock);
	return !u->made && !u->removed && !u->ended;
}

/* Call with the list's lock held. Borrowed. */
static struct upload *find(const struct uploads *uploads, const char *name)
{
	for (struct upload *u = uploads->list; u; u = u->next) {
		bool same;

		pthread_mutex_lock(&u->lock);
		same = strcmp(u->file_name, name) == 0;
		pthread_mutex_unlock(&u->lock);
		if (same && is_listed(u))
			return u;
	}
	return NULL;
}

/* ------------------------------------------------------------ finished uploads */

/* Call with the lock held. */
static bool is_kept(const struct upload *u, int64_t now)
{
	return u->done && (u->opens || now - u->used < UPLOAD_KEEP_S * NS_PER_S);
}

/* Is this a finished upload whose image is there? Counts as a use. */
static bool is_image(const struct uploads *uploads, struct upload *u)
{
	_cleanup_view_ struct view *view = uploads->pool ? store_view(uploads->pool->store) : NULL;
	const struct object *image;

	scoped_lock(&u->lock);
	if (!u->made || (u->ended && !is_kept(u, store_now())))
		return false;
	image = view ? view_get(view, KIND_IMAGE, upload_image(u)) : NULL;
	if (!image || !object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return false;
	u->used = store_now();
	return true;
}

static bool has_name(struct upload *u, const char *name)
{
	scoped_lock(&u->lock);
	return strcmp(u->file_name, name) == 0;
}

static bool is_done(struct upload *u)
{
	scoped_lock(&u->lock);
	return u->done;
}

static bool is_removed(struct upload *u)
{
	scoped_lock(&u->lock);
	return u->removed;
}

/* Call with the list's lock held. */
static void lose_number(struct upload *u)
{
	scoped_lock(&u->lock);
	u->number = 0;
	upload_save(u);
}

/* The name is that of another file now. Call with the list's lock held. */
static void take_name(struct uploads *uploads, const char *name)
{
	for (struct upload *u = uploads->list; u; u = u->next)
		if (is_done(u) && has_name(u, name))
			lose_number(u);
}

/* Forgets what was finished long ago, or too many. Call with the list's lock held. */
static void sweep(struct uploads *uploads)
{
	int64_t now = store_now();
	size_t kept = 0;

	for (struct upload *u = uploads->list; u; u = u->next)
		kept += is_done(u);
	for (struct upload **p = &uploads->list; *p;) {
		struct upload *u = *p;
		bool stays;

		pthread_mutex_lock(&u->lock);
		stays = !u->done || u->opens || (is_kept(u, now) && kept <= UPLOADS_KEPT_MAX);
		pthread_mutex_unlock(&u->lock);
		if (stays) {
			p = &u->next;
			continue;
		}
		kept--;
		*p = u->next;
		drop(u);
	}
}

void upload_finish(struct upload *u)
{
	scoped_lock(&u->lock);
	u->done = true;
	u->used = store_now();
	upload_save(u);
}

bool uploads_find_image(struct uploads *uploads, const char *name, size_t *position,
			char ret_image[UUID_SIZE])
{
	size_t i = 0;

	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u; u = u->next, i++) {
		if (i < *position || !is_done(u) || !has_name(u, name) || !is_image(uploads, u))
			continue;
		*position = i + 1;
		snprintf(ret_image, UUID_SIZE, "%s", upload_image(u));
		return true;
	}
	return false;
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

struct upload *uploads_find(struct uploads *uploads, const char *name)
{
	struct upload *u;

	scoped_lock(&uploads->lock);
	sweep(uploads);
	u = find(uploads, name);
	for (struct upload *kept = u ? NULL : uploads->list; kept; kept = kept->next)
		if (kept->number && has_name(kept, name) && !is_removed(kept) && is_image(uploads, kept))
			u = kept;
	return u ? upload_ref(u) : NULL;
}

struct upload *uploads_get(struct uploads *uploads, int64_t number)
{
	scoped_lock(&uploads->lock);
	for (struct upload *u = number ? uploads->list : NULL; u; u = u->next)
		if (u->number == number)
			return upload_ref(u);
	return NULL;
}

struct upload *uploads_next(struct uploads *uploads, int64_t after, char *ret_name)
{
	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u; u = u->next) {
		if (u->number <= after || !is_listed(u))
			continue;
		pthread_mutex_lock(&u->lock);
		snprintf(ret_name, UPLOAD_NAME_MAX + 1, "%s", u->file_name);
		pthread_mutex_unlock(&u->lock);
		return upload_ref(u);
	}
	return NULL;
}

struct upload *uploads_of_image(struct uploads *uploads, const char *image)
{
	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u; u = u->next)
		if (strcmp(u->image, image) == 0)
			return upload_ref(u);
	return NULL;
}

/* Ends the upload of a job that was cancelled before it ran. In the writer thread of the store. */
static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	struct uploads *uploads = ctx;

	(void)view;
	for (size_t i = 0; i < count; i++) {
		const struct object *job = changes[i].after;
		_cleanup_(error_done) struct error e = ERROR_INIT;
		_cleanup_(upload_unref_p) struct upload *u = NULL;
		_cleanup_json_ json_t *json = NULL;

		if (!job || job->kind->id != KIND_JOB || !object_str_is(job, JOB_SOURCE, "upload") ||
		    !job_state_is_final(object_text(job, JOB_STATE)))
			continue;
		u = uploads_of_image(uploads, object_text(job, JOB_RESOURCE_UUID));
		if (!u)
			continue;
		json = json_loads(object_text(job, JOB_ERROR), 0, NULL);
		error_from_json(json, &e);
		upload_end(u, &e);
		forget(u);
	}
}

void uploads_free(struct uploads *uploads)
{
	if (!uploads)
		return;
	while (uploads->list) {
		struct upload *u = uploads->list;

		uploads->list = u->next;
		upload_unref(u);
	}
	pthread_mutex_destroy(&uploads->lock);
	free(uploads);
}

/* ----------------------------------------------------------------- creation */

bool request_is_upload(const struct request *req)
{
	return strcmp(req->actor.source, "upload") == 0;
}

/* The uuid of the usable backup storage with the largest available capacity, borrowed; NULL with an error. */
static const char *choose_backup_storage(const struct view *view, struct error *e)
{
	const struct object *best = NULL;

	view_for_each (bs, view, KIND_BACKUP_STORAGE)
		if (backup_storage_is_usable(bs) &&
		    (!best ||
		     object_int(bs, BACKUP_STORAGE_AVAILABLE) > object_int(best, BACKUP_STORAGE_AVAILABLE)))
			best = bs;
	if (best)
		return object_uuid(best);
	error_set(e, EBUSY, "there is no backup storage that is Enabled and Connected");
	return NULL;
}

/* The image's name and format according to the file name; a temporary one determines neither yet. */
static int parse_name(const char *file_name, char **ret_name, const char **ret_format, struct error *e)
{
	if (strlen(file_name) > UPLOAD_NAME_MAX)
		return error_set(e, ENAMETOOLONG, "the name is too long");
	if (!upload_name_is_temporary(file_name))
		return image_name_parse(file_name, ret_name, ret_format, e);
	*ret_name = strdup(file_name);
	*ret_format = "raw";
	return *ret_name ? 0 : error_oom(e);
}

static int make_request(struct uploads *uploads, const char *file_name, int64_t uid, const char *account,
			struct request **ret_req, struct error *e)
{
	_cleanup_view_ struct view *view = store_view(uploads->pool->store);
	struct actor actor = {.uid = uid, .source = "upload"};
	_cleanup_free_ char *name = NULL;
	_cleanup_json_ json_t *params = NULL;
	const char *format, *bs;
	int r = parse_name(file_name, &name, &format, e);

	if (r < 0)
		return r;
	snprintf(actor.account, sizeof(actor.account), "%s", account ? account : "");
	bs = choose_backup_storage(view, e);
	if (!bs)
		return -EBUSY;
	params =
		json_pack("{s:s, s:o, s:s, s:[s]}", "name", name, "url",
			  json_sprintf("upload://%s", file_name), "format", format, "backupStorageUuids", bs);
	if (!params)
		return error_set(e, EINVAL, "the name is not UTF-8");
	return request_new(operation_by_name("AddImage"), NULL, params, &actor, ret_req, e);
}

static struct upload *upload_new(struct uploads *uploads, const char *name, const char *image, int64_t id,
				 uid_t uid, mode_t mode)
{
	struct upload *u = calloc(1, sizeof(*u));
	int64_t now = store_now();

	if (!u)
		return NULL;
	ref_init(&u->ref, upload_destroy);
	u->uploads = uploads;
	u->id = id;
	u->keep = uploads->pool ? uploads->pool->keep : NULL;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->wake, NULL);
	u->tail = &u->head;
	u->writer = WRITER_INIT;
	u->opens = u->writers = 1;
	u->used = now;
	u->st = (struct stat){.st_mode = S_IFREG | (mode & UPLOAD_MODE),
			      .st_uid = uid,
			      .st_gid = getegid(),
			      .st_mtim = {now / NS_PER_S, now % NS_PER_S}};
	snprintf(u->image, sizeof(u->image), "%s", image);
	snprintf(u->file_name, sizeof(u->file_name), "%s", name);
	memcpy(u->kept_name, u->file_name, sizeof(u->kept_name));
	return u;
}

/* Call with the lock held. */
static void save_last(const struct uploads *uploads)
{
	(void)keep_set(uploads->pool->keep, KEEP_UPLOAD_LAST, 0, &uploads->last, sizeof(uploads->last));
}

int64_t uploads_reserve(struct uploads *uploads)
{
	scoped_lock(&uploads->lock);
	uploads->last.id++;
	save_last(uploads);
	return uploads->last.id;
}

/* Adds it to the list and gives it its number. */
static int enlist(struct uploads *uploads, struct upload *u, int64_t reused, struct error *e)
{
	struct upload **p = &uploads->list;
	int count = 0;

	scoped_lock(&uploads->lock);
	sweep(uploads);
	if (find(uploads, u->file_name))
		return error_uploading(u->file_name, EEXIST, e);
	for (struct upload *other = *p; other; other = other->next)
		count += !is_done(other);
	if (count >= UPLOADS_MAX)
		return error_set(e, EBUSY, "%d files are being uploaded already", count);
	while (*p && !(reused && (*p)->number == reused))
		p = &(*p)->next;
	if (*p) {
		/* It takes the place of the file that is written anew, in the kernel, too. */
		lose_number(*p);
		p = &(*p)->next;
		u->number = reused;
	} else {
		u->number = ++uploads->last.number;
		save_last(uploads);
	}
	u->next = *p;
	*p = upload_ref(u);
	upload_save(u); /* nobody else knows it yet */
	return 0;
}

/* ------------------------------------------------- those of the process before this one */

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
	const char *path = ref ? object_str(ref, IMAGE_REF_INSTALL_PATH) : NULL;
	_cleanup_free_ char *part = bs ? image_file_part_path(bs, upload_image(u)) : NULL;
	struct stat st;

	if ((!path || stat(path, &st) < 0) && (!part || stat(part, &st) < 0))
		return;
	u->st.st_size = st.st_size;
	u->st.st_blocks = st.st_blocks;
}

static int load_upload(struct uploads *uploads, const struct view *view, int64_t id)
{
	struct keep *keep = uploads->pool->keep;
	struct kept_upload kept;
	struct upload *u, **p = &uploads->list;

	if (!keep_read(keep, KEEP_UPLOAD, (uint64_t)id, &kept, sizeof(kept)))
		return 0;
	if (!kept.done && !has_job(view, kept.image)) {
		/* it had ended, or its job was never written */
		keep_remove(keep, KEEP_UPLOAD, (uint64_t)id);
		return 0;
	}
	u = upload_new(uploads, kept.name, kept.image, id, kept.uid, kept.mode);
	if (!u)
		return -ENOMEM;
	u->number = kept.number;
	u->opens = u->writers = 0;
	u->st.st_gid = kept.gid;
	u->st.st_mtim = (struct timespec){kept.mtime / NS_PER_S, kept.mtime % NS_PER_S};
	u->closed = kept.closed;
	u->removed = kept.removed;
	u->done = u->made = kept.done;
	u->is_held = true;
	memcpy(u->same, kept.same, sizeof(u->same));
	if (kept.writer)
		writer_note(&u->writer, (pid_t)kept.writer);
	load_size(u, view);
	while (*p && (*p)->number <= u->number)
		p = &(*p)->next;
	u->next = *p;
	*p = u;
	return 0;
}

static int load(struct uploads *uploads)
{
	struct keep *keep = uploads->pool ? uploads->pool->keep : NULL;
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(keep, KEEP_UPLOAD, &count);
	_cleanup_view_ struct view *view = list ? store_view(uploads->pool->store) : NULL;
	int r = 0;

	(void)keep_read(keep, KEEP_UPLOAD_LAST, 0, &uploads->last, sizeof(uploads->last));
	for (size_t i = 0; r == 0 && i < count; i++)
		r = load_upload(uploads, view, (int64_t)list[i]);
	return r;
}

struct uploads *uploads_new(struct pool *pool)
{
	struct uploads *uploads = calloc(1, sizeof(*uploads));

	if (!uploads)
		return NULL;
	uploads->pool = pool;
	pthread_mutex_init(&uploads->lock, NULL);
	if (load(uploads) < 0 || (pool && store_observe(pool_store(pool), observe, uploads) < 0)) {
		uploads_free(uploads);
		return NULL;
	}
	return uploads;
}

void uploads_release(struct uploads *uploads)
{
	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u; u = u->next) {
		pthread_mutex_lock(&u->lock);
		u->is_held = false;
		pthread_cond_signal(&u->wake);
		pthread_mutex_unlock(&u->lock);
	}
}

struct upload *uploads_find_id(struct uploads *uploads, int64_t id)
{
	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u; u = u->next)
		if (u->id == id)
			return upload_ref(u);
	return NULL;
}

/* The pool has accepted or refused the job. */
static void on_submitted(void *arg, int result, const char *job, const json_t *answer, const struct error *e)
{
	_cleanup_(upload_unref_p) struct upload *u = arg;

	(void)job;
	(void)answer;
	if (result < 0)
		upload_end(u, e);
}

int upload_create(struct uploads *uploads, const char *name, int64_t uid, const char *account, mode_t mode,
		  int64_t reused, int64_t id, struct upload_task *task, struct upload **ret_upload,
		  int64_t *ret_number, struct error *e)
{
	_cleanup_(upload_unref_p) struct upload *u = NULL;
	struct request *req = NULL;
	int r = make_request(uploads, name, uid, account, &req, e);

	if (r < 0)
		return r;
	u = upload_new(uploads, name, req->target, id, (uid_t)uid, mode);
	r = u ? enlist(uploads, u, reused, e) : error_oom(e);
	if (r < 0) {
		request_free(req);
		return r;
	}
	*ret_upload = upload_ref(u);
	*ret_number = u->number;
	upload_do(u, task);
	/* the job may be written before this thread comes to the end of its request */
	keep_flush(uploads->pool->keep);
	pool_submit(uploads->pool, req, on_submitted, steal(&u));
	return 0;
}

/* Takes the upload's UPLOAD_BEGIN with this @arg out of the queue; NULL if it has none. */
static struct upload_task *withdraw(struct upload *u, const void *arg)
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

struct upload_task *uploads_withdraw(struct uploads *uploads, const void *arg)
{
	struct upload_task *task = NULL;

	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u && !task; u = u->next)
		task = withdraw(u, arg);
	return task;
}

/* --------------------------------------------------------------- attributes */

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
	u->used = store_now();
	upload_save(u);
}

void upload_note_writer(struct upload *u, pid_t writer)
{
	scoped_lock(&u->lock);
	if (u->writer.thread == writer)
		return;
	writer_note(&u->writer, writer);
	upload_save(u);
}

/* ------------------------------------------------------ open, close, rename */

int upload_open(struct upload *u, bool writes, struct error *e)
{
	scoped_lock(&u->lock);
	if (u->ended || u->removed)
		return error_ended(u, e);
	if (writes && u->writers)
		return error_uploading(u->file_name, EBUSY, e);
	u->opens++;
	u->writers += writes;
	u->used = store_now();
	return 0;
}

void upload_revive(struct upload *u, bool writes)
{
	scoped_lock(&u->lock);
	u->opens++;
	u->writers += writes;
}

void upload_close(struct upload *u, bool wrote)
{
	pthread_mutex_lock(&u->lock);
	u->opens--;
	u->writers -= wrote;
	u->used = store_now();
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	forget(u);
}

void upload_remove(struct upload *u)
{
	scoped_lock(&u->lock);
	u->removed = true;
	upload_save(u);
	pthread_cond_signal(&u->wake);
}

/* Changes the name, and queues @task if that makes the image: *ret_queued. Call with the list's lock held. */
static int rename_locked(struct upload *u, const char *name, struct upload_task *task, bool *ret_queued,
			 struct error *e)
{
	if (find(u->uploads, name))
		return error_uploading(name, EBUSY, e);
	take_name(u->uploads, name);
	scoped_lock(&u->lock);
	if (u->ended || u->removed)
		return error_ended(u, e);
	u->used = store_now();
	snprintf(task->former, sizeof(task->former), "%s", u->file_name);
	snprintf(u->file_name, sizeof(u->file_name), "%s", name);
	/* a program renames what it has closed, but the kernel may report the end of the last close later */
	*ret_queued = (!u->opens || u->closed) && !upload_name_is_temporary(name);
	if (*ret_queued) {
		push(u, task);
		return 0;
	}
	memcpy(u->kept_name, u->file_name, sizeof(u->kept_name));
	upload_save(u);
	return 0;
}

int upload_rename(struct upload *u, const char *name, struct upload_task *task, struct error *e)
{
	_cleanup_free_ char *image_name = NULL;
	const char *format;
	bool queued = false;
	int r = parse_name(name, &image_name, &format, e);

	if (r < 0)
		return r;
	pthread_mutex_lock(&u->uploads->lock);
	r = rename_locked(u, name, task, &queued, e);
	pthread_mutex_unlock(&u->uploads->lock);
	if (r == 0 && !queued)
		upload_answer(task, 0, NULL);
	return r;
}
