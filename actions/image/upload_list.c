/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of uploads, and their names.
 *
 * Lock order: that of the list, then that of an upload. Neither is held while a
 * task is answered or the pool is called.
 */
#include "actions/image/upload_list.h"

#include <string.h>

#include "actions/engine/pool_internal.h"
#include "actions/engine/result.h"
#include "actions/image/upload_internal.h"
#include "model/clock.h"
#include "model/json.h"
#include "model/keep.h"
#include "model/states.h"

struct uploads {
	struct pool *pool; /* immutable */
	pthread_mutex_t lock;
	struct upload *list; /* lock; a reference to each; ascending by number */
	struct {
		int64_t number, id;
	} last; /* lock */
};

/* It is in no list any more. */
static void drop(struct upload *u)
{
	keep_remove(u->keep, KEEP_UPLOAD, (uint64_t)u->id);
	upload_unref(u);
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

struct upload *uploads_find_id(struct uploads *uploads, int64_t id)
{
	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u; u = u->next)
		if (u->id == id)
			return upload_ref(u);
	return NULL;
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

/* ----------------------------------------------------------- finished uploads */

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
	if (!u->made || (u->ended && !is_kept(u, clock_monotonic())))
		return false;
	image = view ? view_get(view, KIND_IMAGE, upload_image(u)) : NULL;
	if (!image || !object_str_is(image, IMAGE_STATUS, STATUS_READY))
		return false;
	u->used = clock_monotonic();
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
	int64_t now = clock_monotonic();
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

/* -------------------------------------------------------------- coming, going */

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

int uploads_add(struct uploads *uploads, struct upload *u, int64_t reused, struct error *e)
{
	struct upload **p = &uploads->list;
	int count = 0;

	scoped_lock(&uploads->lock);
	sweep(uploads);
	if (find(uploads, u->file_name))
		return upload_error_uploading(u->file_name, EEXIST, e);
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

void upload_close(struct upload *u, bool wrote)
{
	pthread_mutex_lock(&u->lock);
	u->opens--;
	u->writers -= wrote;
	u->used = clock_monotonic();
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	forget(u);
}

/* Call with the list's lock held. */
static int rename_locked(struct upload *u, const char *name, struct upload_task *task, bool *ret_queued,
			 struct error *e)
{
	if (find(u->uploads, name))
		return upload_error_uploading(name, EBUSY, e);
	take_name(u->uploads, name);
	scoped_lock(&u->lock);
	if (u->ended || u->removed)
		return upload_error_ended(u, e);
	u->used = clock_monotonic();
	snprintf(task->former, sizeof(task->former), "%s", u->file_name);
	snprintf(u->file_name, sizeof(u->file_name), "%s", name);
	/* a program renames what it has closed, but the kernel may report the end of the last close later */
	*ret_queued = (!u->opens || u->closed) && !upload_name_is_temporary(name);
	if (*ret_queued) {
		upload_push(u, task);
		return 0;
	}
	memcpy(u->kept_name, u->file_name, sizeof(u->kept_name));
	upload_save(u);
	return 0;
}

int uploads_rename(struct upload *u, const char *name, struct upload_task *task, bool *ret_queued,
		   struct error *e)
{
	scoped_lock(&u->uploads->lock);
	return rename_locked(u, name, task, ret_queued, e);
}

struct upload_task *uploads_withdraw(struct uploads *uploads, const void *arg)
{
	struct upload_task *task = NULL;

	scoped_lock(&uploads->lock);
	for (struct upload *u = uploads->list; u && !task; u = u->next)
		task = upload_withdraw(u, arg);
	return task;
}

/* Those of the process before this one. */
static int load(struct uploads *uploads)
{
	struct keep *keep = uploads->pool ? uploads->pool->keep : NULL;
	size_t count;
	_cleanup_free_ uint64_t *list = keep_list(keep, KEEP_UPLOAD, &count);
	_cleanup_view_ struct view *view = list ? store_view(uploads->pool->store) : NULL;
	int r = 0;

	(void)keep_read(keep, KEEP_UPLOAD_LAST, 0, &uploads->last, sizeof(uploads->last));
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct upload *u = NULL, **p = &uploads->list;

		r = upload_load(uploads, uploads->pool, view, (int64_t)list[i], &u);
		if (!u)
			continue;
		while (*p && (*p)->number <= u->number)
			p = &(*p)->next;
		u->next = *p;
		*p = u;
	}
	return r;
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

struct pool *uploads_pool(const struct uploads *uploads)
{
	return uploads->pool;
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
